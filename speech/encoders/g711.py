"""G.711, the telephone's codecs: 8 bits a sample at 8 kHz, without a header (RTP's PCMU and PCMA, RFC 3551)."""

from __future__ import annotations

import numpy as np
from av.audio.frame import AudioFrame

from speech.encoders.av_stream import AvEncoder
from speech.encoders.pcm import to_int16
from speech.request import Samples

TELEPHONE_HZ = 8_000


class _G711Encoder(AvEncoder):
    rates = (TELEPHONE_HZ,)
    default_rate = TELEPHONE_HZ

    @classmethod
    def sample_rates(cls) -> tuple[int, ...]:
        return cls.rates

    def codec_options(self) -> dict[str, str]:
        return {}

    def frame(self, samples: Samples) -> AudioFrame:
        rounded = np.frombuffer(to_int16(samples), "<i2")
        return AudioFrame.from_ndarray(rounded[None, :], format="s16", layout="mono")


class MulawEncoder(_G711Encoder):
    """North America and Japan; Twilio's media streams."""

    media_type = "audio/pcmu"
    container, codec = "mulaw", "pcm_mulaw"


class AlawEncoder(_G711Encoder):
    """Everywhere else."""

    media_type = "audio/pcma"
    container, codec = "alaw", "pcm_alaw"
