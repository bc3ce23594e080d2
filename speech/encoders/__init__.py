"""Which audio formats there are. A new one is a file beside this and a row here; the rest of the service finds it."""

from __future__ import annotations

from speech.encoders.aac import AacEncoder
from speech.encoders.base import Encoder
from speech.encoders.flac import FlacEncoder
from speech.encoders.mp3 import Mp3Encoder
from speech.encoders.opus import OpusEncoder
from speech.encoders.pcm import PcmEncoder
from speech.encoders.wav import WavEncoder

ENCODERS: dict[str, type[Encoder]] = {
    "wav": WavEncoder,
    "mp3": Mp3Encoder,
    "opus": OpusEncoder,
    "aac": AacEncoder,
    "flac": FlacEncoder,
    "pcm": PcmEncoder,
}
