"""Opus in Ogg, a page every 20 ms; with FFmpeg's own choice a listener would wait a second for the first page."""

from __future__ import annotations

from typing import ClassVar

from speech.encoders.av_stream import AvEncoder
from speech.encoders.base import Bitrates

_SPEECH_CODER_BELOW_KBPS = 32  # there Opus' speech coder sounds better; above it, leaving it out saves half the CPU


class OpusEncoder(AvEncoder):
    media_type = "audio/ogg"
    bitrates = Bitrates(8, 256, 48)
    container, codec = "ogg", "libopus"
    container_options: ClassVar[dict[str, str]] = {"page_duration": "20000"}  # microseconds

    def codec_options(self) -> dict[str, str]:
        assert self.bitrate_kbps is not None
        return {"application": "voip" if self.bitrate_kbps < _SPEECH_CODER_BELOW_KBPS else "lowdelay"}
