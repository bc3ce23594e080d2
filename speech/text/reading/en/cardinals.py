"""English number words: cardinals, ordinals, years. American order, without "and"."""

from __future__ import annotations

from speech.text.wordlist import wordrow

_ONES = wordrow(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
DIGITS = tuple(_ONES[:10])


def cardinal(number: int) -> str:
    """Zero or more, below 10^18.

    >>> cardinal(1_234)
    'one thousand two hundred thirty-four'
    """
    if number < 1000:
        return _below_thousand(number)
    parts, scale = [], 0
    while number:
        number, group = divmod(number, 1000)
        if group:
            parts.append(f"{_below_thousand(group)} {_SCALES[scale]}".strip())
        scale += 1
    return " ".join(reversed(parts))


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return two_digits(rest)
    return f"{_ONES[hundreds]} hundred" + (f" {two_digits(rest)}" if rest else "")


def two_digits(number: int) -> str:
    """0 to 99."""
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def ordinal(number: int) -> str:
    """
    >>> [ordinal(n) for n in (1, 12, 20, 43, 100)]
    ['first', 'twelfth', 'twentieth', 'forty-third', 'one hundredth']
    """
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:cut], words[cut:]
    if last in _ORDINALS:
        return head + _ORDINALS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(number: int) -> str:
    """A year, 1000 to 2999 by its two halves.

    >>> [year(n) for n in (1066, 1900, 1906, 2000, 2006, 2024)]
    ['ten sixty-six', 'nineteen hundred', 'nineteen oh six', 'two thousand', 'two thousand six', 'twenty twenty-four']
    """
    if not 1000 <= number < 3000 or number % 1000 < 10:
        return cardinal(number)
    return in_halves(number)


def in_halves(number: int) -> str:
    """Three or four digits as people say rooms and flights.

    >>> [in_halves(n) for n in (101, 370, 1200, 2105)]
    ['one oh one', 'three seventy', 'twelve hundred', 'twenty-one oh five']
    """
    high, low = divmod(number, 100)
    if not low:
        return f"{two_digits(high)} hundred"
    return f"{two_digits(high)} {'oh ' if low < 10 else ''}{two_digits(low)}"


def decade(number: int) -> str:
    """
    >>> decade(1980), decade(90), decade(1900), decade(2000)
    ('nineteen eighties', 'nineties', 'nineteen hundreds', 'two thousands')
    """
    words = year(number) if number >= 100 else two_digits(number)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def plural(noun: str) -> str:
    """
    >>> plural("half"), plural("third"), plural("inch")
    ('halves', 'thirds', 'inches')
    """
    if noun.endswith("lf"):
        return noun[:-1] + "ves"
    return noun + ("es" if noun.endswith(("ch", "s", "x")) else "s")
