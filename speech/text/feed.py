"""Text -> words and pauses, whole or as it arrives. Knows no model.

A word is what stands between white space, in its own spelling. `<break time="0.5s"/>` is a pause, an empty line ends a
paragraph. Characters that nobody can say (controls, zero-width marks) are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from speech.request import Pause, Piece

MAX_PAUSE_S = 10.0  # moshi-server's bound; a longer pause is cut to it
PARAGRAPH = Pause(0.0)
MAX_HELD_CHARS = 1_000  # no word is longer; looking through it again at each piece must stay cheap

_BREAK = re.compile(
    r"""<break\s{1,4}time\s?=\s?["']?\s?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s?(ms|s)\s?["']?\s{0,4}/?>""", re.IGNORECASE
)
_BREAK_BEGUN = re.compile(r"<(?:b(?:r(?:e(?:a(?:k(?:\s[^<>]{0,50})?)?)?)?)?)?$", re.IGNORECASE)
_SAYABLE_CONTROLS = "\t\n\r"
# The same two without white space, for tags whose parts came one by one.
_BREAK_DENSE = re.compile(r"""<breaktime=["']?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})(ms|s)["']?/?>""", re.IGNORECASE)
_BREAK_DENSE_BEGUN = re.compile(r"""<breaktime=["']?[\d.]{0,20}m?s?["']?/?""", re.IGNORECASE)


def clean(text: str) -> str:
    """Text without what cannot be said: control characters, zero-width marks, half surrogates."""
    return "".join(filter(_sayable, text))


def _sayable(character: str) -> bool:
    return character in _SAYABLE_CONTROLS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")


@dataclass(frozen=True)
class Span:
    """A word and where it stands in the text as it was given, in UTF-16 code units (what JavaScript counts in)."""

    word: str
    start: int
    stop: int


def spans(text: str) -> list[Span]:
    """The words of a whole text, the same as in `pieces`, with their places.

    >>> spans('One <break time="1s"/> two.')
    [Span(word='One', start=0, stop=3), Span(word='two.', start=23, stop=27)]
    """
    units = [0, *accumulate(2 if character > "\uffff" else 1 for character in text)]
    kept = [index for index, character in enumerate(text) if _sayable(character)]
    words = _BREAK.sub(lambda found: " " * len(found[0]), clean(text))
    return [
        Span(found[0], units[kept[found.start()]], units[kept[found.end() - 1] + 1])
        for found in re.finditer(r"\S+", words)
    ]


def pieces(text: str) -> list[Piece]:
    """The words and pauses of a whole text.

    >>> pieces('One two.\\n\\nThree <break time="500ms"/> four')
    ['One', 'two.', Pause(seconds=0.0), 'Three', Pause(seconds=0.5), 'four']
    """
    feed = TextFeed()
    return [*feed.feed(text), *feed.flush()]


class TextFeed:
    """Words from text that arrives in pieces, cut anywhere: what may go on in the next piece is held back.

    Of a word without an end so much is held, then it is given in parts.
    """

    def __init__(self) -> None:
        self._held = ""
        self._begun = False

    def feed(self, text: str) -> list[Piece]:
        """The words that are complete now."""
        held = self._held + clean(text)
        cut = _safe_length(held)
        if len(held) - cut > MAX_HELD_CHARS:
            cut = len(held)
        self._held = held[cut:]
        return self._given(held[:cut])

    def flush(self) -> list[Piece]:
        """What was held back; the text ends here, or a word does."""
        held, self._held = self._held.rstrip(), ""
        return self._given(held)

    def _given(self, text: str) -> list[Piece]:
        """The pieces of a text that is complete; a paragraph does not end before anything was said."""
        given = list(_split(text))
        while given and given[0] == PARAGRAPH and not self._begun:
            del given[0]
        self._begun = self._begun or bool(given)
        return given


class MessageFeed:
    """Words from text that arrives in messages, each of which ends a word. Only a pause may go on in the next one."""

    def __init__(self) -> None:
        self._text = TextFeed()
        self._parts: list[str] = []  # of what may become a pause
        self._tag = ""  # the same without white space

    def feed(self, message: str) -> list[Piece]:
        """The words and pauses that are complete now.

        >>> feed = MessageFeed()
        >>> feed.feed('One <break'), feed.feed('time="1s"/> two')
        (['One'], [Pause(seconds=1.0), 'two'])
        """
        if not self._parts:
            return self._begin(message)
        inside, closed, after = message.partition(">")
        more = _dense(inside + closed)
        tag = self._tag + more
        if found := _BREAK_DENSE.fullmatch(tag):
            self._parts = []
            return [_pause(found), *self._begin(after)]
        if not closed and _may_become_break(tag):
            if more:
                self._parts.append(message)
                self._tag = tag
            return []
        return [*self.flush(), *self._begin(message)]

    def flush(self) -> list[Piece]:
        """What was held back: the text ends here."""
        parts, self._parts = self._parts, []
        return [piece for part in parts for piece in self._whole(part)]

    def _begin(self, message: str) -> list[Piece]:
        begun = _BREAK_BEGUN.search(message)
        if begun is None or not _may_become_break(_dense(begun[0])):
            return self._whole(message)
        self._parts, self._tag = [begun[0]], _dense(begun[0])
        return self._whole(message[: begun.start()])

    def _whole(self, text: str) -> list[Piece]:
        return [*self._text.feed(text), *self._text.flush()]


def _dense(text: str) -> str:
    return "".join(clean(text).split())


def _may_become_break(tag: str) -> bool:
    """tag: begins with <, without any white space."""
    return "<breaktime=".startswith(tag.lower()) or bool(_BREAK_DENSE_BEGUN.fullmatch(tag))


def _pause(found: re.Match[str]) -> Pause:
    seconds = float(found[1]) / (1000 if found[2].lower() == "ms" else 1)
    return Pause(min(seconds, MAX_PAUSE_S))


def _safe_length(text: str) -> int:
    """How much of the text no later piece can change: up to the last white space or whole tag, outside a begun tag."""
    tag_end = max((found.end() for found in _BREAK.finditer(text)), default=0)
    begun = _BREAK_BEGUN.search(text, tag_end)
    limit = begun.start() if begun else len(text)
    while limit > tag_end and not text[limit - 1].isspace():
        limit -= 1
    while limit > tag_end and text[limit - 1].isspace():  # the next piece may make a paragraph of it
        limit -= 1
    return limit


def _split(text: str) -> Iterator[Piece]:
    position = 0
    for found in _BREAK.finditer(text):
        yield from _words(text[position : found.start()])
        yield _pause(found)
        position = found.end()
    yield from _words(text[position:])


def _words(text: str) -> Iterator[Piece]:
    paragraphs = re.split(r"\n[^\S\n]*\n\s*", text.replace("\r\n", "\n").replace("\r", "\n"))
    for index, paragraph in enumerate(paragraphs):
        if index:
            yield PARAGRAPH
        yield from paragraph.split()
