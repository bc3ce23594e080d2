"""Words as an engine gets them, without places."""

from __future__ import annotations

from collections.abc import Iterable

from speech.request import Pause, Piece, Token
from speech.text.marks import spoken


def tokens(text: str) -> list[Token]:
    """The words between white space, also those of which nothing is said."""
    return [Token(word, spoken(word)) for word in text.split()]


def written(pieces: Iterable[Piece]) -> list[str | Pause]:
    """Words as they are written, and pauses."""
    return [piece if isinstance(piece, Pause) else piece.written for piece in pieces]
