"""What is asked for, what comes back, and what can go wrong. Plain data; knows no engine, no thread, no HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (samples,), mono, in [-1, 1]
SPEEDS = (0.25, 4.0)  # the slowest and the fastest that may be asked for
FRAME_S = 0.08  # one frame: 80 ms, the step of Kyutai's model (12.5 Hz) and the size of every chunk


@dataclass(frozen=True)
class SpeechRequest:
    """What a caller asked for. None means: whatever the service or the engine has as its default."""

    text: str = ""
    voice: str | None = None
    format: str = "wav"
    bitrate: int | None = None  # kbit/s, for formats that have one
    speed: float = 1.0  # of the pace, the pitch stays; SPEEDS
    cfg_coef: float | None = None  # only the values that the engine lists
    temperature: float | None = None  # 0 is greedy
    top_k: int | None = None
    seed: int | None = None
    # A speaker that the caller brings, as a Kyutai voice embedding, (1, 512, 125). An engine whose voices are
    # embeddings takes it instead of `voice`, and refuses another shape; any other engine ignores it.
    embedding: NDArray[np.float32] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Pause:
    """A silence asked for in the text. A pause of zero seconds only ends the sentence (a paragraph break)."""

    seconds: float


Piece = str | Pause  # one word in its own spelling (no white space inside), or a pause


@dataclass(frozen=True)
class Word:
    """A word that was said. Times are seconds of the audio that the listener hears, counted from its start."""

    text: str
    start_s: float
    stop_s: float | None = None  # None: not known before the next word begins


@dataclass(frozen=True)
class AudioChunk:
    """A piece of speech, normally one frame (80 ms), and the words that begin in it."""

    samples: Samples
    sample_rate: int  # Hz
    words: tuple[Word, ...] = field(default=())

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


class SpeechError(Exception):
    """Speech that could not be made. web/errors.py alone knows which HTTP status each kind has.

    message: one sentence for the caller. param: the field at fault, if one is. code: a stable word for programs.
    retry_after_s: when it makes sense to ask again, where that is known.
    """

    code = "speech_error"

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.retry_after_s = retry_after_s


class InvalidRequest(SpeechError):
    """The caller must change the request."""

    code = "invalid_value"


class VoiceNotFound(SpeechError):
    """No voice has that id."""

    code = "voice_not_found"


class NotSupported(SpeechError):
    """A thing that this service honestly cannot do."""

    code = "not_supported"


class QueueFull(SpeechError):
    """All slots speak and the queue is full. Nothing was computed."""

    code = "queue_full"


class Unavailable(SpeechError):
    """Not now: draining, still loading, too little memory, waited too long."""

    code = "unavailable"


class EngineBusy(SpeechError):
    """The engine is speaking and was asked to go away."""

    code = "engine_busy"


class EngineFailed(SpeechError):
    """A fault of ours or of the machine's while loading or speaking."""

    code = "engine_failed"


class EngineBroken(EngineFailed):
    """The engine failed in a way that it cannot come back from; it must be discarded, or even the process."""


class Cancelled(SpeechError):
    """The caller left, or the speech was stopped by hand."""

    code = "cancelled"
