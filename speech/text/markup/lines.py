"""What kind of line it is, and whether a sentence ends with it: headings, items, rows, titles do; soft wraps do not."""

from __future__ import annotations

import re
from enum import Enum, auto

from speech.text.wordlist import wordset

MAX_TITLE_CHARS = 60
_MARKER = re.compile(
    r"(?P<heading>#{1,6})(?=\s)|(?P<item>[-*+•‣◦–])(?=\s)|(?P<number>\d{1,3}[.)])(?=\s)|(?P<quote>>{1,5})(?=\s|$)|(?P<row>\|)"
)
_FENCE = re.compile(r"(`{3,40}|~{3,40})")
_BEGUN = re.compile(r"(?:#{1,6}|[-*+•‣◦–]|\d{1,3}[.)]?|>{1,5}|`{1,2}|~{1,2}|-+|=+)$")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})(?=\s|$)")
_SMALL_WORDS = wordset(
    "a an the of and or in on at to for by with from as but nor de du des la le les l d et à au aux en un une sur "
    "pour par dans"
)
_WORD = re.compile(r"[^\W\d_]+")


class Kind(Enum):
    PLAIN = auto()
    HEADING = auto()
    ITEM = auto()
    NUMBERED = auto()
    ROW = auto()
    QUOTE = auto()
    FENCE = auto()
    UNDERLINE = auto()


ENDS_SENTENCE = frozenset({Kind.HEADING, Kind.ITEM, Kind.NUMBERED, Kind.ROW})


def begins(text: str, place: int, complete: bool) -> tuple[Kind, int] | None:
    """(kind, length of its marker) of the line that begins at text[place]; None if more text must come first."""
    if not complete and _BEGUN.match(text, place):
        return None
    if fence := _FENCE.match(text, place):
        return None if not complete and fence.end() == len(text) and len(fence[0]) < 40 else (Kind.FENCE, len(fence[0]))
    if underline := _UNDERLINE.match(text, place):
        return Kind.UNDERLINE, len(underline[0])
    marker = _MARKER.match(text, place)
    if marker is None:
        return Kind.PLAIN, 0
    kind = {"heading": Kind.HEADING, "item": Kind.ITEM, "number": Kind.NUMBERED, "quote": Kind.QUOTE, "row": Kind.ROW}
    assert marker.lastgroup is not None  # each alternative is a group
    return kind[marker.lastgroup], len(marker[0])


def is_title(line: str, following: str) -> bool:
    """Whether a plain line ends a sentence by itself: short, without a sign at its end, every word with a capital.

    line: without white space around, cut behind MAX_TITLE_CHARS. following: the next line's first character.

    >>> [is_title(line, "T") for line in ("Chapter One", "THE END", "The Old Man and the Sea", "I live in", "He left.")]
    [True, True, True, False, False]
    """
    if not line or len(line) > MAX_TITLE_CHARS or line[-1] in ".,;:!?…-–—&" or following.islower():
        return False
    words = _WORD.findall(line)
    if not words or words[-1].lower() in _SMALL_WORDS:
        return False
    return all(word[0].isupper() or word.lower() in _SMALL_WORDS for word in words) and line[0].upper() == line[0]
