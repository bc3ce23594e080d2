"""RIFF WAVE, 16-bit mono PCM. A stream's length is not known when its header is sent: the sizes are then 0xFFFFFFFF,
which players read as "until the end" (OpenAI's API and moshi-server send the same)."""

from __future__ import annotations

import struct
from os import SEEK_END

from speech.encoders.base import Encoder
from speech.encoders.pcm import PCM_RATES, to_int16
from speech.request import Samples

UNKNOWN = 0xFFFFFFFF
_BYTES_PER_SAMPLE = 2


def header(sample_rate: int, data_bytes: int = UNKNOWN) -> bytes:
    """The 44 bytes before the samples. Above 4 GiB the sizes cannot be written and count as unknown."""
    riff_bytes = data_bytes + 36 if data_bytes + 36 < UNKNOWN else UNKNOWN
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        riff_bytes,
        b"WAVE",
        b"fmt ",
        16,  # bytes in this block
        1,  # PCM
        1,  # channel
        sample_rate,
        sample_rate * _BYTES_PER_SAMPLE,
        _BYTES_PER_SAMPLE,
        8 * _BYTES_PER_SAMPLE,
        b"data",
        min(data_bytes, UNKNOWN),
    )


class WavEncoder(Encoder):
    media_type = "audio/wav"
    rates = PCM_RATES
    _begun = False
    _data_bytes = 0

    def encode(self, samples: Samples) -> bytes:
        data = to_int16(samples)
        self._data_bytes += len(data)
        return self._give(self._head() + data)

    def flush(self) -> bytes:
        given = self._give(self._head())
        if self.file is not None:
            self.file.seek(0)
            self.file.write(header(self.sample_rate, self._data_bytes))
            self.file.seek(0, SEEK_END)
        return given

    def _head(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return header(self.sample_rate)
