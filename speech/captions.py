"""Words with both of their times. The one place that finishes words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from speech.request import Word


class WordTimes:
    """Gives each word its end: the start of the next one. So the words lie side by side in the audio."""

    def __init__(self) -> None:
        self._last: Word | None = None

    def begins(self, word: Word) -> Iterator[Word]:
        """The word before it, if there was one."""
        start_s = word.start_s if self._last is None else max(word.start_s, self._last.start_s)
        yield from self._ended(start_s)
        self._last = replace(word, start_s=start_s)

    def end(self, audio_s: float) -> Iterator[Word]:
        """The last word. audio_s: how long the audio is."""
        if self._last is not None:
            stop_s = audio_s if self._last.stop_s is None else min(self._last.stop_s, audio_s)
            yield from self._ended(max(stop_s, self._last.start_s))

    def _ended(self, stop_s: float) -> Iterator[Word]:
        if self._last is not None:
            yield replace(self._last, stop_s=stop_s)
            self._last = None
