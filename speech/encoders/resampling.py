"""Samples at one rate -> the same sound at another (resampler), and an encoder with that step before it (Resampled)."""

from __future__ import annotations

from speech.encoders.base import Encoder
from speech.filters import SampleFilter
from speech.request import Samples

# FFmpeg's own resampler: PyAV is built without soxr. From 24 to 8 kHz, a tone of 4080 Hz comes out at -14 dB with the
# default filter of 32 taps, and at -100 dB with 256; 3600 Hz loses 1.0 dB with the one and nothing with the other.
# 256 taps, counted at the lower rate, hold back 16 ms at 8 kHz and 5 ms at 24 kHz and above.
FILTER = "filter_size=256:phase_shift=10:cutoff=0.95"


def resampler(source_hz: int, target_hz: int) -> SampleFilter:
    """Samples at one rate in, the same sound at the other out: as long as what came in, to one sample."""
    return SampleFilter(source_hz, [("aresample", f"{target_hz}:{FILTER}")])


class Resampled(Encoder):
    """Takes samples at `sample_rate` and hands them to the encoder at the encoder's own."""

    def __init__(self, sample_rate: int, encoder: Encoder) -> None:
        super().__init__(sample_rate, encoder.bitrate_kbps, encoder.file)
        self._encoder, self._resampler = encoder, resampler(sample_rate, encoder.sample_rate)

    def head(self) -> bytes:
        return self._encoder.head()

    def encode(self, samples: Samples) -> bytes:
        return self._encoder.encode(self._resampler.push(samples))

    def flush(self) -> bytes:
        rest = self._encoder.encode(self._resampler.flush())
        return rest + self._encoder.flush()

    def close(self) -> None:
        self._encoder.close()
