"""Which audio formats there are. A new one is a file beside this and a row here; the rest of the service finds it."""

from __future__ import annotations

from typing import IO

from speech.encoders.aac import AacEncoder
from speech.encoders.base import Encoder
from speech.encoders.flac import FlacEncoder
from speech.encoders.g711 import AlawEncoder, MulawEncoder
from speech.encoders.mp3 import Mp3Encoder
from speech.encoders.opus import OpusEncoder
from speech.encoders.pcm import PcmEncoder
from speech.encoders.resampling import Resampled
from speech.encoders.wav import WavEncoder

ENCODERS: dict[str, type[Encoder]] = {
    "wav": WavEncoder,
    "mp3": Mp3Encoder,
    "opus": OpusEncoder,
    "aac": AacEncoder,
    "flac": FlacEncoder,
    "pcm": PcmEncoder,
    "mulaw": MulawEncoder,
    "alaw": AlawEncoder,
}
# Every rate that some format can be asked for, in Hz.
RATES = tuple(sorted({rate for encoder in ENCODERS.values() for rate in encoder.rates}))


def rate_of(name: str, sample_rate: int, wanted: int | None = None) -> int:
    """The rate in Hz that the format has, of samples at `sample_rate`; wanted: what was asked for."""
    return wanted or ENCODERS[name].default_rate or sample_rate


def make_encoder(
    name: str,
    sample_rate: int,
    *,
    wanted: int | None = None,
    bitrate_kbps: int | None = None,
    file: IO[bytes] | None = None,
) -> Encoder:
    """An encoder that takes samples at `sample_rate`, resampled where the format or the caller wants another.

    wanted: Hz, one of the format's `rates`; None: as the format is made. The rest as Encoder has it.
    """
    rate = rate_of(name, sample_rate, wanted)
    encoder = ENCODERS[name](rate, bitrate_kbps, file)
    return encoder if rate == sample_rate else Resampled(sample_rate, encoder)
