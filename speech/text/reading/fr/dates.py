"""French dates, centuries and times of day."""

from __future__ import annotations

from re import IGNORECASE as _I

from speech.text.reading.fr.cardinals import cardinal, feminine, ordinal
from speech.text.reading.scan import Match, Rule, before, rule
from speech.text.wordlist import wordrow, wordset

MONTHS = wordrow("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")
_SHORT = {
    "janv": "janvier", "févr": "février", "fév": "février", "avr": "avril", "juil": "juillet", "sept": "septembre",
    "oct": "octobre", "nov": "novembre", "déc": "décembre",
}  # fmt: skip
_NAME = "(?P<month>" + "|".join(MONTHS) + "|(?:" + "|".join(_SHORT) + r")\b\.?)"
_BEFORE_DAYS = wordset("le du au dès depuis jusqu'au lundi mardi mercredi jeudi vendredi samedi dimanche")
_RATIO_WORDS = wordset("rapport ratio score échelle format proportion")


def _hour(name: str) -> str:
    return rf"(?P<{name}>[0-2]?\d) ?h(?P<{name}minute>[0-5]\d)?"


def rules() -> list[Rule]:
    slashed = r"(?P<day>\d{1,2})(?P<mark>[/.-])(?P<number>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?![\d/])"
    return [
        rule("d", r"(?P<day>\d{1,2})/(?P<number>\d{1,2})(?![/\d])", _without_year),
        rule("d", rf"{_hour('low')} ?[-–—] ?{_hour('high')}(?!\w)", _span),
        rule("d", r"(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})(?!\d)", _numeric),
        rule("d", slashed, _numeric),
        rule(
            "d",
            rf"(?P<low>[0-3]?\d)(?:er)?(?: ?[-–—] ?| au | et )(?P<day>[0-3]?\d)(?:er)? {_NAME}"
            r"(?: (?P<year>\d{4}))?(?!\w)",
            _days,
            _I,
        ),
        rule("d", rf"(?P<day>[0-3]?\d)(?:er)? {_NAME}(?: (?P<year>\d{{4}}))?(?!\w)", _named, _I),
        rule(
            "d",
            r"(?P<hour>[0-2]?\d) ?[hH](?: ?(?P<minute>[0-5]\d))?(?: ?(?:min|mn))?(?P<rest> ?[0-5]?\d ?s)?(?![\w/])",
            _clock,
        ),
        rule("d", r"(?P<hour>[0-2]?\d):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])", _colon),
        rule(
            "d",
            r"(?P<left>\d{1,9}):(?P<right>\d{1,9})(?![\d:])",
            lambda m: f"{cardinal(int(m['left']))} à {cardinal(int(m['right']))}",
        ),
        rule("d", r"(?P<low>1\d{3}|20\d\d)[-–—](?P<high>1\d{3}|20\d\d)(?![\w-])", _years),
        rule("d", r"24/7(?!\d)", lambda m: "vingt-quatre heures sur vingt-quatre et sept jours sur sept"),
        rule("d", r"24h/24(?!\d)", lambda m: "vingt-quatre heures sur vingt-quatre"),
        rule("d", r"7j/7(?!\d)", lambda m: "sept jours sur sept"),
        rule("l", r"av\. J\.-C\.|avant J\.-C\.", lambda m: "avant Jésus-Christ"),
        rule("l", r"apr\. J\.-C\.|après J\.-C\.", lambda m: "après Jésus-Christ"),
        rule("l", r"J\.-C\.", lambda m: "Jésus-Christ"),
    ]


def _day(day: int) -> str:
    return "premier" if day == 1 else cardinal(day)


def _date(day: int, month: str, year: str | None) -> str | None:
    if not 1 <= day <= 31:
        return None
    said = f"{_day(day)} {month}"
    if not year:
        return said
    return f"{said} {cardinal(int(year)) if year[0] != '0' else 'zéro ' + cardinal(int(year))}"


def _numeric(match: Match) -> str | None:
    number = int(match["number"])
    if not 1 <= number <= 12 or ("mark" in match.groupdict() and match["mark"] != "/" and len(match["year"]) == 2):
        return None
    return _date(int(match["day"]), MONTHS[number - 1], match["year"])


def _without_year(match: Match) -> str | None:
    """Only behind a word that comes before days: "le 3/12"; else it is a fraction."""
    number = int(match["number"])
    if before(match).lower() not in _BEFORE_DAYS or not 1 <= number <= 12:
        return None
    return _date(int(match["day"]), MONTHS[number - 1], None)


def _span(match: Match) -> str:
    low, high = (
        _time(int(match[hour]), match[minute]) for hour, minute in (("low", "lowminute"), ("high", "highminute"))
    )
    return f"{low} à {high}"


def _time(hour: int, minute: str | None) -> str:
    return hours(hour) + (f" {feminine(cardinal(int(minute)))}" if minute and minute != "00" else "")


def _month(text: str) -> str:
    return _SHORT.get(text.rstrip(".").lower(), text)


def _named(match: Match) -> str | None:
    return _date(int(match["day"]), _month(match["month"]), match["year"])


def _days(match: Match) -> str | None:
    joint = "et" if " et " in match[0] else "au"
    said = _date(int(match["day"]), _month(match["month"]), match["year"])
    return f"{_day(int(match['low']))} {joint} {said}" if said else None


def hours(hour: int) -> str:
    return f"{feminine(cardinal(hour))} heure{'s' * (hour > 1)}"


def _clock(match: Match) -> str | None:
    hour = int(match["hour"])
    if hour > 24 and match["minute"]:
        return None
    if match["rest"] and not match["minute"]:
        return None
    said = hours(hour)
    if match["minute"] and match["minute"] != "00":
        said += f" {feminine(cardinal(int(match['minute'])))}"
    if match["rest"]:
        seconds = int(match["rest"].strip(" s"))
        said += f" minutes et {feminine(cardinal(seconds))} seconde{'s' * (seconds > 1)}"
    return said


def _colon(match: Match) -> str | None:
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 24 or before(match).lower() in _RATIO_WORDS:
        return None
    said = hours(hour) + (f" {feminine(cardinal(minute))}" if minute else "")
    if match["second"]:
        second = int(match["second"])
        said += f" minutes et {feminine(cardinal(second))} seconde{'s' * (second > 1)}"
    return said


def _years(match: Match) -> str | None:
    low, high = int(match["low"]), int(match["high"])
    return f"{cardinal(low)} à {cardinal(high)}" if low < high else None


def ordinals() -> list[Rule]:
    """1er, 2e, 3ème, 2nd."""
    return [
        rule("d", r"1(?:er|ᵉʳ)(?P<s>s?)(?!\w)", lambda m: "premier" + m["s"]),
        rule("d", r"1(?:ère|ere|re|ʳᵉ)(?P<s>s?)(?!\w)", lambda m: "première" + m["s"]),
        rule("d", r"2(?P<f>nde|nd)(?P<s>s?)(?!\w)", lambda m: ("seconde" if m["f"] == "nde" else "second") + m["s"]),
        rule("d", r"(?P<n>\d{1,9})(?:ème|eme|ième|e|ᵉ|è)(?P<s>s?)(?!\w)", lambda m: ordinal(int(m["n"])) + m["s"]),
    ]
