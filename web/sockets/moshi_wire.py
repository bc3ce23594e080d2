"""What moshi-server's protocol puts on the wire, in its four formats (FORMATS). Knows no socket and no speech.

A MessagePack format sends maps: Ready, Audio or OggOpus, Text, Error. A raw one sends audio and nothing else.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, Literal

import msgpack
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from speech.encoders import ENCODERS
from speech.errors import ErrorCode, InvalidRequest
from speech.request import Samples, Word

SAMPLE_RATE = 24_000  # Hz
FRAME = 1920  # samples, 80 ms: one message
LOUDEST = 0.99  # moshi-server clips there
NO_FREE_CHANNELS = "no free channels"  # the one error that its clients know: try another server
EOS_BYTE = b"\0"

# -- from the client ------------------------------------------------------------------------------------------------


class TextMessage(BaseModel):
    type: Literal["Text"]
    text: str


class EosMessage(BaseModel):
    type: Literal["Eos"]


class VoiceMessage(BaseModel):
    """A speaker as an embedding; normally of the shape (1, 512, 125)."""

    type: Literal["Voice"]
    embeddings: list[float]
    shape: Annotated[list[int], Field(min_length=1, max_length=3)]

    def embedding(self) -> NDArray[np.float32] | None:
        """(1, width, frames); None if the numbers do not have that shape, or are none."""
        if math.prod(self.shape) != len(self.embeddings) or min(self.shape) < 1:
            return None
        with np.errstate(over="ignore"):
            array = np.array(self.embeddings).astype(np.float32).reshape(self.shape)
        return array[(None,) * (3 - array.ndim)] if np.isfinite(array).all() else None


ClientMessage = TextMessage | EosMessage | VoiceMessage
_MESSAGE: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])


def read(message: str | bytes) -> ClientMessage:
    """A message from the client. Raises InvalidRequest."""
    if isinstance(message, str):
        return TextMessage(type="Text", text=message)
    if message == EOS_BYTE:
        return EosMessage(type="Eos")
    try:
        return _MESSAGE.validate_python(msgpack.unpackb(message))
    except (ValueError, ValidationError):
        raise InvalidRequest("That is no message of this protocol.", code=ErrorCode.BAD_MESSAGE) from None


# -- to the client --------------------------------------------------------------------------------------------------


class Wire(ABC):
    """One format. packed: whether it is one of the two that send maps."""

    def __init__(self, packed: bool) -> None:
        self.packed = packed
        self._waiting: Samples = np.zeros(0, np.float32)  # less than a frame

    def ready(self) -> Iterator[bytes]:
        """What comes before anything else."""
        if self.packed:
            yield msgpack.packb({"type": "Ready"})

    def word(self, word: Word) -> Iterator[bytes]:
        if self.packed:
            yield msgpack.packb({"type": "Text", "text": word.text, "start_s": word.start_s, "stop_s": word.stop_s})

    def error(self, message: str) -> Iterator[bytes]:
        if self.packed:
            yield msgpack.packb({"type": "Error", "message": message})

    def sound(self, samples: Samples) -> Iterator[bytes]:
        """Audio by the frame; what does not fill one waits for more."""
        samples = np.concatenate([self._waiting, np.clip(samples, -LOUDEST, LOUDEST)])
        whole = len(samples) // FRAME * FRAME
        self._waiting = samples[whole:]
        for start in range(0, whole, FRAME):
            yield from self._frame(samples[start : start + FRAME])

    def last_sound(self) -> Iterator[bytes]:
        """What waits, filled up with silence."""
        if len(self._waiting):
            yield from self.sound(np.zeros(FRAME - len(self._waiting), np.float32))

    @abstractmethod
    def _frame(self, samples: Samples) -> Iterator[bytes]:
        """1920 samples as messages."""

    def close(self) -> None:  # noqa: B027 - most have nothing to free
        """Free what is held."""


class PcmWire(Wire):
    """32-bit float samples."""

    def _frame(self, samples: Samples) -> Iterator[bytes]:
        samples = samples.astype("<f4", copy=False)
        if self.packed:
            yield msgpack.packb({"type": "Audio", "pcm": samples.tolist()}, use_single_float=True)
        else:
            yield samples.tobytes()


class OpusWire(Wire):
    """Opus in Ogg pages; the messages together are one file."""

    def __init__(self, packed: bool) -> None:
        super().__init__(packed)
        self._encoder = ENCODERS["opus"](SAMPLE_RATE)

    def ready(self) -> Iterator[bytes]:
        yield from super().ready()
        yield from self._pages(self._encoder.head())

    def last_sound(self) -> Iterator[bytes]:
        yield from super().last_sound()
        yield from self._pages(self._encoder.flush())

    def close(self) -> None:
        self._encoder.close()

    def _frame(self, samples: Samples) -> Iterator[bytes]:
        yield from self._pages(self._encoder.encode(samples))

    def _pages(self, pages: bytes) -> Iterator[bytes]:
        if pages:
            yield msgpack.packb({"type": "OggOpus", "data": list(pages)}) if self.packed else pages


FORMATS: dict[str, tuple[type[Wire], bool]] = {
    "Pcm": (PcmWire, False),
    "PcmMessagePack": (PcmWire, True),
    "OggOpus": (OpusWire, False),
    "OggOpusMessagePack": (OpusWire, True),
}
DEFAULT_FORMAT = "OggOpus"


def wire(name: str) -> Wire:
    """A new one of that format. Raises KeyError."""
    kind, packed = FORMATS[name]
    return kind(packed)
