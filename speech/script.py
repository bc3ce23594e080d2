"""What is said of a request (Script): its text or its turns, read and cut into passages, each with its voice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from speech.errors import ErrorCode, InvalidRequest
from speech.request import Piece, SpeechRequest, Turn
from speech.text.document import read_turn, turn_passages
from speech.text.passages import Passage, passages
from speech.text.pipe import Reader, anything_said
from speech.text.remarks import Remarks
from speech.text.turns import placed, turns
from speech.voices.catalogue import Voice

VoiceOf = Callable[[str | None], Voice]
ReaderOf = Callable[[str, Remarks], Reader]  # a voice's id, and what is told of what is not said -> a new Reader


@dataclass(frozen=True)
class Script:
    """passages: at least one, each with the id of a voice. voices: all that speak, from the first on."""

    passages: list[Passage]
    voices: tuple[str, ...]
    remarks: Remarks

    @property
    def pieces(self) -> Iterator[Piece]:
        return (piece for passage in self.passages for piece in passage.pieces)


def spoken_turns(request: SpeechRequest) -> list[Turn]:
    """Who says what; a text without marks of voices is one turn."""
    return list(turns(placed(request.turns or (Turn(request.text),))))


def script_of(request: SpeechRequest, voice_of: VoiceOf, reader_of: ReaderOf) -> Script:
    """voice_of: the voice of an id or another name, or the default. Raises what it raises, and InvalidRequest for a
    text in which there is nothing to say."""
    spoken = [replace(turn, voice=voice_of(turn.voice or request.voice).id) for turn in spoken_turns(request)]
    remarks = Remarks()
    found = _passages(request, spoken, lambda voice: reader_of(voice or "", remarks))
    if not any(anything_said(passage.pieces) for passage in found):
        field = field_of(request)
        raise InvalidRequest(f"{field} has no words that can be said.", param=field, code=ErrorCode.NOTHING_TO_SAY)
    voices = dict.fromkeys(passage.voice for passage in found if passage.voice)
    return Script(found, tuple(voices), remarks)


def _passages(request: SpeechRequest, spoken: list[Turn], reader_of: Callable[[str | None], Reader]) -> list[Passage]:
    """Of a text without marks all that was read, to its last pause."""
    if len(spoken) > 1 or request.turns or (spoken and spoken[0].start):
        return turn_passages(spoken, reader_of, cut=request.passages)
    pieces = [piece for turn in spoken for piece in read_turn(turn, reader_of)]
    found = passages(pieces) if request.passages and anything_said(pieces) else [Passage(tuple(pieces))]
    return [replace(passage, voice=turn.voice) for turn in spoken for passage in found]


def field_of(request: SpeechRequest) -> str:
    """What the API calls what is said."""
    return "turns" if request.turns else "text"
