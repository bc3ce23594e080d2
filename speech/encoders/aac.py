"""AAC-LC in ADTS: frames that each carry their own header, so there is nothing to mend at the end."""

from __future__ import annotations

from speech.encoders.av_stream import AvEncoder
from speech.encoders.base import Bitrates


class AacEncoder(AvEncoder):
    media_type = "audio/aac"
    bitrates = Bitrates(24, 144, 64)  # 144: 6144 bits a frame at 24 kHz, the standard's most for one channel
    container, codec = "adts", "aac"

    def codec_options(self) -> dict[str, str]:
        return {"aac_coder": "fast"}
