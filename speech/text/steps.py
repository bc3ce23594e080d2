"""A step of the pipe from written text to what is said (Step), and what steps share. Knows no feed and no engine.

The pipe is `feed -> marks -> reading -> lexicon` (pipe.py). Each step takes what the one before it gives:

- `Token`s, in the order of the text. `written` and the place (`start`, `stop`) are the caller's and never change but
  where tokens are joined; a step works on `spoken`. Before any step `spoken` equals `written`, a word without white
  space inside. `spoken` is empty for a token that is not said. It stays in the stream, for those who count or show
  words, and a later step may read it after all: the `*` of `3 * 4`.
- `Pause`s. A pause ends what a step may join: a token before a pause is never read together with one behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from speech.request import Pause, Piece, Token


class Step(Protocol):
    """One step for one text. It keeps state between calls; one thread calls it.

    However the pieces are divided over calls of `feed`, all that comes out, `flush` at the end included, is the same.
    """

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Pieces in the order of the text in; those that no later piece can change out, in the same order.

        A step holds back at most a few tokens, and none before a Pause.
        """

    def flush(self) -> list[Piece]:
        """What was held back: the text ends here, or its writer rests. `feed` may be called again afterwards."""


class Settled(Token):
    """A token whose `spoken` is for the engine as it is: steps behind the one that gives it leave it alone."""


class EachWord:
    """A step that changes what is said of each word alone and holds nothing back."""

    def __init__(self, say: Callable[[str], str]) -> None:
        """say: what a step before it says of a word -> what is said now, empty for nothing."""
        self._say = say

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        return [piece if isinstance(piece, Pause) else self._said(piece) for piece in pieces]

    def flush(self) -> list[Piece]:
        return []

    def _said(self, token: Token) -> Token:
        said = self._say(token.spoken) if token.spoken else ""
        return token if said == token.spoken else Token(token.written, said, token.start, token.stop)


def joined(tokens: Sequence[Token], spoken: str) -> Token:
    """Neighbours in the text, at least one, as one token that is read as `spoken`.

    >>> joined([Token("12,50", "12,50", 8, 13), Token("€", "€", 14, 15)], "douze euros cinquante")
    Token(written='12,50 €', spoken='douze euros cinquante', start=8, stop=15)
    """
    return Token(" ".join(token.written for token in tokens), spoken, tokens[0].start, tokens[-1].stop)
