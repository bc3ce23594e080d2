"""Roman numerals -> numbers."""

from __future__ import annotations

import re

_FORM = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman(letters: str) -> int | None:
    """1 to 3,999, in capitals; None if it is none.

    >>> roman("XIV"), roman("MCMXCIX"), roman("IIII"), roman("")
    (14, 1999, None, None)
    """
    if not letters or _FORM.fullmatch(letters) is None:
        return None
    values = [_VALUES[letter] for letter in letters]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))
