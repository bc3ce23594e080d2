"""Words in capitals, in any language: said as a word (NASA), spelled (HTTP), or an ordinary word that is shouted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from speech.text.reading.scan import Match, after, before

_VOWELS = set("AEIOUYÀÂÄÉÈÊËÎÏÔÖÙÛÜŒÆ")
_CORE = re.compile(r"[^\W\d_]+")
_UNSAID_CLUSTERS = re.compile(
    r"[BCDFGHJKLMNPQRSTVWXZ]{4}|^[BCDFGHJKLMNPQRTVWXZ][BCDFGJKMNPQSTVXZ]|[AEIOUY]{4}|Q[^U]|[JVX]$"
)
_SAYABLE_STARTS = re.compile(r"^(?:CH|SH|TH|PH|WH|KN|PS|GN|WR|SC|SK|SM|SN|SP|ST|SW|TW|DW|GH|TS|CZ|PT)")


@dataclass(frozen=True)
class CapitalWords:
    """A language's lists, in capitals."""

    said: frozenset[str]  # abbreviations that are said as words
    spelled: frozenset[str]  # those that look like words and are spelled
    common: frozenset[str]  # ordinary words of two and three letters
    either: frozenset[str]  # of these, those that are abbreviations unless their neighbours are shouted too
    letter_names: Mapping[str, str]  # where a letter needs a word of its own when it is spelled


def is_capitals(word: str) -> bool:
    """Two letters or more, all of them capitals."""
    return len(word) > 1 and word.isupper() and word.isalpha()


class Capitals:
    """How one language says a word in capitals."""

    def __init__(self, words: CapitalWords) -> None:
        self._words = words

    def say(self, match: Match) -> str:
        """match: a run of letters, all of them capitals."""
        word = match[0]
        beside = match.string[match.start() - 1 : match.start()] + match.string[match.end() : match.end() + 1]
        if any(character.isdigit() for character in beside):  # H2SO4
            return self.spell(word)
        if word in self._words.said:
            return word.title() if len(word) > 3 else word.lower()
        if self._is_word(match):
            return word.lower()
        return self.spell(word)

    def spell(self, word: str) -> str:
        """Letter by letter.

        >>> Capitals(CapitalWords(*[frozenset()] * 4, {"W": "double u"})).spell("FBI")
        'F B I'
        """
        return " ".join(self._words.letter_names.get(letter, letter) for letter in word)

    def _is_word(self, match: Match) -> bool:
        word = match[0]
        if word in self._words.spelled:
            return False
        if word in self._words.either:
            return self._shouted_beside(match)
        if word in self._words.common:
            return True
        if len(word) < 4:
            return len(word) == 3 and self._shouted_beside(match) and _sayable(word)
        return _sayable(word)

    def _shouted_beside(self, match: Match) -> bool:
        """A neighbour is an ordinary word in capitals."""
        return any(self._ordinary(word) for word in (before(match), after(match)))

    def _ordinary(self, word: str) -> bool:
        core = _CORE.search(word)
        if core is None or not is_capitals(core[0]):
            return False
        letters = core[0]
        if letters in self._words.said or letters in self._words.spelled or letters in self._words.either:
            return False
        return letters in self._words.common or (len(letters) > 3 and _sayable(letters))


def _sayable(word: str) -> bool:
    if not _VOWELS.intersection(word):
        return False
    return _UNSAID_CLUSTERS.search(_SAYABLE_STARTS.sub("S", word)) is None
