"""Samples at one rate -> the same sound at another (Resampler), and an encoder with that step before it (Resampled)."""

from __future__ import annotations

import numpy as np

from speech.encoders.base import Encoder
from speech.filters import SampleFilter
from speech.request import Samples

# FFmpeg's own resampler: PyAV is built without soxr. From 24 to 8 kHz, a tone of 4080 Hz comes out at -14 dB with the
# default filter of 32 taps, and at -100 dB with 256; 3600 Hz loses 1.0 dB with the one and nothing with the other.
# 256 taps, counted at the lower rate, hold back 16 ms at 8 kHz and 5 ms at 24 kHz and above.
FILTER = "filter_size=256:phase_shift=10:cutoff=0.95"


LEAST_S = 0.05  # FFmpeg gives nothing of what does not fill its filter: that gets silence behind it, cut off again


class Resampler:
    """Samples at one rate in, the same sound at the other out, as long as what came in to one sample."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        self._source_hz, self._target_hz = source_hz, target_hz
        self._filter = SampleFilter(source_hz, [("aresample", f"{target_hz}:{FILTER}")])
        self._taken = self._given = 0  # samples

    def push(self, samples: Samples) -> Samples:
        """What is complete with these samples; may be none."""
        self._taken += len(samples)
        given = self._filter.push(samples)
        self._given += len(given)
        return given

    def flush(self) -> Samples:
        """The rest."""
        missing = round(LEAST_S * self._source_hz) - self._taken
        if missing <= 0 or not self._taken:
            return self._filter.flush()
        early = self._filter.push(np.zeros(missing, np.float32))
        length = round(self._taken * self._target_hz / self._source_hz)
        return np.concatenate([early, self._filter.flush()])[: length - self._given]


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
