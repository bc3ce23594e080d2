"""FLAC, 16 bits: lossless. A stream says neither its length nor its checksum; a whole file says both."""

from __future__ import annotations

import numpy as np
from av.audio.frame import AudioFrame

from speech.encoders.av_stream import AvEncoder
from speech.encoders.pcm import to_int16
from speech.request import Samples


class FlacEncoder(AvEncoder):
    media_type = "audio/flac"
    container, codec = "flac", "flac"

    def codec_options(self) -> dict[str, str]:
        return {"frame_size": "960"}  # 40 ms at 24 kHz; FFmpeg's own choice holds more than a chunk back

    def frame(self, samples: Samples) -> AudioFrame:
        rounded = np.frombuffer(to_int16(samples), "<i2")  # as in PCM and WAV, to the bit
        return AudioFrame.from_ndarray(rounded[None, :], format="s16", layout="mono")
