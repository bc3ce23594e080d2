"""Text that has come and is not used yet, each character with its place in all that was sent."""

from __future__ import annotations

import unicodedata
from array import array
from itertools import accumulate, compress

_SAYABLE_CONTROLS = "\t\n\r"


def sayable(character: str) -> bool:
    """No control character, zero-width mark or half surrogate."""
    return character in _SAYABLE_CONTROLS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")


def clean(text: str) -> str:
    """Text without what cannot be said."""
    return "".join(filter(sayable, text))


def units(text: str) -> int:
    """How many UTF-16 code units it has: what JavaScript counts in."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


class Held:
    """text: what is held, without what cannot be said. Places are in UTF-16 code units."""

    def __init__(self) -> None:
        self.text = ""
        self.position = 0  # where the next text begins
        self._places = array("Q")  # of each character

    def add(self, text: str) -> None:
        """More text has come."""
        places = _places(text, self.position)
        self.position = places.pop()
        if not text.isascii() or not text.isprintable():
            kept = [sayable(character) for character in text]
            if not all(kept):
                text, places = "".join(compress(text, kept)), array("Q", compress(places, kept))
        self.text, self._places = self.text + text, self._places + places

    def drop(self, length: int) -> None:
        """So much of it is used."""
        if length:
            self.text, self._places = self.text[length:], self._places[length:]

    def place(self, begin: int, end: int) -> tuple[int, int]:
        """(start, stop) of text[begin:end], which is not empty."""
        return self._places[begin], self._places[end - 1] + units(self.text[end - 1])


def _places(text: str, begin: int) -> array[int]:
    """Where each character begins, and at the end where the next one will."""
    if units(text) == len(text):
        return array("Q", range(begin, begin + len(text) + 1))
    return array("Q", accumulate(map(units, text), initial=begin))
