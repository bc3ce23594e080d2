"""Written text -> what is said (Reader, read). Every door goes through here, and only here is it decided.

    Markup or MessageFeed -> heed -> marks -> lexicon -> reading

manner.py chooses the steps for a request.

What each of them may do is in steps.py. Knows no language, no engine and no voice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from speech.request import Piece, Token
from speech.text.marks import spoken
from speech.text.markup.feed import Markup
from speech.text.steps import EachWord, Step


class Feed(Protocol):
    """The source of words with their places, and of pauses."""

    def feed(self, text: str) -> list[Piece]:
        """The words that are complete now."""

    def rest(self) -> list[Piece]:
        """Whole words that were held back: their writer rests."""

    def flush(self) -> list[Piece]:
        """What was held back; a word ends here."""


class Reader:
    """One text on its way to one engine, whole or as it is written. Called by one thread.

    >>> reader = Reader()
    >>> reader.feed("A **bo"), reader.flush()
    ([Token(written='A', spoken='A', start=0, stop=1)], [Token(written='**bo', spoken='bo', start=2, stop=6)])
    """

    def __init__(self, feed: Feed | None = None, steps: Sequence[Step] | None = None) -> None:
        """feed: cuts the text into words; None: a Markup. steps: None: marks are left out, no more."""
        self._feed = feed or Markup()
        self._steps: Sequence[Step] = [EachWord(spoken)] if steps is None else steps

    def feed(self, text: str) -> list[Piece]:
        """More text. The pieces that no later text can change, tokens that are not said among them."""
        pieces = self._feed.feed(text)
        for step in self._steps:
            pieces = step.feed(pieces)
        return pieces

    def nudge(self) -> list[Piece]:
        """What the steps hold back: the writer rests. A word whose end has not come stays."""
        return self._release(self._feed.rest())

    def flush(self) -> list[Piece]:
        """Everything that is held back: the text ends here, or is to be said up to here."""
        return self._release(self._feed.flush())

    def _release(self, pieces: list[Piece]) -> list[Piece]:
        for step in self._steps:
            pieces = [*step.feed(pieces), *step.flush()]
        return pieces


def read(text: str, reader: Reader | None = None) -> list[Piece]:
    """The pieces of a whole text. reader: a new one; None: one that only leaves marks out.

    >>> read("# One")
    [Token(written='#', spoken='', start=0, stop=1), Token(written='One', spoken='One', start=2, stop=5)]
    """
    reader = reader or Reader()
    return [*reader.feed(text), *reader.flush()]


def anything_said(pieces: Iterable[Piece]) -> bool:
    """Whether there is a word to be said among them."""
    return any(isinstance(piece, Token) and piece.spoken for piece in pieces)
