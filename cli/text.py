"""The text of `say`: whole, in parts of a length that every service takes (parts), or as a pipe brings it (pieces)."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator

PART_CHARS = 8_000  # of a whole text; ten minutes, and below the MAX_TEXT_CHARS of any sensible service
TURN_CHARS = 4_000  # after so many a talk ends with the paragraph, and another begins: no talk lasts for hours
_READ = 65_536
# Where a text may be cut, the best first.
_CUTS = (re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?…。！？])[\"')\]»”’]*\s+"), re.compile(r"\s+"))


def parts(text: str, most: int = PART_CHARS) -> Iterator[str]:
    """The text in parts of up to `most` characters, cut after a paragraph where it can be."""
    while len(text) > most:
        cut = _cut(text[:most])
        if text[:cut].strip():
            yield text[:cut]
        text = text[cut:]
    if text.strip():
        yield text


def _cut(text: str) -> int:
    """Where to cut: the last place of the best kind in the second half."""
    for kind in _CUTS:
        ends = [match.end() for match in kind.finditer(text) if match.end() >= len(text) // 2]
        if ends:
            return ends[-1]
    return len(text)


def pieces(descriptor: int) -> Iterator[str]:
    """What comes over a pipe, as it comes. What is no UTF-8 becomes the sign for that."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while data := os.read(descriptor, _READ):
        if text := decoder.decode(data):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def turns(incoming: Iterator[str], most: int = TURN_CHARS) -> Iterator[tuple[str, bool]]:
    """The same pieces, each with whether a turn ends with it: after `most` characters at an end of line, or after twice
    as many at an end of a sentence."""
    length = 0
    for piece in incoming:
        for line in piece.splitlines(keepends=True):
            length += len(line)
            at_line, at_sentence = line.endswith("\n"), line.rstrip().endswith((".", "!", "?", "…"))
            ends = (length >= most and at_line) or (length >= 2 * most and at_sentence)
            yield line, ends
            length = 0 if ends else length
