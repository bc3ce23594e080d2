"""English, American order of words and dates: all of its rules, joined."""

from __future__ import annotations

import re

from speech.text.reading import codes, web
from speech.text.reading.en import dates, names, quantities, times
from speech.text.reading.en.cardinals import DIGITS, cardinal, ordinal
from speech.text.reading.en.lists import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    COMMON_SHORT,
    EITHER,
    SAID_ACRONYMS,
    SPELLED_ACRONYMS,
    TITLES,
)
from speech.text.reading.en.tables import CURRENCIES, GREEK, SCALES, SIGNS, UNITS, WORDS
from speech.text.reading.letters import Capitals, CapitalWords, is_capitals
from speech.text.reading.openers import Openers
from speech.text.reading.scan import Match, Rules, rule
from speech.text.reading.signs import Rest
from speech.text.reading.step import Reader
from speech.text.reading.tongue import Tongue

_NUMBER = (
    r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:[ '’]\d{3}){2,}(?:[.,]\d+)?|\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?"
    r"|\d+\.\d+|\.\d+|\d+,\d{1,2}|\d+)"
    r"(?![.,]?\d)"
)

TONGUE = Tongue(
    code="en",
    cardinal=cardinal,
    ordinal=ordinal,
    fraction=lambda digits: " ".join(DIGITS[int(c)] for c in digits),
    digit_words=DIGITS,
    number_pattern=_NUMBER,
    grouping=",",
    words=WORDS,
    signs=SIGNS,
    letters=GREEK,
)
_CAPITALS = Capitals(CapitalWords(SAID_ACRONYMS, SPELLED_ACRONYMS, COMMON_SHORT, EITHER, {}))
_OPENERS = Openers(
    abbreviations=frozenset(TITLES) | frozenset(ABBREVIATIONS) | frozenset(BEFORE_NUMBERS) | {"Dr", "St", "b", "d"},
    starters=frozenset(dates.MONTHS) | {"C", "F", "I", "w", "No", "Nos"},
    joiners=frozenset(dates.MONTHS)
    | frozenset(dates.SHORT)
    | frozenset(UNITS)
    | frozenset(CURRENCIES)
    | frozenset(SCALES)
    | {"of", "to", "AM", "PM", "am", "pm", "BC", "AD", "BCE", "CE", "sq", "fl", "cu", "and", "feet", "foot"},
)


def _word(match: Match) -> str | None:
    """CDs, FBI's: letters of an abbreviation with an ending."""
    found = re.fullmatch(r"(?P<letters>[A-Z]{2,})(?P<ending>s|['’]s|['’]d|['’]re)", match[0])
    if found is None or not is_capitals(found["letters"]):
        return None
    inner = re.compile(r"[A-Z]+").match(match.string, match.start(), match.start() + len(found["letters"]))
    assert inner is not None  # they were found just there
    said = _CAPITALS.say(inner)
    return said + ("'s" if found["ending"] == "s" and " " in said else found["ending"])


def _rules() -> Rules:
    rest = Rest(TONGUE, _CAPITALS, _word)
    ordinal_rule = rule("d", r"(?P<n>\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)(?!\w)", lambda m: _ordinal(m["n"]))
    return Rules(
        (
            *web.rules(TONGUE),
            *times.rules(),
            *dates.dated(),
            *codes.rules(TONGUE, TONGUE.digits),
            *dates.years(),
            ordinal_rule,
            *quantities.rules(TONGUE),
            *names.rules(),
            *quantities.plain(TONGUE),
        ),
        rest.say,
    )


def _ordinal(digits: str) -> str:
    plain = digits.replace(",", "")
    return ordinal(int(plain)) if len(plain) <= 15 else TONGUE.digits(plain)


def reader() -> Reader:
    """English, ready to read."""
    return Reader(_rules(), _OPENERS.opens, _OPENERS.joins, TONGUE.named)
