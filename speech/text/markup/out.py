"""The pieces that come out of a text: words and pauses, and where a sentence gets the full stop that its line lacks."""

from __future__ import annotations

from dataclasses import replace

from speech.request import Pause, Piece, Token

_CLOSING = "\"'”’»)]*_`~"  # may stand behind a word's last letter
_BEHIND = frozenset(".,;:!?…)\"'”’»")


class Out:
    """Holds the newest word while what follows may still end a sentence behind it."""

    def __init__(self) -> None:
        self.alias: str | None = None  # said for the next word; empty for those after it
        self.spelling = False  # words are said letter by letter
        self._pieces: list[Piece] = []
        self._last: Token | None = None
        self._spoke = False  # anything since the last pause

    @property
    def holds(self) -> bool:
        """A word is held."""
        return self._last is not None

    def word(self, written: str, spoken: str, start: int, stop: int) -> None:
        """The newest word."""
        self.let_go()
        if self.spelling:
            spoken = " ".join(spoken.upper())
        if self.alias is not None:
            spoken, self.alias = self.alias, ""
        self._spoke = self._spoke or bool(spoken)
        self._last = Token(written, spoken, start, stop)

    def attach(self, written: str, stop: int) -> bool:
        """Punctuation that follows the held word without white space, behind a tag or formula; False for other text."""
        if self._last is None or not _BEHIND.issuperset(written):
            return False
        last = self._last
        said = last.spoken and last.spoken + written
        self._last = Token(last.written + written, said, last.start, stop)
        return True

    def give(self, piece: Piece) -> None:
        """A pause, or a sign that ends no sentence."""
        self.let_go()
        if isinstance(piece, Token):
            self._spoke = self._spoke or bool(piece.spoken)
        self._pieces.append(piece)

    def let_go(self) -> None:
        """The held word stays as it is."""
        if self._last is not None:
            self._pieces.append(self._last)
            self._last = None

    def close(self, sign: str) -> None:
        """Put a sign behind the held word, unless it has one."""
        if self._last is not None and self._last.spoken.rstrip(_CLOSING)[-1:].isalnum():
            self._last = replace(self._last, spoken=self._last.spoken + sign)
        self.let_go()

    def end_sentence(self, pause: Pause) -> None:
        """With a full stop where the text has no sign, and with a pause if anything was said in it."""
        self.close(".")
        if self._spoke:
            self.give(pause)
            self._spoke = False

    def take(self) -> list[Piece]:
        """All that came out since the last time, without the held word."""
        pieces, self._pieces = self._pieces, []
        return pieces
