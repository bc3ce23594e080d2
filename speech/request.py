"""What is asked for, what comes back, and what can go wrong. Plain data; knows no engine, no thread, no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (samples,), mono, in [-1, 1]
SPEEDS = (0.25, 4.0)  # the slowest and the fastest that may be asked for
FRAME_S = 0.08  # one frame: 80 ms, the step of Kyutai's model (12.5 Hz) and the size of every chunk


@dataclass(frozen=True)
class Turn:
    """What one voice says. voice: an id, alias or OpenAI name; None: the request's.

    start: its place in the text that all turns are together, in UTF-16 code units.
    """

    text: str
    voice: str | None = None
    start: int = 0


def utf16(text: str) -> int:
    """Its length in UTF-16 code units, as places are counted."""
    return len(text) + sum(character > "\uffff" for character in text)


@dataclass(frozen=True)
class SpeechRequest:
    """What a caller asked for. None means the default of the service or the engine."""

    text: str = ""
    turns: tuple[Turn, ...] = ()  # instead of a text
    voice: str | None = None
    format: str = "wav"
    bitrate: int | None = None  # kbit/s, for formats that have one
    sample_rate: int | None = None  # Hz of the audio, for formats that can be had at several (Encoder.rates)
    speed: float = 1.0  # of the pace, the pitch stays; SPEEDS
    cfg_coef: float | None = None  # only the values that the engine lists
    temperature: float | None = None  # 0 is greedy
    top_k: int | None = None
    seed: int | None = None
    passages: bool = True  # a long text is said in passages, side by side; False: in one piece
    language: str | None = None  # of the text, ISO 639-1; None: the voice's
    # Word or phrase -> what is said for it (text/lexicon.py). Requests are hashed; a dict cannot be.
    lexicon: Mapping[str, str] = field(default_factory=dict, hash=False)
    normalize: bool = True  # False: numbers, dates and the like are left to the engine
    code: Literal["skip", "read"] = "skip"  # what happens to fenced code
    # Who asks: slots are dealt evenly between callers. Opaque; may be an address, so it is never shown. "": not known.
    caller: str = field(default="", repr=False, compare=False)
    # Whose voices it may use that were made from recordings: the name of a key; None: the caller's.
    owner: str | None = field(default=None, repr=False, compare=False)
    # A speaker that the caller brings, as a Kyutai voice embedding, (1, 512, 125). An engine whose voices are
    # embeddings takes it instead of `voice`, and refuses another shape; any other engine ignores it.
    embedding: NDArray[np.float32] | None = field(default=None, compare=False)

    @property
    def written(self) -> str:
        """All that is to be said, also of turns."""
        return "\n\n".join(turn.text for turn in self.turns) if self.turns else self.text


@dataclass(frozen=True)
class Token:
    """A word as it is written and as it is said; several written words when they are read as one ("12,50 €")."""

    written: str  # as in the text
    spoken: str  # one or more words, a blank between them; empty: it is not said
    start: int = 0  # its place in the text as it was sent, in UTF-16 code units (what JavaScript counts in)
    stop: int = 0

    def said(self, start_s: float, stop_s: float | None = None, estimated: bool = False) -> Word:
        """This word in the audio, told as it is written."""
        return Word(self.written, start_s, stop_s, self.start, self.stop, estimated)


@dataclass(frozen=True)
class Pause:
    """A silence asked for in the text. A pause of zero seconds only ends the sentence (a paragraph break)."""

    seconds: float


Piece = Token | Pause


@dataclass(frozen=True)
class Word:
    """A word that was said. Times are seconds of the audio that the listener hears, counted from its start."""

    text: str  # as written
    start_s: float
    stop_s: float | None = None  # None: the engine does not know; captions.py fills it in
    start: int = 0  # its place in the text, as a Token has it
    stop: int = 0
    estimated: bool = False  # the times: the model tells none


@dataclass(frozen=True)
class AudioChunk:
    """A piece of speech, normally one frame (80 ms), and words.

    From an engine they are those that begin in it. From a Speech they are those that are told now: both of their times
    are known.
    """

    samples: Samples
    sample_rate: int  # Hz
    words: tuple[Word, ...] = field(default=())

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate
