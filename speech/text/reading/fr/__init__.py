"""French: all of its rules, joined."""

from __future__ import annotations

import re

from speech.text.reading import codes, web
from speech.text.reading.fr import dates, names, quantities
from speech.text.reading.fr.cardinals import DIGITS, cardinal, fraction, ordinal
from speech.text.reading.fr.lists import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    COMMON_SHORT,
    EITHER,
    SAID_ACRONYMS,
    SPELLED_ACRONYMS,
    TITLES,
)
from speech.text.reading.fr.tables import CURRENCIES, GREEK, SCALES, SIGNS, UNITS, WORDS
from speech.text.reading.letters import Capitals, CapitalWords
from speech.text.reading.openers import Openers
from speech.text.reading.scan import Rules
from speech.text.reading.signs import Rest
from speech.text.reading.step import Reader
from speech.text.reading.tongue import Tongue

_NUMBER = r"(?:\d{1,3}(?:[ .'’]\d{3})+(?:,\d+)?|\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?|\d+[.,]\d+|\d+)(?![.,]?\d)"

TONGUE = Tongue(
    code="fr",
    cardinal=cardinal,
    ordinal=ordinal,
    fraction=fraction,
    digit_words=DIGITS,
    number_pattern=_NUMBER,
    grouping=".",
    words=WORDS,
    signs=SIGNS,
    letters=GREEK,
)
_CAPITALS = Capitals(CapitalWords(SAID_ACRONYMS, SPELLED_ACRONYMS, COMMON_SHORT, EITHER, {}))
_OPENERS = Openers(
    abbreviations=frozenset(TITLES)
    | frozenset(ABBREVIATIONS)
    | frozenset(BEFORE_NUMBERS)
    | {"c.-à-d", "cad", "p", "svp", "SVP", "c", "càs", "càc"},
    starters=frozenset(TITLES) | {"L", "R", "D", "C", "I", "no", "No", "nos", "svp"},
    joiners=frozenset(dates.MONTHS)
    | frozenset(UNITS)
    | frozenset(CURRENCIES)
    | frozenset(SCALES)
    | frozenset(ABBREVIATIONS)
    | {"au", "et", "à", "h", "H", "ex", "J.-C", "s", "c"},
)


def _phone(digits: str) -> str:
    """A group of a number: a nought in front by itself, else as a cardinal."""
    return TONGUE.digits(digits) if digits[0] == "0" or len(digits) > 3 else cardinal(int(digits))


def _rules() -> Rules:
    return Rules(
        (
            *web.rules(TONGUE),
            *dates.rules(),
            *codes.rules(TONGUE, _phone),
            *dates.ordinals(),
            *quantities.rules(TONGUE),
            *names.rules(),
            *quantities.plain(TONGUE),
        ),
        Rest(TONGUE, _CAPITALS, lambda match: None).say,
        # An elision (l', qu') is a run of its own.
        re.compile(r"[^\W\d_]+['’](?=[^\W\d_])|[^\W\d_]+|\d+|\.{2,}|-{2,}|\S"),
    )


def reader() -> Reader:
    """French, ready to read."""
    return Reader(_rules(), _OPENERS.opens, _OPENERS.joins, TONGUE.named)
