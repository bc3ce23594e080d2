"""Where in the text the voice is (Follower): the words that an engine says -> their places in the text as sent."""

from __future__ import annotations

from speech.request import Word
from speech.text.feed import Span

LOOK_AHEAD = 8  # words that an engine may leave out before its words count as not found


class Follower:
    """Takes words in the order in which they are said. An engine may leave words out, or spell one in its own way."""

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self._next = 0

    def find(self, word: Word) -> Span | None:
        """The word's place; None if it stands nowhere near."""
        for index in range(self._next, min(self._next + LOOK_AHEAD, len(self._spans))):
            if self._spans[index].word == word.text:
                self._next = index + 1
                return self._spans[index]
        return None
