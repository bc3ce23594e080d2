"""What every encoder is: samples in, bytes of one format out, statefully. One for each response."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import IO, ClassVar

from speech.request import Samples


@dataclass(frozen=True)
class Bitrates:
    """What a lossy format can be asked for, in kbit/s."""

    lowest: int
    highest: int
    default: int


class Encoder(ABC):
    """head, encode ... encode, flush: the bytes together are one file.

    sample_rate: Hz. bitrate_kbps: within `bitrates`; None: the format's default. file: empty, and it can be read and
    sought; the bytes then go there instead of being returned, and a header that holds a size is mended by `flush`.
    """

    media_type: ClassVar[str]
    bitrates: ClassVar[Bitrates | None] = None  # None: a bit rate means nothing here
    rates: ClassVar[tuple[int, ...]] = ()  # Hz that can be asked for; (): only what the engine speaks at
    default_rate: ClassVar[int | None] = None  # Hz unless another is asked for; None: what the engine speaks at

    def __init__(self, sample_rate: int, bitrate_kbps: int | None = None, file: IO[bytes] | None = None) -> None:
        self.sample_rate = sample_rate
        self.file = file
        self.bitrate_kbps = bitrate_kbps or (self.bitrates.default if self.bitrates else None)

    @classmethod
    def sample_rates(cls) -> tuple[int, ...] | None:
        """In Hz, what the format can hold; None: any."""
        return None

    def head(self) -> bytes:
        """The bytes that come before any samples. `encode` gives them with the first samples unless they were taken."""
        return b""

    @abstractmethod
    def encode(self, samples: Samples) -> bytes:
        """The bytes that these samples complete; may be none."""

    @abstractmethod
    def flush(self) -> bytes:
        """The last bytes. Nothing may be encoded after it."""

    def _give(self, data: bytes) -> bytes:
        """Bytes that are ready, returned or written."""
        if self.file is None:
            return data
        self.file.write(data)
        return b""

    def close(self) -> None:  # noqa: B027 - most have nothing to free
        """Free what is held, whether or not it was flushed. A second call does nothing."""
