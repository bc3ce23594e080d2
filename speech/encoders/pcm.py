"""Raw samples: signed 16-bit little-endian, mono, no header."""

from __future__ import annotations

import numpy as np

from speech.encoders.base import Encoder
from speech.request import Samples

PCM_RATES = (8_000, 16_000, 24_000, 44_100, 48_000)  # Hz


def to_int16(samples: Samples) -> bytes:
    """Float samples in [-1, 1] as signed 16-bit little-endian; louder ones are clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()


class PcmEncoder(Encoder):
    media_type = "audio/pcm"
    rates = PCM_RATES

    def encode(self, samples: Samples) -> bytes:
        return self._give(to_int16(samples))

    def flush(self) -> bytes:
        return b""
