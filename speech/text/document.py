"""A text with chapters, and with a voice for each paragraph (Document), and its passages (chapter_passages).

What files are read into, and what jobs and dialogues are said from. Knows no engine and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from speech.request import Pause, Piece, Token, Turn
from speech.text.passages import Passage, between, passages, settled
from speech.text.pipe import Reader, anything_said, read
from speech.text.turns import placed, turns


@dataclass(frozen=True)
class Paragraph:
    """voice: an id, alias or OpenAI name; None: the one that the request names."""

    text: str
    voice: str | None = None


@dataclass(frozen=True)
class Chapter:
    """title: said before the paragraphs, as a heading, and shown in lists; empty: there is none."""

    title: str = ""
    paragraphs: tuple[Paragraph, ...] = ()


@dataclass(frozen=True)
class Document:
    """title: of the whole, shown and never said."""

    title: str = ""
    chapters: tuple[Chapter, ...] = ()

    @classmethod
    def of_text(cls, text: str, title: str = "") -> Document:
        """One chapter without a title, which holds all of the text."""
        return cls(title, (Chapter("", (Paragraph(text),)),))

    @property
    def characters(self) -> int:
        """Of all that may be said."""
        return sum(len(part.text) for chapter in self.chapters for part in spoken_parts(chapter))


ReaderOf = Callable[[str | None], Reader]  # a paragraph's voice -> a new Reader for its text


def spoken_parts(chapter: Chapter) -> tuple[Paragraph, ...]:
    """What is said of it: the title as a heading, unless the first paragraph is the title as well."""
    title = " ".join(chapter.title.split())
    first = chapter.paragraphs[0].text.lstrip("# ").strip() if chapter.paragraphs else ""
    if not title or title.casefold() == first.casefold():
        return chapter.paragraphs
    return (Paragraph(f"# {title}"), *chapter.paragraphs)


def chapter_passages(chapter: Chapter, reader_of: ReaderOf) -> list[Passage]:
    """Its passages, each with its voice; none if nothing in it can be said.

    Places of tokens are those in the chapter's text: what is said of it, with BETWEEN between the parts.
    """
    return turn_passages(placed(Turn(part.text, part.voice) for part in spoken_parts(chapter)), reader_of)


def turn_passages(parts: Iterable[Turn], reader_of: ReaderOf, *, cut: bool = True) -> list[Passage]:
    """As `chapter_passages`, of parts with their places; marks of voices in them count.

    cut: False leaves what one voice says without a break in one passage.
    """
    said: list[Passage] = []
    for voice, group in groupby(_read(turns(parts), reader_of), key=itemgetter(0)):
        pieces = [piece for _, part in group for piece in part]
        if anything_said(pieces):
            found = passages(pieces) if cut else [Passage(tuple(pieces))]
            first, *rest = (replace(passage, voice=voice) for passage in found)
            join = between(said[-1].pieces if said else (), first.pieces)
            said.extend([replace(first, join=join), *rest])
    return settled(said)


def _read(parts: Iterable[Turn], reader_of: ReaderOf) -> Iterator[tuple[str | None, list[Piece]]]:
    """The voice and the pieces of each part; a part ends its last sentence."""
    for part in parts:
        yield part.voice, [*read_turn(part, reader_of), Pause(0.0)]


def read_turn(part: Turn, reader_of: ReaderOf) -> list[Piece]:
    """What is read of it, with places in the whole text."""
    return [_moved(piece, part.start) for piece in read(part.text, reader_of(part.voice))]


def _moved(piece: Piece, by: int) -> Piece:
    return replace(piece, start=piece.start + by, stop=piece.stop + by) if isinstance(piece, Token) else piece
