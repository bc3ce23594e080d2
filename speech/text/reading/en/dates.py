"""English dates, years and decades."""

from __future__ import annotations

import re

from speech.text.reading.en.cardinals import cardinal, decade, ordinal, two_digits, year
from speech.text.reading.scan import Match, Rule, after, before, rule
from speech.text.wordlist import wordrow, wordset

MONTHS = wordrow("January February March April May June July August September October November December")
SHORT = {name[:3]: name for name in MONTHS} | {"Sept": "September"}
_NAME = "(?P<month>" + "|".join(MONTHS) + r"|(?:" + "|".join(SHORT) + r")\b\.?)"
_YEAR = r"(?:,? (?P<year>\d{4}|'\d{2})(?!\d|[.,:/-]\d|%))?"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_NOT_PLURAL = wordset(
    "was is has as does goes this his its us says sees yes less across always perhaps besides sometimes towards "
    "means needs wants "
    "begins ends starts comes brings marks sees plus minus versus makes gives takes shows became thus"
)
_YEAR_WORDS = wordset(
    "in since by of until till during from before after around circa year early late mid spring summer autumn fall "
    "winter and to"
)
_BEFORE_DAYS = wordset("on by until till since due monday tuesday wednesday thursday friday saturday sunday")
_QUANTITY_WORDS = wordset("about over under than some nearly almost exactly only roughly least most approximately")


def dated() -> list[Rule]:
    """Days, months and the years that stand with them."""
    iso = r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)"
    slashed = r"(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?![\d/])"
    return [
        rule("d", iso, _iso),
        rule("d", slashed, _slashed),
        rule("d", r"(?P<month>\d{1,2})/(?P<day>\d{1,2})(?![/\d])", _without_year),
        rule("d", rf"{_DAY}(?: of)? {_NAME}{_YEAR}(?!\w)", _day_first),
        rule("d", rf"(?P<low>[0-3]?\d)(?:-|–|—| to )(?P<day>[0-3]?\d) {_NAME}{_YEAR}(?!\w)", _days_first),
        rule("l", rf"{_NAME} (?P<day>[0-3]?\d)(?:-|–|—)(?P<high>[0-3]?\d)(?!\d){_YEAR}", _month_days),
        rule("l", rf"{_NAME} {_DAY}(?![\d:%/]|[.,]\d| ?[ap]\.?m){_YEAR}", _month_first),
        rule("l", rf"{_NAME} (?P<year>\d{{4}})(?!\d)", _month_year),
    ]


def years() -> list[Rule]:
    """Years and decades that stand alone."""
    return [
        rule(
            "l", r"(?P<name>FY|CY|AY) ?'?(?P<year>\d{2,4})(?!\d)", lambda m: f"{m['name'][0]} Y {_any_year(m['year'])}"
        ),
        rule("d", r"(?P<low>\d{4})s?(?:-|–|—)(?P<high>\d{4}|\d{2})(?P<s>s?)(?![\w-])", _years),
        rule("d", r"(?P<year>\d{3}0|[1-9]0)['’]?s(?!\w)", lambda m: decade(int(m["year"]))),
        rule("s", r"['’‘](?P<year>\d0)s(?!\w)", lambda m: decade(int(m["year"]))),
        rule("s", r"['’](?P<year>\d{2})(?!\w)", lambda m: _any_year(m["year"])),
        rule("d", r"(?P<year>1\d{3}|20\d\d)(?! ?[×x%]|\w|[.,]\d)", _bare_year),
        rule("d", r"(?P<year>\d{1,4}) ?(?P<era>BCE|CE|BC|AD)(?!\w)", _era),
        rule("l", r"(?P<era>AD) (?P<year>\d{1,4})(?!\d)", lambda m: f"A D {_any_year(m['year'])}"),
    ]


def _any_year(digits: str) -> str:
    """Four digits as a year, two as the end of one."""
    plain = digits.lstrip("'")
    if len(plain) == 2:
        return f"oh {cardinal(int(plain))}" if plain[0] == "0" else two_digits(int(plain))
    return year(int(plain))


def _month(text: str) -> str:
    return SHORT.get(text.rstrip("."), text)


def _date(month: str, day: int, digits: str | None) -> str | None:
    if not 1 <= day <= 31:
        return None
    said = f"{month} {ordinal(day)}"
    return f"{said}, {_any_year(digits)}" if digits else said


def _iso(match: Match) -> str | None:
    month = int(match["month"])
    return _date(MONTHS[month - 1], int(match["day"]), match["year"]) if 1 <= month <= 12 else None


def _slashed(match: Match) -> str | None:
    """Month first where that can be, as in the United States; with points between them the day is first."""
    first, second = int(match["first"]), int(match["second"])
    month, day = (second, first) if first > 12 or match["mark"] == "." else (first, second)
    if not 1 <= month <= 12 or (match["mark"] != "/" and len(match["year"]) == 2):
        return None
    digits = match["year"]
    return _date(MONTHS[month - 1], day, f"20{digits}" if len(digits) == 2 and int(digits) < 40 else digits)


def _without_year(match: Match) -> str | None:
    """Behind a word that comes before days, "on 12/3", or where it is no fraction of everyday: "12/25"."""
    month, day = int(match["month"]), int(match["day"])
    plain = day > 12 and day not in {16, 20} and month < day
    if not (before(match).lower() in _BEFORE_DAYS or plain) or not 1 <= month <= 12:
        return None
    return _date(MONTHS[month - 1], day, None)


def _day_first(match: Match) -> str | None:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return None
    article = "" if before(match).lower() == "the" else "the "
    said = f"{article}{ordinal(day)} of {_month(match['month'])}"
    return f"{said}, {_any_year(match['year'])}" if match["year"] else said


def _days_first(match: Match) -> str | None:
    said = f"{ordinal(int(match['low']))} to {ordinal(int(match['day']))} of {_month(match['month'])}"
    article = "" if before(match).lower() == "the" else "the "
    return article + said + (f", {_any_year(match['year'])}" if match["year"] else "")


def _month_days(match: Match) -> str | None:
    said = _date(_month(match["month"]), int(match["day"]), None)
    tail = f", {_any_year(match['year'])}" if match["year"] else ""
    return f"{said} to {ordinal(int(match['high']))}{tail}" if said else None


def _month_first(match: Match) -> str | None:
    return _date(_month(match["month"]), int(match["day"]), match["year"])


def _month_year(match: Match) -> str:
    return f"{_month(match['month'])} {year(int(match['year']))}"


def _years(match: Match) -> str | None:
    low, high, s = match["low"], match["high"], match["s"]
    if not 1000 <= int(low) < 2100 or (len(high) == 4 and int(high) <= int(low)):
        return None
    if len(high) == 2 and int(high) <= int(low[2:]):
        return None
    end = decade(int(high)) if s else _any_year(high)
    return f"{year(int(low))} to {end}"


def _bare_year(match: Match) -> str | None:
    number = int(match["year"])
    previous, following = before(match).lower(), after(match)
    if previous in {"=", "≈"}:
        return cardinal(number)
    if previous in _YEAR_WORDS and not re.fullmatch(r"people|men|women|dollars|euros|pounds|children", following):
        return year(number)
    counted = following.islower() and re.fullmatch(r"[a-z]{3,}s|people|men|women|children", following.rstrip(".,;:!?"))
    if previous in _QUANTITY_WORDS or (counted and following.rstrip(".,;:!?") not in _NOT_PLURAL):
        return cardinal(number)
    return year(number)


def _era(match: Match) -> str:
    digits = match["year"]
    return f"{_any_year(digits) if len(digits) == 4 else cardinal(int(digits))} {' '.join(match['era'])}"
