"""Square brackets: pauses, note marks, boxes to tick, stage directions, thoughts. Links are left to marks.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from speech.request import Pause
from speech.text.markup.tags import pause_of

MAX_INNER_CHARS = 80
BRACKET = re.compile(rf"\[([^\[\]\n]{{0,{MAX_INNER_CHARS}}})\]")
_PAUSE = re.compile(r"(?:pause|break|silence)\s?(?:[:=\s]\s?)(\S+)", re.IGNORECASE)
_NOTE = re.compile(r"\^[\w-]{1,40}|\d{1,4}(?:\s?[,;–-]\s?\d{1,4}){0,15}|citation needed", re.IGNORECASE)
_DIRECTION = re.compile(r"[^\W\d_]+(?:['’ ,-]{1,2}[^\W\d_]+){0,5}\.?")


class Kind(Enum):
    PAUSE = auto()
    UNSAID = auto()  # a note mark or a box: it is no text
    DIRECTION = auto()  # [sigh]: not said, and listeners are told
    THOUGHT = auto()  # up to [/THINK]


@dataclass(frozen=True)
class Bracket:
    kind: Kind
    pause: Pause | None = None


def understood(text: str, found: re.Match[str], before: str) -> Bracket | None:
    """found: by BRACKET in text, with a character behind it unless the text ends there. None: the brackets are no more
    than brackets round words, or belong to a link. before: the character in front of them in the same word."""
    inner, behind = found[1].strip(), text[found.end() : found.end() + 1]
    if behind == "(" or before in {"]", "!"}:
        return None
    if inner == "THINK":
        return Bracket(Kind.THOUGHT)
    if asked := _PAUSE.fullmatch(inner):
        pause = pause_of(asked[1])
        return Bracket(Kind.PAUSE, pause) if pause else None
    if _NOTE.fullmatch(inner) or inner in {"", "x", "X"}:
        return Bracket(Kind.UNSAID)
    if behind == "[":
        return None
    if _DIRECTION.fullmatch(inner) and not before.isalnum() and not behind.isalnum():
        return Bracket(Kind.DIRECTION)
    return None
