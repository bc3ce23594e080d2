"""MP3 at a constant bit rate, each frame complete in itself (no bit reservoir), so that a player can start anywhere.

A stream has neither ID3 nor a Xing header: their lengths would be wrong. A whole file has Xing's, with its true length.
"""

from __future__ import annotations

from typing import ClassVar

from speech.encoders.av_stream import AvEncoder
from speech.encoders.base import Bitrates


class Mp3Encoder(AvEncoder):
    media_type = "audio/mpeg"
    bitrates = Bitrates(16, 160, 128)  # MPEG-2 layer III, one channel
    container, codec = "mp3", "libmp3lame"
    container_options: ClassVar[dict[str, str]] = {"id3v2_version": "0"}
    stream_options: ClassVar[dict[str, str]] = {"write_xing": "0"}

    def codec_options(self) -> dict[str, str]:
        return {"reservoir": "0", "compression_level": "7"}
