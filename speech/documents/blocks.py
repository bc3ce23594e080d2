"""What a file's reader gives (Block), and how blocks become a Document (assembled). Knows no file format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from speech.errors import ErrorCode, InvalidRequest
from speech.text.document import Chapter, Document, Paragraph

FIELD = "file"  # how the API calls what is read here
MAX_TITLE_CHARS = 200
PARAGRAPH = 0
TOP = 1  # the highest heading


@dataclass(frozen=True)
class Block:
    """A paragraph, or a heading. level: PARAGRAPH, or TOP to 6 as in HTML."""

    text: str
    level: int = PARAGRAPH


def unreadable(reason: str, code: ErrorCode | None = None) -> InvalidRequest:
    """The file must be changed. reason: the rest of a sentence that begins with the field."""
    return InvalidRequest(f"{FIELD} {reason}", param=FIELD, code=code)


def counted(blocks: Iterable[Block], most_chars: int) -> list[Block]:
    """Those with text. Raises InvalidRequest as soon as they have more characters than may be."""
    kept, count = [], 0
    for block in blocks:
        count += len(block.text)
        if count > most_chars:
            message = f"has more than {most_chars} characters of text; no more are allowed (MAX_JOB_CHARS)."
            raise unreadable(message, ErrorCode.TEXT_TOO_LONG)
        if block.text.strip():
            kept.append(block)
    return kept


def assembled(title: str, blocks: Sequence[Block], name: str) -> Document:
    """title: that the file tells, if any; else its one highest heading, else the file's name.

    A chapter begins with each heading that stands high enough; lower ones stay in the text as headings.

    High enough is the highest level that two headings have, and what is above it; else the highest that there is.
    """
    lowest = _chapter_level(blocks)
    chapters: list[tuple[str, list[Paragraph]]] = [("", [])]
    for block in blocks:
        if PARAGRAPH < block.level <= lowest:
            chapters.append((_one_line(block.text), []))
        else:
            chapters[-1][1].append(Paragraph(_marked(block)))
    found = tuple(Chapter(name, tuple(paragraphs)) for name, paragraphs in chapters if name or paragraphs)
    tops = [_one_line(block.text) for block in blocks if block.level == TOP]
    return Document(_one_line(title) or (tops[0] if len(tops) == 1 else _one_line(name)), found)


def _chapter_level(blocks: Iterable[Block]) -> int:
    levels = Counter(block.level for block in blocks if block.level)
    return min((level for level, count in levels.items() if count > 1), default=min(levels, default=TOP))


def _marked(block: Block) -> str:
    """As the text of a request would have it."""
    return block.text if block.level == PARAGRAPH else f"{'#' * block.level} {_one_line(block.text)}"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:MAX_TITLE_CHARS]
