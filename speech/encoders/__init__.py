"""Which audio formats there are. A new one is a file beside this and a row here; the rest of the service finds it."""

from __future__ import annotations

from speech.encoders.base import Encoder
from speech.encoders.pcm import PcmEncoder
from speech.encoders.wav import WavEncoder

ENCODERS: dict[str, type[Encoder]] = {"wav": WavEncoder, "pcm": PcmEncoder}
