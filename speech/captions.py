"""Words with both of their times. The one place that finishes words.

An engine knows when a word begins, and perhaps when it ends. A listener gets words that lie in order without touching
each other's time: start < stop <= the next start. A word that takes no time, a lone dash say, gets one frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from speech.request import FRAME_S, AudioChunk, Word


def with_times(chunks: Iterable[AudioChunk]) -> Iterator[AudioChunk]:
    """The same audio at once, each chunk with the words whose times are known by then.

    A word comes with the chunk in which it begins if the engine knows its end, else with the one in which the next word
    begins. If the last word is still open at the end, a chunk without samples brings it.
    """
    times, audio_s, chunk = WordTimes(), 0.0, None
    for chunk in chunks:
        words = [told for word in chunk.words for told in times.add(word)]
        audio_s += chunk.seconds
        yield replace(chunk, words=tuple(words))
    if chunk is not None and (words := list(times.end(audio_s))):
        yield AudioChunk(np.zeros(0, np.float32), chunk.sample_rate, tuple(words))


class WordTimes:
    """Takes words in the order in which they are said and gives them back with both times."""

    def __init__(self) -> None:
        self._open: Word | None = None  # its end is not known yet
        self._free_s = 0.0  # no word starts before

    def add(self, word: Word) -> Iterator[Word]:
        """The words that are finished by this one: the one before it, and itself if the engine knows its end."""
        yield from self.end(word.start_s)
        self._open = replace(word, start_s=max(word.start_s, self._free_s))
        if word.stop_s is not None:
            yield from self.end(word.stop_s)

    def end(self, stop_s: float) -> Iterator[Word]:
        """The open word, if there is one: it ends there."""
        if self._open is not None:
            self._free_s = max(stop_s, self._open.start_s + FRAME_S)
            yield replace(self._open, stop_s=self._free_s)
            self._open = None
