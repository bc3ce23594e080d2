"""Sentences from words as they come, for engines that speak sentence by sentence. Knows no engine and no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Protocol

from speech.request import Pause, Piece, Token

MAX_CHARS = 240  # a longer sentence is cut where it may breathe: keeps the first sound and a cancellation near
MAX_WORD_CHARS = 80  # a longer one (an address, a list without blanks) is said in parts, for the same reason
PARAGRAPH_PAUSE_S = 0.3
LOOK_CHARS = 1_000  # how much text is looked at to find the end of the first sentence
_BREATHS = (",", ";", ":", "—", ")")


@dataclass(frozen=True)
class Sentence:
    tokens: tuple[Token, ...]  # one without `written` goes on with the one before it

    @property
    def text(self) -> str:
        """What is said."""
        return " ".join(token.spoken for token in self.tokens)


class Source(Protocol):
    """Where the pieces come from; an Utterance is one."""

    @property
    def ended(self) -> bool:
        """No more text will come."""

    def take_word(self) -> Piece | None:
        """The next word or pause, or None if none waits."""


class SentenceReader:
    """Takes pieces from the source and gives them back by the sentence."""

    def __init__(self, source: Source, split: Callable[[str], list[str]]) -> None:
        """split: text to sentences, at least one."""
        self._source = source
        self._split = split
        self._tokens: list[Token] = []
        self._pause: Pause | None = None
        self._finished = False

    @property
    def finished(self) -> bool:
        """The text has ended and everything was given out."""
        return self._finished

    def next(self) -> Sentence | Pause | None:
        """The next whole sentence, or a pause; None when words must come first, or when all is said."""
        ended = self._source.ended  # asked before the words are taken: what came before the end is then here
        self._take()
        if self._tokens:
            return self._cut(complete=ended or self._pause is not None)
        if self._pause is not None:
            pause, self._pause = self._pause, None
            return pause if pause.seconds else Pause(PARAGRAPH_PAUSE_S)
        self._finished = ended
        return None

    def _take(self) -> None:
        """Take words up to the next pause."""
        while self._pause is None and (piece := self._source.take_word()) is not None:
            if isinstance(piece, Pause):
                self._pause = piece
            else:
                self._tokens.extend(_parts(piece))

    def _cut(self, complete: bool) -> Sentence | None:
        """The first sentence; None if its end has not come yet."""
        text, count = "", 0
        for token in self._tokens:
            if len(text) > LOOK_CHARS:
                break
            text, count = f"{text} {token.spoken}", count + 1
        sentences = self._split(text)
        whole = len(sentences) > 1
        length = _tokens_in(sentences[0], self._tokens) if whole else count
        if not whole and not complete and len(text) <= MAX_CHARS:
            return None
        length = _breathe(self._tokens[:length])
        sentence, self._tokens = Sentence(tuple(self._tokens[:length])), self._tokens[length:]
        return sentence


def _tokens_in(sentence: str, tokens: list[Token]) -> int:
    """How many of the tokens the sentence takes; a token that goes on behind its end belongs to it."""
    words = len(sentence.split())
    ends = accumulate(len(token.spoken.split()) for token in tokens)
    return next((count for count, end in enumerate(ends, 1) if end >= words), len(tokens))


def _parts(token: Token) -> list[Token]:
    """The token, or parts of a very long one. Only the first has `written`, so that it is told of once."""
    if len(token.spoken) <= MAX_WORD_CHARS:
        return [token]
    first, *further = [part for word in token.spoken.split() for part in _cut_word(word)]
    return [replace(token, spoken=first), *(Token("", part, token.stop, token.stop) for part in further)]


def _cut_word(word: str) -> list[str]:
    """The word, or parts of a very long one, cut after a sign if there is one."""
    parts = []
    while len(word) > MAX_WORD_CHARS:
        after_sign = (i for i in range(MAX_WORD_CHARS, MAX_WORD_CHARS // 2, -1) if not word[i - 1].isalnum())
        cut = next(after_sign, MAX_WORD_CHARS)
        parts.append(word[:cut])
        word = word[cut:]
    return [*parts, word]


def _breathe(tokens: list[Token]) -> int:
    """How many to say in one breath: all, or up to the last comma or the like within MAX_CHARS."""
    length, breath = 0, 0
    for index, token in enumerate(tokens):
        length += len(token.spoken) + 1
        if length > MAX_CHARS and index:
            return breath or index
        if token.spoken.endswith(_BREATHS):
            breath = index + 1
    return len(tokens)
