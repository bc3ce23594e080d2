"""Text that comes in messages, each of which ends a word, as Kyutai's protocol sends it. Knows no engine."""

from __future__ import annotations

import re

from speech.request import Pause, Piece
from speech.text.markup.feed import Markup
from speech.text.markup.held import clean, units
from speech.text.markup.tags import pause_of

_BREAK_BEGUN = re.compile(r"<(?:b(?:r(?:e(?:a(?:k(?:\s[^<>]{0,50})?)?)?)?)?)?$", re.IGNORECASE)
# The same and the whole without white space, for tags whose parts came one by one.
_BREAK_DENSE = re.compile(r"""<breaktime=["']?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})(ms|s)["']?/?>""", re.IGNORECASE)
_BREAK_DENSE_BEGUN = re.compile(r"""<breaktime=["']?[\d.]{0,20}m?s?["']?/?""", re.IGNORECASE)


class MessageFeed:
    """Words from text that arrives in messages, each of which ends a word. Only a pause may go on in the next one."""

    def __init__(self, text: Markup | None = None) -> None:
        """text: takes each message; None: one of its own."""
        self._text = text or Markup()
        self._position = 0  # as Markup has it
        self._parts: list[tuple[int, str]] = []  # of what may become a pause: where it stands, and the part
        self._tag = ""  # the same without white space

    def feed(self, message: str) -> list[Piece]:
        """The words and pauses that are complete now."""
        position = self._position
        self._position += units(message)
        if not self._parts:
            return self._begin(position, message)
        inside, closed, after = message.partition(">")
        more = _dense(inside + closed)
        tag = self._tag + more
        if found := _BREAK_DENSE.fullmatch(tag):
            self._parts = []
            return [_pause(found), *self._begin(position + units(inside + closed), after)]
        if not closed and _may_become_break(tag):
            if more:
                self._parts.append((position, message))
                self._tag = tag
            return []
        return [*self.flush(), *self._begin(position, message)]

    def rest(self) -> list[Piece]:
        """Nothing: each message is given whole."""
        return []

    def flush(self) -> list[Piece]:
        """What was held back: the text ends here."""
        parts, self._parts = self._parts, []
        return [piece for part in parts for piece in self._whole(*part)]

    def _begin(self, position: int, message: str) -> list[Piece]:
        begun = _BREAK_BEGUN.search(message)
        if begun is None or not _may_become_break(_dense(begun[0])):
            return self._whole(position, message)
        before = message[: begun.start()]
        self._parts, self._tag = [(position + units(before), begun[0])], _dense(begun[0])
        return self._whole(position, before)

    def _whole(self, position: int, text: str) -> list[Piece]:
        self._text.position = position
        return [*self._text.feed(text), *self._text.flush()]


def _dense(text: str) -> str:
    return "".join(clean(text).split())


def _may_become_break(tag: str) -> bool:
    """tag: begins with <, without any white space."""
    return "<breaktime=".startswith(tag.lower()) or bool(_BREAK_DENSE_BEGUN.fullmatch(tag))


def _pause(found: re.Match[str]) -> Pause:
    return pause_of(found[1] + found[2]) or Pause(0.0)
