"""Text -> words with their places, and pauses, as it arrives. Knows no model and not what of a word is said.

A word is what stands between white space, in its own spelling. `<break time="0.5s"/>` is a pause, an empty line ends a
paragraph. Characters without a sound (controls, zero-width marks) are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, compress

from speech.request import Pause, Piece, Token

MAX_PAUSE_S = 10.0  # moshi-server's bound; a longer pause is cut to it
PARAGRAPH = Pause(0.0)
MAX_WORD_CHARS = 1_000  # a longer one comes in parts; looking through it again at each piece must stay cheap
LONGEST_GAP = 8  # white space that is kept as it came

_BREAK = re.compile(
    r"""<break\s{1,4}time\s?=\s?["']?\s?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s?(ms|s)\s?["']?\s{0,4}/?>""", re.IGNORECASE
)
_WORD = re.compile(rf"\S{{1,{MAX_WORD_CHARS}}}")
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


def units(text: str) -> int:
    """How many UTF-16 code units it has."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def _places(text: str, begin: int) -> array[int]:
    """Where each character begins, and at the end where the next one will."""
    if units(text) == len(text):
        return array("Q", range(begin, begin + len(text) + 1))
    return array("Q", accumulate(map(units, text), initial=begin))


class TextFeed:
    """Words from text that arrives in pieces, cut anywhere: what may go on in the next piece is held back.

    A word of more than MAX_WORD_CHARS characters comes in parts of that length.
    """

    def __init__(self) -> None:
        self.position = 0  # where the next text begins, in UTF-16 code units of all that was sent
        self._held, self._places = "", array("Q")  # the place of each of its characters
        self._begun = False

    def feed(self, text: str) -> list[Piece]:
        """The words that are complete now. `spoken` is `written`: what is said of them is decided later."""
        self._hold(text)
        return self._give(_safe_length(self._held))

    def flush(self) -> list[Piece]:
        """What was held back; the text ends here, or a word does."""
        given = self._give(len(self._held.rstrip()))
        self._held, self._places = "", array("Q")
        return given

    def _hold(self, text: str) -> None:
        """Add what can be said of the text; of white space in front no more than what it means."""
        places = _places(text, self.position)
        self.position = places.pop()
        kept = clean(text)
        if len(kept) < len(text):
            places = array("Q", compress(places, map(_sayable, text)))
        self._held, self._places = self._held + kept, self._places + places
        gap = len(self._held) - len(self._held.lstrip())
        if gap > LONGEST_GAP:
            short = _shortened(self._held[:gap])
            self._held, self._places = short + self._held[gap:], self._places[gap - len(short) :]

    def _give(self, length: int) -> list[Piece]:
        """The pieces of so much of what is held; a paragraph does not end before anything was said."""
        given = list(_split(self._held[:length], self._places))
        self._held, self._places = self._held[length:], self._places[length:]
        while given and given[0] == PARAGRAPH and not self._begun:
            del given[0]
        self._begun = self._begun or bool(given)
        return given


class MessageFeed:
    """Words from text that arrives in messages, each of which ends a word. Only a pause may go on in the next one."""

    def __init__(self) -> None:
        self._text = TextFeed()
        self._position = 0  # as TextFeed has it
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
    seconds = float(found[1]) / (1000 if found[2].lower() == "ms" else 1)
    return Pause(min(seconds, MAX_PAUSE_S))


def _safe_length(text: str) -> int:
    """How much of the text no later piece can change: up to the last white space or whole tag, outside a begun tag.

    Of a word that goes on for long, the parts that are full.
    """
    tag_end = max((found.end() for found in _BREAK.finditer(text)), default=0)
    begun = _BREAK_BEGUN.search(text, tag_end)
    complete = text[tag_end : begun.start() if begun else len(text)]
    word = "" if not complete or complete[-1].isspace() else complete.rsplit(None, 1)[-1]
    before = len(complete) - len(word)
    if full := len(word) // MAX_WORD_CHARS * MAX_WORD_CHARS:
        return tag_end + before + full
    return tag_end + len(complete[:before].rstrip())  # the next piece may make a paragraph of the white space


def _split(text: str, places: Sequence[int]) -> Iterator[Piece]:
    """places: of each character."""
    position = 0
    for found in _BREAK.finditer(text):
        yield from _words(text, places, position, found.start())
        yield _pause(found)
        position = found.end()
    yield from _words(text, places, position, len(text))


def _words(text: str, places: Sequence[int], begin: int, end: int) -> Iterator[Piece]:
    """Those of text[begin:end], and the ends of paragraphs between them."""
    for found in _WORD.finditer(text, begin, end):
        if _lines(text[begin : found.start()]) > 1:
            yield PARAGRAPH
        begin = found.end()
        last = begin - 1
        yield Token(found[0], found[0], places[found.start()], places[last] + units(text[last]))
    if _lines(text[begin:end]) > 1:
        yield PARAGRAPH


def _lines(gap: str) -> int:
    """How many line ends there are in white space."""
    return gap.count("\n") + gap.count("\r") - gap.count("\r\n")


def _shortened(gap: str) -> str:
    """White space that means the same before any text."""
    if _lines(gap) > 1:
        return "\n\n"
    return " " if not _lines(gap) else "\r" if gap[-1] == "\r" else "\n"
