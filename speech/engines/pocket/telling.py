"""Which words of one row are said when (Telling): words as they come, frames as they are heard -> Words.

The model tells nothing of it: times are estimated when a passage has been heard (pace.py). Knows no model.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from speech.engines.pocket.pace import Floats, levels_of, word_times
from speech.request import FRAME_S, Samples, Token, Word


class Telling:
    """One passage after another: `begin`, `hear` each of its frames, `finish`. Silence between them is heard too."""

    def __init__(self) -> None:
        self._tokens: deque[Token] = deque()  # that were not told yet
        self._frames = 0  # heard so far
        self._levels: list[Floats] = []  # of the passage
        self._begun_at = 0  # frames before it

    def say(self, token: Token) -> None:
        self._tokens.append(token)

    def begin(self) -> None:
        self._levels, self._begun_at = [], self._frames

    def hear(self, samples: Samples) -> None:
        """samples: (samples,), one frame."""
        self._levels.append(levels_of(samples, round(len(samples) / FRAME_S)))
        self._frames += 1

    def finish(self, letters: int | None) -> tuple[Word, ...]:
        """The passage was heard: its words. letters: letters and digits in its text; None: it has all that are left."""
        said = self._take(letters)
        if not said:
            return ()
        begun_s = self._begun_at * FRAME_S
        spans = word_times([token.spoken for token in said], np.concatenate([*self._levels, np.zeros(0)]))
        return _words(said, [(begun_s + start_s, begun_s + stop_s) for start_s, stop_s in spans])

    def _take(self, letters: int | None) -> list[Token]:
        """The tokens of so many letters. One belongs to the passage that has more than half of it."""
        if letters is None:
            taken, self._tokens = list(self._tokens), deque()
            return taken
        taken = []
        while self._tokens and letters_in(self._tokens[0].spoken) // 2 < letters:
            taken.append(self._tokens.popleft())
            letters -= letters_in(taken[-1].spoken)
        return taken


def letters_in(text: str) -> int:
    """Letters and digits: marks are changed on the way to the model."""
    return sum(map(str.isalnum, text))


def _words(said: list[Token], spans: list[tuple[float, float]]) -> tuple[Word, ...]:
    """A token without a written word goes on with the one before it."""
    words: list[Word] = []
    for token, (start_s, stop_s) in zip(said, spans, strict=True):
        if token.written:
            words.append(token.said(start_s, stop_s, estimated=True))
        elif words:
            words[-1] = replace(words[-1], stop_s=stop_s)
    return tuple(words)
