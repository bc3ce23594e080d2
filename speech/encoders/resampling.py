"""Samples at one rate -> the same sound at another (Resampler), and an encoder with that step before it (Resampled)."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter.graph import Graph

from speech.encoders.base import Encoder
from speech.request import Samples

# FFmpeg's own resampler: PyAV is built without soxr. From 24 to 8 kHz, a tone of 4080 Hz comes out at -14 dB with the
# default filter of 32 taps, and at -100 dB with 256; 3600 Hz loses 1.0 dB with the one and nothing with the other.
# 256 taps, counted at the lower rate, hold back 16 ms at 8 kHz and 5 ms at 24 kHz and above.
FILTER = "filter_size=256:phase_shift=10:cutoff=0.95"


class Resampler:
    """push ... push, flush: together as long as what came in, to one sample."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        self._rate = source_hz
        self._position = 0
        self._graph = Graph()
        self._in = self._graph.add_abuffer(
            sample_rate=source_hz, format="flt", layout="mono", time_base=Fraction(1, source_hz)
        )
        resampled = self._graph.add("aresample", f"{target_hz}:{FILTER}")
        self._out = self._graph.add("abuffersink")
        self._in.link_to(resampled)
        resampled.link_to(self._out)
        self._graph.configure()

    def push(self, samples: Samples) -> Samples:
        """What is complete with these samples; may be none."""
        if not len(samples):
            return samples
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="flt", layout="mono")
        frame.sample_rate, frame.time_base = self._rate, Fraction(1, self._rate)
        frame.pts = self._position
        self._position += len(samples)
        self._in.push(frame)
        return self._pull()

    def flush(self) -> Samples:
        """The rest."""
        if not self._position:
            return np.zeros(0, np.float32)
        self._in.push(None)
        return self._pull()

    def _pull(self) -> Samples:
        parts: list[Samples] = []
        while True:
            try:
                parts.append(cast(AudioFrame, self._out.pull()).to_ndarray()[0])
            except (av.BlockingIOError, av.EOFError):
                return np.concatenate([np.zeros(0, np.float32), *parts])


class Resampled(Encoder):
    """Takes samples at `sample_rate` and hands them to the encoder at the encoder's own."""

    def __init__(self, sample_rate: int, encoder: Encoder) -> None:
        super().__init__(sample_rate, encoder.bitrate_kbps, encoder.file)
        self._encoder, self._resampler = encoder, Resampler(sample_rate, encoder.sample_rate)

    def head(self) -> bytes:
        return self._encoder.head()

    def encode(self, samples: Samples) -> bytes:
        return self._encoder.encode(self._resampler.push(samples))

    def flush(self) -> bytes:
        rest = self._encoder.encode(self._resampler.flush())
        return rest + self._encoder.flush()

    def close(self) -> None:
        self._encoder.close()
