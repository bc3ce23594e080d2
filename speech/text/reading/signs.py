"""What no rule takes: a run of letters, of digits, or one sign. What is said has no digit and no sign of SILENT."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from speech.text.reading.letters import Capitals, is_capitals
from speech.text.reading.scan import Match
from speech.text.reading.tongue import Tongue

SILENT = frozenset("%$€£&@#+=/\\_*~^|<>[]{}")  # engines get none of these: each has a reading, or is left out
PUNCTUATION = frozenset(".,;:!?…'\"’‘“”«»‹›„()-–—¿¡‑‐")
_OTHER_HYPHENS = {"‑": "-", "‐": "-"}
_RUNS = {"..": "…", "--": " — "}  # signs in a row are one
_MARKS = frozenset("*|_~^`•·\\[]{}")  # left out when they stand at a word's edge or alone


class Rest:
    """How one language says what its rules leave."""

    def __init__(self, tongue: Tongue, capitals: Capitals, word: Callable[[Match], str | None]) -> None:
        """word: a run of letters -> what is said, None where it is said as it stands."""
        self._tongue, self._capitals, self._word = tongue, capitals, word

    def say(self, match: Match) -> str:
        text = match[0]
        if text[0].isdigit():
            return self._digits(text)
        if text[0].isalpha() or (len(text) > 1 and text[0].isalnum()):  # a numeral of another script may begin a run
            return self._letters(match)
        return self._sign(match)

    def _digits(self, text: str) -> str:
        plain = unicodedata.normalize("NFKC", text)
        return self._tongue.integer(plain) if plain.isdecimal() else ""

    def _letters(self, match: Match) -> str:
        text = match[0]
        if (said := self._word(match)) is not None:
            return said
        if is_capitals(text):
            return self._capitals.say(match)
        if text in self._tongue.letters:
            return self._tongue.letters[text]
        return _latin(text)

    def _sign(self, match: Match) -> str:
        sign = match[0]
        if len(sign) > 1:
            return _RUNS[sign[:2]]
        if sign in PUNCTUATION:
            return _OTHER_HYPHENS.get(sign, sign)
        if sign in _MARKS and not _inside(match):
            return ""
        name = self._tongue.signs.get(sign)
        return f" {name} " if name else ""


def _latin(text: str) -> str:
    if text.isascii():
        return text
    return "".join(character for character in text if _is_latin(character) or character in "'’")


def _is_latin(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith(("LATIN", "FEMININE", "MASCULINE"))


def _inside(match: Match) -> bool:
    """Between two letters or digits, without a blank."""
    text, start, stop = match.string, match.start(), match.end()
    return text[start - 1 : start].isalnum() and text[stop : stop + 1].isalnum()
