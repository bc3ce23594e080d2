"""What stands in the text at one place: a tag, a bracket, a formula, none of them, or what cannot be told yet."""

from __future__ import annotations

import re

from speech.text.markup import brackets, latex, tags
from speech.text.markup.brackets import Bracket
from speech.text.markup.tags import Doing, Tag

Found = tuple[re.Match[str], Tag | Bracket | str]  # a formula is its text


class Wait(Exception):
    """More text must come before text[place] can be decided."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def find(text: str, place: int, complete: bool, before: str = " ") -> Found | None:
    """The construct that begins at text[place]. complete: no more text comes. before: the character in front of it in
    the same word. Raises Wait."""
    if text[place] == "<":
        return _tag(text, place, complete)
    if text[place] == "[":
        return _bracket(text, place, complete, before)
    return _formula(text, place, complete, before) if text[place] in "$\\" else None


def _tag(text: str, place: int, complete: bool) -> Found | None:
    if match := tags.TAG.match(text, place):
        meaning = tags.understood(match)
        return (match, meaning) if meaning else None
    if match := tags.COMMENT.match(text, place):
        return match, Tag(Doing.NOTHING, "comment")
    _wait(text, place, complete, tags.MAX_TAG_CHARS, "<>", tags.BEGUN)
    return None


def _bracket(text: str, place: int, complete: bool, before: str) -> Found | None:
    match = brackets.BRACKET.match(text, place)
    if match is None:
        _wait(text, place, complete, brackets.MAX_INNER_CHARS + 2, "[]\n", None)
        return None
    if match.end() == len(text) and not complete:
        raise Wait(place)
    meaning = brackets.understood(text, match, before)
    return (match, meaning) if meaning else None


def _formula(text: str, place: int, complete: bool, before: str) -> Found | None:
    if text[place] == "$" and before.isalnum():
        return None
    match = latex.DISPLAY.match(text, place) or latex.INLINE.match(text, place)
    if match is None:
        if not complete and latex.may_go_on(text, place):
            raise Wait(place)
        return None
    if match.end() == len(text) and not complete:
        raise Wait(place)
    inner = next(group for group in match.groups() if group is not None)
    return (match, inner) if text[place] == "\\" or latex.is_formula(inner) else None


def _wait(text: str, place: int, complete: bool, longest: int, stops: str, begun: re.Pattern[str] | None) -> None:
    """Raise Wait while the construct may still end: within its longest length nothing has come that stops it."""
    if (
        complete
        or len(text) - place > longest
        or any(text.find(stop, place + 1, place + longest) >= 0 for stop in stops)
    ):
        return
    if begun is None or begun.match(text, place):
        raise Wait(place)
