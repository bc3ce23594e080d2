"""FFmpeg's encoders and containers, through PyAV: bytes come out with every frame. A format is a file beside it."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from fractions import Fraction
from os import SEEK_END, SEEK_SET
from typing import IO, ClassVar, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from speech.encoders.base import Encoder
from speech.request import Samples

_BUFFER_BYTES = 4096
_NO_TAGS = {"fflags": "+bitexact"}  # else FFmpeg signs its files


class Sink:
    """Write-only, so that FFmpeg takes it for a pipe and never goes back to mend a header."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        taken, self._data = bytes(self._data), bytearray()
        return taken


class FileSink:
    """A file, as FFmpeg reads, writes and seeks it, until it is given up."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._given_up = file, False

    def give_up(self) -> None:
        """What is written from now on goes nowhere: FFmpeg ends a file when it is closed, also one on a full disk."""
        self._given_up = True

    def write(self, data: bytes) -> int:
        return len(data) if self._given_up else self._file.write(data)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return 0 if self._given_up else self._file.seek(offset, whence)

    def tell(self) -> int:
        return 0 if self._given_up else self._file.tell()

    def read(self, size: int) -> bytes:
        return b"" if self._given_up else self._file.read(size)


class AvEncoder(Encoder):
    """A format says which container and codec, with which options."""

    container: ClassVar[str]
    codec: ClassVar[str]
    container_options: ClassVar[dict[str, str]] = {}
    stream_options: ClassVar[dict[str, str]] = {}  # more of them, for a stream

    def __init__(self, sample_rate: int, bitrate_kbps: int | None = None, file: IO[bytes] | None = None) -> None:
        super().__init__(sample_rate, bitrate_kbps, file)
        self._sink = Sink()
        self._file_sink = FileSink(file) if file is not None else None
        streaming = {"flush_packets": "1", **self.stream_options} if file is None else {}
        self._container = av.open(
            self._file_sink or self._sink,
            "w",
            format=self.container,
            buffer_size=_BUFFER_BYTES,
            container_options={**_NO_TAGS, **self.container_options, **streaming},
        )
        self._stream = cast(
            AudioStream, self._container.add_stream(self.codec, rate=sample_rate, options=self.codec_options())
        )
        context = self._stream.codec_context
        context.layout = "mono"
        context.time_base = Fraction(1, sample_rate)
        context.flags |= av.codec.context.Flags.bitexact
        if self.bitrate_kbps:
            context.bit_rate = 1000 * self.bitrate_kbps
        self._position = 0
        self._open = True

    @classmethod
    def sample_rates(cls) -> tuple[int, ...] | None:
        rates = av.codec.Codec(cls.codec, "w").audio_rates
        return tuple(sorted(rates)) if rates else None

    @abstractmethod
    def codec_options(self) -> dict[str, str]:
        """FFmpeg's options for the codec."""

    def frame(self, samples: Samples) -> AudioFrame:
        """Samples as the codec is given them."""
        return AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="fltp", layout="mono")

    def head(self) -> bytes:
        self._container.start_encoding()
        return self._sink.take()

    def encode(self, samples: Samples) -> bytes:
        if not len(samples):
            return b""
        frame = self.frame(np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False))
        frame.sample_rate, frame.time_base = self.sample_rate, Fraction(1, self.sample_rate)
        frame.pts = self._position
        self._position += len(samples)
        self._container.mux(self._stream.encode(frame))
        return self._sink.take()

    def flush(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._shut()
        if self.file is not None:
            self.file.seek(0, SEEK_END)
        return self._sink.take()

    def close(self) -> None:
        """What could not be written was told by `encode` or `flush`; FFmpeg would tell it again in its own words."""
        if self._open:
            if self._file_sink:
                self._file_sink.give_up()
            with suppress(av.FFmpegError, OSError):
                self._shut()

    def _shut(self) -> None:
        self._open = False
        self._container.close()
