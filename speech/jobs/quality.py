"""What is wrong with the sound of a passage (flaws_of), told by its words, its length and its samples. No model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from speech.jobs.job import Flaw
from speech.joints import QUIET
from speech.request import Pause, Samples, Token, Word
from speech.text.passages import Passage

LONGER, LONGER_S = 2.5, 4.0  # than estimated: more than so many times, and so many seconds more, is no reading
SILENCE_S = 3.0  # a silence inside speech that lasts longer than what the text asks for by so much
FULL = 0.999  # of full scale
CLIPPED_SHARE = 0.001  # of the samples, which a loud voice does not reach


def flaws_of(passage: Passage, samples: Samples, words: Sequence[Word], sample_rate: int, speed: float) -> set[Flaw]:
    """words: that were said; none, if the engine does not tell. speed: of the pace at which it was said."""
    return set(_flaws(passage, samples, words, sample_rate, speed)) if words_in(passage) else set()


def _flaws(passage: Passage, samples: Samples, words: Sequence[Word], sample_rate: int, speed: float) -> Iterator[Flaw]:
    seconds = len(samples) / sample_rate * speed
    if 0 < len(words) < words_in(passage):
        yield Flaw.WORDS_MISSING
    if seconds > max(LONGER * passage.seconds, passage.seconds + LONGER_S):
        yield Flaw.TOO_LONG
    if longest_silence_s(samples, sample_rate) * speed > SILENCE_S + _asked_silence_s(passage):
        yield Flaw.SILENT
    if len(samples) and np.mean(np.abs(samples) >= FULL) > CLIPPED_SHARE:
        yield Flaw.CLIPPED


def words_in(passage: Passage) -> int:
    """How many words of it should be told when they are said."""
    return sum(isinstance(piece, Token) and bool(piece.spoken and piece.written) for piece in passage.pieces)


def longest_silence_s(samples: Samples, sample_rate: int) -> float:
    """Of the samples in a row that stay below QUIET; infinite where all of them do."""
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    if not len(loud):
        return float("inf")
    edges = np.concatenate([[-1], loud, [len(samples)]])
    return float(np.max(np.diff(edges)) - 1) / sample_rate


def _asked_silence_s(passage: Passage) -> float:
    return sum(piece.seconds for piece in passage.pieces if isinstance(piece, Pause))
