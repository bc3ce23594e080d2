"""An independent recogniser (pocketsphinx, its model is inside the wheel): what does a listener hear?"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder
from scipy.signal import resample_poly

EAR_RATE = 16_000  # Hz


@cache
def _decoder() -> Decoder:
    return Decoder(samprate=EAR_RATE, loglevel="FATAL")


def heard(samples: NDArray[np.float32], rate: int) -> str:
    """The words heard in mono float samples, lower case; empty if none."""
    common = np.gcd(rate, EAR_RATE)
    heard_samples = resample_poly(samples, EAR_RATE // common, rate // common)
    raw = (np.clip(heard_samples, -1, 1) * 32767).astype("<i2").tobytes()
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw(raw, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def word_errors(said: str, got: str) -> int:
    """How many words must be put in, taken out or changed (Levenshtein distance over words)."""
    want, have = words_of(said), words_of(got)
    row = list(range(len(have) + 1))
    for i, w in enumerate(want, 1):
        previous, row = row, [i]
        for j, h in enumerate(have, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (w != h)))
    return row[-1]


def word_error_rate(said: str, got: str) -> float:
    return word_errors(said, got) / max(1, len(words_of(said)))


def pcm16(data: bytes) -> NDArray[np.float32]:
    """Signed 16-bit little-endian bytes as float samples."""
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768
