"""When each word of a passage is said, estimated from the passage's sound (word_times). Knows no model and no row.

The words are known, and how long all of them take. The silences in the sound are laid to the places between words where
they fit best: at marks, and where the words between two silences would take about as long as the sound between them.
From silence to silence each word gets a share of the time by its letters. How far that lies from what a recogniser
hears: docs/decisions/pocket.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.request import Samples

Floats = NDArray[np.float64]
Span = tuple[float, float]  # begin and end in seconds
Place = tuple[int, int]  # a silence, or an edge of the sound; how many words lie before it

HOP_S = 0.01
QUIET_DB = 35.0  # so far below the loud ones a hop is silent
LEAST_SILENCE = 8  # hops; stops inside words are shorter
WEIGHT_OF_A_WORD = 1.0  # letters: short words take longer than their letters say
# What a division costs. Deviations of the pace are squared, in units of SPREAD; those of a short stretch count less.
SPREAD, FULL = 0.4, 50  # of the logarithm of the pace; hops
AT = {"sentence": 0.0, "phrase": 0.3, None: 1.0}  # a silence there
AT_NO_MARK_A_S = 3.0
PASSED = {"sentence": 0.8, "phrase": 0.15, None: 0.0}  # no silence there
NOT_USED, NOT_USED_A_S = 0.5, 6.0  # a silence that lies inside a word
MOST_SILENCES = 24  # the longest are looked at
MOST_WORDS = 150  # no passage that is spoken has more; one of signs that the model does not know may

_SENTENCE = re.compile(r"[.!?…;:—]\W*$")
_PHRASE = re.compile(r"[,)–-]\W*$")


def levels_of(samples: Samples, sample_rate: int) -> Floats:
    """dB of each hop, (hops,). samples: (samples,); what is left behind the last whole hop is not looked at."""
    length = round(HOP_S * sample_rate)
    hops = samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length)
    levels: Floats = 10 * np.log10(np.mean(hops**2, axis=1) + 1e-10)
    return levels


def word_times(words: Sequence[str], levels: Floats) -> list[Span]:
    """Begin and end of each word in seconds, in order. words: as they are spoken, with their marks; one at least.

    levels: of the passage's sound, as `levels_of` gives them.
    """
    sound = _sound(levels)
    weights = np.array([sum(map(str.isalnum, word)) + WEIGHT_OF_A_WORD for word in words])
    ends = np.concatenate([[0.0], np.cumsum(weights)])
    times: list[Span] = []
    for first, last, start, stop in _stretches(words, ends, sound):
        shares = (ends[first : last + 1] - ends[first]) / (ends[last] - ends[first])
        bounds = HOP_S * (start + shares * (stop - start))
        times += zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    return times


@dataclass(frozen=True)
class Sound:
    """In hops. silences: begin and end of those between the first sound and the last, (silences, 2)."""

    start: int
    stop: int
    silences: NDArray[np.int64]


def _sound(levels: Floats) -> Sound:
    heard = np.flatnonzero(levels > np.percentile(levels, 95) - QUIET_DB) if len(levels) else np.zeros(0, np.int64)
    if not len(heard):
        return Sound(0, max(1, len(levels)), np.zeros((0, 2), np.int64))
    before = np.flatnonzero(np.diff(heard) > LEAST_SILENCE)
    silences = np.stack([heard[before] + 1, heard[before + 1]], axis=1)
    longest = np.argsort(silences[:, 0] - silences[:, 1], kind="stable")[:MOST_SILENCES]
    silences = silences[np.sort(longest)]
    return Sound(int(heard[0]), int(heard[-1]) + 1, silences)


def _stretches(words: Sequence[str], ends: Floats, sound: Sound) -> list[tuple[int, int, int, int]]:
    """The cheapest division: (first word, word behind the last, begin, end in hops) from silence to silence.

    ends: (words + 1,), the sum of the weights before each word.
    """
    if len(words) > MOST_WORDS or not len(sound.silences):
        return [(0, len(words), sound.start, sound.stop)]
    points = np.concatenate([[[sound.start] * 2], sound.silences, [[sound.stop] * 2]])
    froms = _divide(_Costs(words, ends, points))
    place, found = (len(points) - 1, len(words)), []
    while place != (0, 0):
        before = froms[place]
        found.append((before[1], place[1], int(points[before[0], 1]), int(points[place[0], 0])))
        place = before
    return found[::-1]


def _divide(costs: _Costs) -> dict[Place, Place]:
    """Of each place the one before it on the cheapest way there."""
    points, places = costs.shape
    total, froms = np.full((points, places), np.inf), dict[Place, Place]()
    total[0, 0] = 0.0
    for point in range(1, points):
        ways = np.stack([total[before][:, None] + costs.stretch(before, point) for before in range(point)])
        flat = ways.reshape(-1, places)  # (points and places before it, places)
        total[point] = flat.min(axis=0) + costs.at(point)
        for place, way in enumerate(flat.argmin(axis=0).tolist()):
            froms[point, place] = divmod(way, places)
    return froms


class _Costs:
    """Of a stretch between two silences with the words in it, and of a silence between two words."""

    def __init__(self, words: Sequence[str], ends: Floats, points: NDArray[np.int64]) -> None:
        """points: begin and end of each silence, the edges of the sound around them, (points, 2)."""
        self._ends, self._points = ends, points
        self._silent = points[:, 1] - points[:, 0]
        self._pace = (points[-1, 0] - points[0, 1] - self._silent.sum()) / ends[-1]  # hops a letter
        marks = [_mark(word) for word in words[:-1]]
        self._here = np.array([np.inf, *(AT[mark] for mark in marks), np.inf])
        passed = np.cumsum([0.0, *(PASSED[mark] for mark in marks), 0.0])
        before = np.concatenate([[0.0], passed[:-1]])
        self._passed = before[None, :] - passed[:, None]  # (first word, word behind the last)
        self._passed[np.tril_indices(len(ends))] = np.inf  # at least one word

    @property
    def shape(self) -> tuple[int, int]:
        return len(self._points), len(self._ends)

    def stretch(self, before: int, point: int) -> Floats:
        """(first word, word behind the last): of all words between these silences; those between them lie in words."""
        inside = self._silent[before + 1 : point]
        sound = max(1, self._points[point, 0] - self._points[before, 1])
        wanted = np.maximum(1.0, (self._ends[None, :] - self._ends[:, None]) * self._pace + inside.sum())
        deviation = (np.log(sound / wanted) / SPREAD) ** 2 * np.minimum(1.0, wanted / FULL)
        unused = NOT_USED * len(inside) + NOT_USED_A_S * HOP_S * float(inside.sum())
        cost: Floats = deviation + self._passed + unused
        return cost

    def at(self, point: int) -> Floats:
        """(words before it,): of this silence there. The end of the sound is the end of the words."""
        if point == len(self._points) - 1:
            return np.where(np.arange(len(self._ends)) == len(self._ends) - 1, 0.0, np.inf)
        unmarked = self._here >= AT[None]
        cost: Floats = self._here + unmarked * AT_NO_MARK_A_S * HOP_S * float(self._silent[point])
        return cost


def _mark(word: str) -> str | None:
    """What a pause may follow: sentence, phrase or None."""
    return "sentence" if _SENTENCE.search(word) else "phrase" if _PHRASE.search(word) else None
