"""French number words: cardinals and ordinals, with soixante-dix and quatre-vingts."""

from __future__ import annotations

from speech.text.wordlist import wordrow

_ONES = wordrow(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept "
    "dix-huit dix-neuf"
)
_TENS = ("", "", "vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt")
_SCALES = ("", "mille", "million", "milliard", "billion", "billiard")
_ORDINALS = {"un": "unième", "cinq": "cinquième", "neuf": "neuvième"}
DIGITS = tuple(_ONES[:10])


def cardinal(number: int) -> str:
    """Zero or more, below 10^18.

    >>> [cardinal(n) for n in (21, 71, 80, 99)]
    ['vingt et un', 'soixante et onze', 'quatre-vingts', 'quatre-vingt-dix-neuf']
    >>> [cardinal(n) for n in (200, 1_201, 80_000)]
    ['deux cents', 'mille deux cent un', 'quatre-vingt mille']
    """
    if number < 1000:
        return _below_thousand(number)
    parts, scale = [], 0
    while number:
        number, group = divmod(number, 1000)
        if group:
            parts.append(_group(group, scale))
        scale += 1
    return " ".join(reversed(parts))


def _group(group: int, scale: int) -> str:
    if scale == 1:  # an adjective without a plural: "mille", "deux cent mille"
        return (
            "mille"
            if group == 1
            else f"{_below_thousand(group).removesuffix('s') if _ends_in_s(group) else _below_thousand(group)} mille"
        )
    return f"{_below_thousand(group)} {_SCALES[scale]}{'s' if scale and group > 1 else ''}".strip()


def _ends_in_s(group: int) -> bool:
    """Whether the s is that of "cents" or "quatre-vingts"."""
    return group % 100 == 80 or (group % 100 == 0 and group > 100)


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return two_digits(rest)
    head = "cent" if hundreds == 1 else f"{_ONES[hundreds]} cent"
    return f"{head} {two_digits(rest)}" if rest else head + ("s" if hundreds > 1 else "")


def two_digits(number: int) -> str:
    """0 to 99."""
    if number < 20:
        return _ONES[number]
    if number == 80:
        return "quatre-vingts"
    tens, ones = divmod(number, 10)
    if tens in (7, 9):
        ones += 10
    if not ones:
        return _TENS[tens]
    joint = " et " if ones in (1, 11) and tens < 8 else "-"
    return f"{_TENS[tens]}{joint}{_ONES[ones]}"


def ordinal(number: int) -> str:
    """
    >>> [ordinal(n) for n in (1, 2, 9, 20, 21, 80)]
    ['premier', 'deuxième', 'neuvième', 'vingtième', 'vingt et unième', 'quatre-vingtième']
    """
    if number == 1:
        return "premier"
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:cut], words[cut:]
    if last in _ORDINALS:
        return head + _ORDINALS[last]
    return head + last.removesuffix("s" if _ends_in_s(number % 1000) else "e").removesuffix("e") + "ième"


def feminine(words: str) -> str:
    """The cardinal before a feminine noun: only "un" at its end changes.

    >>> feminine("vingt et un")
    'vingt et une'
    """
    return words + "e" if words == "un" or words.endswith((" un", "-un")) else words


def fraction(digits: str) -> str:
    """The digits behind the comma: up to three as a number, noughts in front said one by one; more digit by digit.

    >>> fraction("14"), fraction("05"), fraction("1416")
    ('quatorze', 'zéro cinq', 'un quatre un six')
    """
    if len(digits) > 3:
        return " ".join(_ONES[int(c)] for c in digits)
    zeros = len(digits) - len(digits.lstrip("0"))
    rest = digits[zeros:]
    return " ".join(["zéro"] * zeros + ([cardinal(int(rest))] if rest else []))
