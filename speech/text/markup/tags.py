"""HTML's and SSML's tags: what is one, and what is done with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from speech.request import Pause
from speech.text.wordlist import wordset

MAX_TAG_CHARS = 300
MAX_PAUSE_S = 10.0  # moshi-server's bound; a longer pause is cut to it
SENTENCE_PAUSE_S = 0.3

_ATTRIBUTE = r"""\s+([A-Za-z_:][\w:.-]{0,40})\s{0,4}=\s{0,4}("[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)"""
TAG = re.compile(rf"<(/?)([A-Za-z][\w:-]{{0,30}})((?:{_ATTRIBUTE}){{0,20}})\s{{0,20}}(/?)>")
COMMENT = re.compile(r"<!--[^<>]{0,280}-->|<[!?][A-Za-z][^<>]{0,280}>")
BEGUN = re.compile(r"<(?:[/!?]?(?:[A-Za-z][^<>]*|-{0,2}[^<>]*)?)?$")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_TIME = re.compile(r"\s?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s?(ms|s)\s?", re.IGNORECASE)

THOUGHTS = frozenset(["think", "thinking", "thought", "reasoning", "reflection", "scratchpad"])
_UNSAID = THOUGHTS | {"script", "style", "head"}
_BLOCKS = wordset(
    "p s speak paragraph sentence div h1 h2 h3 h4 h5 h6 li tr table ul ol blockquote section article header footer "
    "dt dd"
)
_UNHEARD = wordset("emphasis prosody voice lang phoneme audio mark amazon:effect mstts:express-as w token")
_STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.75, "x-strong": 1.2}
_SPELLED = frozenset(["characters", "character", "spell-out", "verbatim", "digits", "telephone"])
_READ_ANYWAY = wordset("cardinal number date time currency unit fraction address name")


class Doing(Enum):
    """What a tag does to the text behind it."""

    NOTHING = auto()
    PAUSE = auto()
    END_SENTENCE = auto()
    SKIP = auto()  # what is inside is not said, up to the tag's end
    SKIP_CODE = auto()  # likewise, unless code is to be read
    ALIAS = auto()  # other words are said for what is inside
    SPELL = auto()  # what is inside is said letter by letter
    END_SPAN = auto()  # of an alias or of spelling


@dataclass(frozen=True)
class Tag:
    doing: Doing
    name: str
    pause: Pause | None = None
    alias: str = ""
    ignored: bool = False  # it asks for something that no voice does: listeners are told


def understood(found: re.Match[str]) -> Tag | None:
    """found: by TAG. None: it is text after all (`<break time="much"/>`)."""
    closing, name = bool(found[1]), found[2].lower()
    attributes = {key.lower(): value.strip("\"'") for key, value in _ATTRIBUTES.findall(found[3])}
    if name == "break":
        return _break(attributes)
    if name in {"sub", "say-as"}:
        return Tag(Doing.END_SPAN, name) if closing else _span(name, attributes)
    if name in _UNSAID:
        return Tag(Doing.NOTHING if closing or found[0].endswith("/>") else Doing.SKIP, name)
    if name == "pre":
        return Tag(Doing.END_SENTENCE if closing else Doing.SKIP_CODE, name)
    if name in _BLOCKS:
        return Tag(Doing.END_SENTENCE, name)
    return Tag(Doing.NOTHING, name, ignored=name in _UNHEARD and not closing)


def _break(attributes: dict[str, str]) -> Tag | None:
    time = attributes.get("time")
    if time is None:
        seconds = _STRENGTHS.get(attributes.get("strength", "medium").lower())
        return None if seconds is None else Tag(Doing.PAUSE, "break", Pause(seconds))
    pause = pause_of(time)
    return Tag(Doing.PAUSE, "break", pause) if pause else None


def pause_of(time: str) -> Pause | None:
    """
    >>> pause_of("500ms"), pause_of(".5s"), pause_of("much")
    (Pause(seconds=0.5), Pause(seconds=0.5), None)
    """
    found = _TIME.fullmatch(time)
    if found is None:
        return None
    return Pause(min(float(found[1]) / (1000 if found[2].lower() == "ms" else 1), MAX_PAUSE_S))


def _span(name: str, attributes: dict[str, str]) -> Tag:
    if name == "sub":
        alias = attributes.get("alias", "")
        return Tag(Doing.ALIAS, name, alias=alias) if alias.strip() else Tag(Doing.NOTHING, name)
    kind = attributes.get("interpret-as", "").lower()
    if kind in _SPELLED:
        return Tag(Doing.SPELL, name)
    return Tag(Doing.NOTHING, name, ignored=kind not in _READ_ANYWAY)
