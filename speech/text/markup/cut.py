"""Where a word ends. Functions of the text that is held; they raise Wait where more of it must come first."""

from __future__ import annotations

import re

from speech.text.markup.constructs import Wait, find
from speech.text.markup.words import plain
from speech.text.wordlist import wordset

MAX_WORD_CHARS = 1_000  # a longer one comes in parts; looking through it again at each piece must stay cheap
_RUN = re.compile(r"[^\s<\[$\\|]+")
_LINE_BREAK = re.compile(r"-[^\S\r\n]{0,20}(?:\r\n|\r|\n)[^\S\r\n]{0,40}")
_COMPOUNDS = wordset(  # that keep their hyphen when the line is joined
    "well good self half ex non long high low all cross anti pre post co semi mid two three peut celui celle"
)


def word_end(text: str, place: int, complete: bool, in_row: bool) -> int:
    """The end of the word that begins at text[place]. in_row: a | ends it too. complete: no more text comes."""
    limit, end = place + MAX_WORD_CHARS, place
    while True:
        run = _RUN.match(text, end, limit)
        end = run.end() if run else end
        if end >= limit:
            return limit
        if end == len(text):
            if complete:
                return end
            raise Wait(place)
        if text[end].isspace() or (text[end] == "|" and in_row) or _splits(text, place, end, complete):
            return end
        end += 1


def _splits(text: str, place: int, end: int, complete: bool) -> bool:
    """Whether a construct begins inside the word, at text[end]."""
    if end == place or text[end] == "|":
        return False
    try:
        return find(text, end, complete, text[end - 1]) is not None
    except Wait:
        raise Wait(place) from None


def rejoined(text: str, place: int, end: int, complete: bool) -> tuple[str, str, int] | None:
    """(written, said, where it ends) of a word text[place:end] that is divided at its line's end; None if it is not.

    >>> rejoined("state-\\nment of", 0, 6, complete=False)
    ('state-ment', 'statement', 11)
    """
    if text[end - 1] != "-" or end - place < 3 or not text[end - 2].isalpha():
        return None
    gap = _LINE_BREAK.match(text, end - 1)
    behind = gap.end() if gap else end
    if behind == len(text) and not complete and text[end:].strip(" \t") in {"", "\r", "\n", "\r\n"}:
        raise Wait(place)
    if gap is None or behind == len(text) or not text[behind].islower():
        return None
    try:
        stop = word_end(text, behind, complete, in_row=False)
    except Wait:
        raise Wait(place) from None
    first, second = text[place : end - 1], text[behind:stop]
    joint = "-" if first.lower() in _COMPOUNDS else ""
    return f"{first}-{second}", plain(f"{first}{joint}{second}"), stop
