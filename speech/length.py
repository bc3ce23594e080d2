"""How long a text will sound (Length), estimated before it is spoken: a short text can ask for hours of silence."""

from __future__ import annotations

from collections.abc import Iterable

from speech.errors import ErrorCode, InvalidRequest
from speech.request import Pause, Piece, Token

CHARACTER_S = 0.1  # of a slow reading; both engines take 0.06 to 0.08 s for a character that is no blank
MOST_PAUSES_S = 600.0  # of one text, before its speed


class Length:
    """Adds up the pieces of one text."""

    def __init__(self, most_s: float, speed: float) -> None:
        """most_s: seconds of audio that the text may take at this speed."""
        self._most_s, self._speed = most_s, speed
        self._speech_s = self._pauses_s = 0.0

    @property
    def seconds(self) -> float:
        """Of audio, at most, as far as can be told."""
        return (self._speech_s + self._pauses_s) / self._speed

    def add(self, pieces: Iterable[Piece]) -> None:
        """Raises InvalidRequest when the pauses or the whole become too long."""
        for piece in pieces:
            if isinstance(piece, Pause):
                self._pauses_s += piece.seconds
            elif isinstance(piece, Token):
                self._speech_s += CHARACTER_S * len(piece.spoken)
        if self._pauses_s > MOST_PAUSES_S:
            raise _too_long(f"The pauses of one text may last {MOST_PAUSES_S:g} s; these last {self._pauses_s:g} s.")
        if self.seconds > self._most_s:
            raise _too_long(
                f"The text would take about {self.seconds:.0f} s to say at speed {self._speed:g}; "
                f"at most {self._most_s:g} s are allowed (MAX_AUDIO_S)."
            )


def _too_long(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="text", code=ErrorCode.SPEECH_TOO_LONG)
