"""What every encoder is: samples in, bytes of one format out, statefully. One for each response."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from speech.request import Samples


@dataclass(frozen=True)
class Bitrates:
    """What a lossy format can be asked for, in kbit/s."""

    lowest: int
    highest: int
    default: int


class Encoder(ABC):
    """head, encode ... encode, flush: the bytes together are one file.

    Made with the sample rate in Hz, and with how many samples will come where that is known: a format whose
    header holds a size can then tell the truth. bitrate_kbps: within `bitrates`; None: the format's default.
    """

    media_type: ClassVar[str]
    bitrates: ClassVar[Bitrates | None] = None  # None: a bit rate means nothing here

    def __init__(self, sample_rate: int, total_samples: int | None = None, bitrate_kbps: int | None = None) -> None:
        self.sample_rate = sample_rate
        self.total_samples = total_samples
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

    def close(self) -> None:  # noqa: B027 - most have nothing to free
        """Free what is held, whether or not it was flushed. A second call does nothing."""
