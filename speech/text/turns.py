"""Who says what in a text: `[voice:NAME]` at a line's start (turns). Of whole texts; knows no voice.

From there on NAME speaks, to the next such mark or the end; `[voice:]` gives the word back to the request's voice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from speech.request import Turn, utf16

BETWEEN = "\n\n"  # turns and paragraphs that come in parts are one text with this between them
_MARK = re.compile(r"^[ \t]*\[voice:[ \t]*([^\]\n]{0,300}?)[ \t]*\][ \t]*", re.MULTILINE | re.IGNORECASE)


def turns(parts: Iterable[Turn]) -> Iterator[Turn]:
    """The parts, cut at marks. One that has a voice of its own keeps it up to its first mark.

    >>> [(turn.voice, turn.text) for turn in turns([Turn("Once.\\n[voice:bob] Hi!\\n[voice:] She left.")])]
    [(None, 'Once.\\n'), ('bob', 'Hi!\\n'), (None, 'She left.')]
    """
    speaker: str | None = None
    for part in parts:
        for marked, name, begin, end in _cut(part.text):
            speaker = (name or None) if marked else speaker
            voice = part.voice if part.voice and not marked else speaker
            if part.text[begin:end].strip():
                yield replace(part, text=part.text[begin:end], voice=voice, start=part.start + utf16(part.text[:begin]))


def placed(parts: Iterable[Turn]) -> Iterator[Turn]:
    """Each with its place in the text that they are together."""
    start = 0
    for part in parts:
        yield replace(part, start=start)
        start += utf16(part.text) + utf16(BETWEEN)


def _cut(text: str) -> Iterator[tuple[bool, str, int, int]]:
    """Whether a mark stands before it, the mark's name, and from where to where it goes."""
    marks = list(_MARK.finditer(text))
    ends = [*(mark.start() for mark in marks), len(text)]
    yield False, "", 0, ends[0]
    for mark, end in zip(marks, ends[1:], strict=True):
        yield True, mark[1], mark.end(), end
