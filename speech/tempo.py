"""Faster or slower speech at the same pitch, as it is made. The model has no speed; FFmpeg's atempo (WSOLA) has."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from speech.filters import SampleFilter
from speech.request import FRAME_S, AudioChunk, Samples, Word

_SLOWEST, _FASTEST = 0.5, 2.0  # of one filter; a faster one would leave samples out rather than blend them


def with_tempo(chunks: Iterable[AudioChunk], sample_rate: int, speed: float) -> Iterator[AudioChunk]:
    """The same speech at another pace, in frames of 80 ms; the times of its words follow. speed: 0.25 to 4."""
    paced, frames = tempo(sample_rate, speed), _Frames(sample_rate)
    for chunk in chunks:
        for word in chunk.words:
            stop_s = None if word.stop_s is None else word.stop_s / speed
            frames.words.append(replace(word, start_s=word.start_s / speed, stop_s=stop_s))
        yield from frames.add(paced.push(chunk.samples))
    yield from frames.add(paced.flush())
    yield from frames.rest()


def tempo(sample_rate: int, speed: float) -> SampleFilter:
    """Samples in, what is said of them at that speed out."""
    return SampleFilter(sample_rate, [("atempo", str(factor)) for factor in factors(speed)])


def factors(speed: float) -> list[float]:
    """The speed as a product of what one filter can do well."""
    found = []
    while speed > _FASTEST or speed < _SLOWEST:
        found.append(_FASTEST if speed > 1 else _SLOWEST)
        speed /= found[-1]
    return [*found, speed]


class _Frames:
    """Samples of any length -> frames, each with the words that begin in it."""

    def __init__(self, sample_rate: int) -> None:
        self.words: deque[Word] = deque()
        self._rate = sample_rate
        self._length = round(FRAME_S * sample_rate)
        self._held: Samples = np.zeros(0, np.float32)
        self._out = 0

    def add(self, samples: Samples) -> Iterator[AudioChunk]:
        self._held = np.concatenate([self._held, samples])
        while len(self._held) >= self._length:
            yield self._cut(self._length)

    def rest(self) -> Iterator[AudioChunk]:
        if len(self._held) or self.words:
            yield self._cut(len(self._held), last=True)

    def _cut(self, length: int, last: bool = False) -> AudioChunk:
        frame, self._held = self._held[:length], self._held[length:]
        self._out += length
        begun = []
        while self.words and (last or self.words[0].start_s < self._out / self._rate):
            begun.append(self.words.popleft())
        return AudioChunk(frame, self._rate, tuple(begun))
