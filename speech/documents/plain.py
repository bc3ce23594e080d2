"""Plain text (.txt): paragraphs between empty lines; headings are # Title, and lines such as CHAPTER I."""

from __future__ import annotations

import re
from collections.abc import Iterator

from speech.documents.blocks import Block

MAX_HEADING_CHARS = 80
CHAPTER_LEVEL = 2
_EMPTY = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_MARKED = re.compile(r"(#{1,6})\s+(\S.*)")
_NUMBER = (
    r"(?:\d{1,3}|[IVXLC]{1,7}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|the \w+|premier|première)"
)
_CHAPTER = re.compile(
    rf"(?:chapter|chapitre|part|partie|book|livre|act|acte|scene|scène)\s+{_NUMBER}\b[.:]?(?:\s.*)?"
    r"|(?:prologue|epilogue|épilogue|preface|préface|introduction|foreword|afterword|contents)[.:]?",
    re.IGNORECASE | re.DOTALL,
)


def blocks(text: str) -> Iterator[Block]:
    """Lines within a paragraph stay as they are: reading knows which of them end a sentence."""
    for part in _EMPTY.split(text):
        paragraph = part.strip()
        if paragraph:
            yield _block(paragraph)


def _block(paragraph: str) -> Block:
    if marked := _MARKED.fullmatch(paragraph):
        return Block(marked[2].rstrip("# "), len(marked[1]))
    if len(paragraph) <= MAX_HEADING_CHARS and _CHAPTER.fullmatch(paragraph) and paragraph[-1] not in ",;":
        return Block(paragraph, CHAPTER_LEVEL)
    return Block(paragraph)
