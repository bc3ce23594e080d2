"""What the families of rules need to know of a language (Tongue), and how written numbers are taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5),
    "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
}  # fmt: skip
MAX_DIGITS = 15  # a longer number is said digit by digit


@dataclass(frozen=True)
class Tongue:
    """One language's words. Functions take digits as written and give words."""

    code: str
    cardinal: Callable[[int], str]
    ordinal: Callable[[int], str]
    fraction: Callable[[str], str]  # the digits behind the decimal sign
    digit_words: tuple[str, ...]
    number_pattern: str  # of a number as written, without a sign, at least one digit, no group inside
    grouping: str  # the sign between thousands where it stands once: "1,234" in English
    words: Mapping[str, str]  # point minus plus to dot at dash slash underscore hashtag per percent and times ...
    signs: Mapping[str, str]  # a sign -> its name
    letters: Mapping[str, str]  # letters that are spelled with a word in this language; others as they are

    def named(self, character: str) -> bool:
        """Whether a sign, or a letter of another script, is said by its name."""
        return character in self.signs or character in self.letters or character in VULGAR or character.isdigit()

    def digits(self, text: str) -> str:
        """Each digit by itself; other characters are left out."""
        return " ".join(self.digit_words[int(c)] for c in text if c.isdecimal())

    def integer(self, digits: str) -> str:
        """A row of digits as a cardinal; digit by digit if it is very long or begins with a nought."""
        ascii_digits = digits.isascii() and digits.isdecimal()
        plain = digits if ascii_digits else "".join(str(int(c)) for c in digits if c.isdecimal())
        if len(plain) > MAX_DIGITS or (len(plain) > 1 and plain[0] == "0"):
            return self.digits(plain)
        return self.cardinal(int(plain)) if plain else ""

    def number(self, text: str, point: str | None = None) -> str:
        """A number as written, with its thousands and decimals. point: how the decimal sign is said here."""
        whole, fraction = self.parse(text)
        said = self.integer(whole) if whole else ""
        if fraction:
            said = f"{said} {point or self.words['point']} {self.fraction(fraction)}"
        return said.strip()

    def parse(self, text: str) -> tuple[str, str]:
        """(whole, decimals) as digits.

        The last of two kinds of sign is the decimal one; a sign that stands several times, or once before three digits
        where the language groups with it, is no decimal sign.
        """
        if text.isdecimal():  # most are
            return text, ""
        plain = re.sub(r"[ '’]", "", text)
        place = max(plain.rfind("."), plain.rfind(","))
        if place < 0:
            return plain, ""
        sign, other = plain[place], "," if plain[place] == "." else "."
        grouped = re.fullmatch(rf"\d{{1,3}}(?:\{sign}\d{{3}})+", plain) and not plain.startswith("0")
        if (grouped and (sign == self.grouping or plain.count(sign) > 1)) and other not in plain:
            return plain.replace(sign, ""), ""
        return plain[:place].replace(other, "").replace(sign, ""), plain[place + 1 :]


def is_one(text: str) -> bool:
    """Whether the number as written is 1, so that its noun stands in the singular."""
    return text.strip() in {"1", "1.0", "1,0"}
