"""Subtitles (.srt): the lines without numbers and times, a paragraph until nothing is said for a while."""

from __future__ import annotations

import re
from collections.abc import Iterator

from speech.documents.blocks import Block, unreadable

PAUSE_S = 3.0  # as long without a line begins a new paragraph
_TIME = r"(\d{1,3}):(\d{2}):(\d{2})[,.](\d{1,3})"
_CUE = re.compile(rf"(?:^|\n)[ \t]*(?:\d+[ \t]*\n)?[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}[^\n]*")
_STYLE = re.compile(r"</?(?:[bius]|font)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)


def blocks(text: str) -> Iterator[Block]:
    """Raises InvalidRequest for a text without a single line of times."""
    paragraph: list[str] = []
    stopped_s = 0.0
    for begin_s, stop_s, lines in _cues(text):
        if paragraph and begin_s - stopped_s > PAUSE_S:
            yield Block("\n".join(paragraph))
            paragraph = []
        paragraph.extend(lines)
        stopped_s = stop_s
    yield Block("\n".join(paragraph))


def _cues(text: str) -> Iterator[tuple[float, float, list[str]]]:
    """When each begins and stops, in seconds, and its lines."""
    found = list(_CUE.finditer(text))
    if not found:
        raise unreadable("is no .srt: it has no line like 00:00:01,000 --> 00:00:02,000.")
    for cue, end in zip(found, [*(after.start() for after in found[1:]), len(text)], strict=True):
        lines = [_STYLE.sub("", line).strip() for line in text[cue.end() : end].split("\n")]
        yield _seconds(*cue.groups()[:4]), _seconds(*cue.groups()[4:]), [line for line in lines if line]


def _seconds(hours: str, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
