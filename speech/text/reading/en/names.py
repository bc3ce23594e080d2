"""English titles, streets, abbreviations, roman numerals: letters that stand for words."""

from __future__ import annotations

from re import IGNORECASE

from speech.text.reading.en.cardinals import cardinal, in_halves, ordinal
from speech.text.reading.en.lists import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    LABELLED,
    NUMBERED,
    REGNAL,
    ROOMS,
    STARTERS,
    TITLES,
)
from speech.text.reading.en.times import closing_point
from speech.text.reading.roman import roman
from speech.text.reading.scan import Match, Rule, after, before, rule

_ALWAYS_POINTED = {"p", "P", "c", "v", "l", "n", "vv", "ll"}
_PAGES = frozenset({"p", "pp", "page", "pages", "fig", "ch"})
_INSIDE = frozenset({"vs", "approx", "ca", "cf", "viz", "incl", "excl", "Vol", "vol", "Ch", "resp"})  # end no sentence
_BOTH = {"Dr": ("doctor", "drive"), "St": ("saint", "street")}


def rules() -> list[Rule]:
    titles, both = "|".join(TITLES), "|".join(_BOTH)
    numbers = "|".join(sorted(BEFORE_NUMBERS, key=len, reverse=True))
    plain = "|".join(sorted(ABBREVIATIONS, key=len, reverse=True))
    return [
        rule(
            "l",
            rf"(?P<name>{numbers})\. ?(?=[\d#]|[IVXLC]{(2,)}\b|[VXLC]\b)",
            lambda m: BEFORE_NUMBERS[m["name"]] + " ",
        ),
        rule("l", r"(?P<name>[bd])\. ?(?=\d{4}(?!\d))", lambda m: "born " if m[0][0] == "b" else "died "),
        rule(
            "l",
            r"(?P<low>Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)\.?[-–](?P<high>Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)\.?(?!\w)",
            _days,
            IGNORECASE,
        ),
        rule("l", r"[ivx]{2,}(?!\w)", _small_roman),
        rule(
            "l",
            r"(?P<name>Nos?|[Nn]°) ?(?=\d)",
            lambda m: "number " if m["name"][:2] != "No" or m[0].endswith("°") else None,
        ),
        rule("s", r"№ ?(?=\d)", lambda m: "number "),
        rule("l", rf"(?P<name>{both})(?P<point>\.?)(?!\w)", _either),
        rule("l", rf"(?P<name>{titles})(?:\.|(?= [A-Z]))(?!\w)", _title),
        rule("l", r"(?P<name>[eE]\.? ?g\.|[iI]\.? ?e\.)", lambda m: "for example" if m[0][0] in "eE" else "that is"),
        rule("l", r"[Aa]\.?[Kk]\.?[Aa]\.", lambda m: "also known as"),
        rule(
            "l",
            r"Ph\.?D(?P<s>s?)(?P<point>\.?)(?!\w)",
            lambda m: "P H D" + "'s" * bool(m["s"]) + closing_point(m, bool(m["point"])),
        ),
        rule("l", r"(?:[A-Za-z]\.){2,}[A-Za-z]?(?!\w)", _initials),
        rule("l", rf"(?P<name>{plain})(?P<point>\.)(?!\w)", _abbreviation),
        rule("l", r"(?<!/)(?P<name>etc|vs|Jr|Sr|Ltd|Inc)(?![\w'/])", lambda m: ABBREVIATIONS[m["name"]]),
        rule("l", r"w/o(?!\w)", lambda m: "without"),
        rule("l", r"w/(?=[a-z ]|$)", lambda m: "with "),
        rule("l", r"and/or(?!\w)", lambda m: "and or"),
        rule("l", r"[nN]/[aA](?!\w)", lambda m: "not applicable"),
        rule("l", r"WW(?P<roman>I{1,3}|[123])(?!\w)", _world_war),
        rule("l", r"(?P<left>[A-Z]{1,3})&(?P<right>[A-Z]{1,3})(?!\w)", _pair),
        rule("l", r"(?P<things>[a-z]{3,}s)/(?P<per>hour|second|minute|day|week|month|year|person)(?!\w)", _rate),
        rule("l", r"OK(?!\w)", lambda m: "okay"),
        rule("l", r"C#(?!\w)", lambda m: "C sharp"),
        rule("l", r"F#(?!\w)", lambda m: "F sharp"),
        rule("l", r"C\+\+(?!\w)", lambda m: "C plus plus"),
        rule("l", r"[IVXLCDM]+(?P<th>th|st|nd|rd)?(?P<s>'s)?(?!\w)", _roman),
        rule("d", r"(?P<number>\d{3,4})(?P<letter>[A-Z]?)(?![\w,]*\d|\.\d|[a-z])", _room),
        rule("d", r"(?P<number>\d{1,2})(?P<letter>[A-F])(?!\w)", _label),
        rule("l", r"(?P<letters>[A-Z]{1,3})[- ]?(?P<number>\d{2,4})(?P<tail>[A-Z]?)(?![\w.,%:/-]*\d|\w)", _code),
    ]


def _days(match: Match) -> str:
    """Mon-Fri."""
    return " to ".join(ABBREVIATIONS[match[name].title()] for name in ("low", "high"))


def _small_roman(match: Match) -> str | None:
    """Act I, scene ii; page xi."""
    number = roman(match[0].upper())
    return cardinal(number) if number is not None and before(match).lower().strip(".") in NUMBERED | _PAGES else None


def _either(match: Match) -> str:
    """Before a name the title, behind one the street: Dr. Smith lives on Elm Dr."""
    title, street = _BOTH[match["name"]]
    previous, following = before(match), after(match)
    names = following[:1].isupper() and following.strip(".,;:!?'\"") not in STARTERS
    if names and not (
        previous[:1].isupper() and not match["point"] and previous.strip(",.")[-1:].islower() and title == "drive"
    ):
        return title
    if not match["point"] and not previous[:1].isupper():
        return title
    return street + closing_point(match, bool(match["point"]))


def _title(match: Match) -> str | None:
    name, following = match["name"], after(match)
    if (
        name in {"Gen", "Rep", "Hon", "Fr", "Col", "Pres", "Sen", "Adm", "Rev", "Ft", "Mt", "Maj"}
        and not following[:1].isupper()
    ):
        return None
    if match[0][-1] != "." and name not in {"Mr", "Mrs", "Ms", "Prof", "Mt", "Messrs"}:
        return None
    return TITLES[name]


def _initials(match: Match) -> str | None:
    """U.S.A., J.R.R., a.m.: each letter; the last point stays where the sentence ends."""
    letters = match[0].replace(".", "")
    said = " ".join(letters.upper())
    return said + closing_point(match, match[0].endswith(".") and len(after(match)) == 0)


def _abbreviation(match: Match) -> str | None:
    name, following = match["name"], after(match)
    if name in {"no", "Sat", "Sun", "Mar", "min", "max", "Co", "al", "Ch", "Pl", "Ct", "Sq"} and not _abbreviated(
        match, name
    ):
        return None
    ending = closing_point(match, has_point=name not in _INSIDE)
    if ending and name in {"Jan", "Feb", "Mar", "Apr", "Aug", "Sept", "Sep", "Oct", "Nov", "Dec"} and following:
        ending = ""
    return ABBREVIATIONS[name] + ending


def _abbreviated(match: Match, name: str) -> bool:
    """Whether a short word with a point is an abbreviation and not the end of a sentence."""
    following, previous = after(match), before(match)
    if name in {"min", "max"}:
        return following[:1].islower() or previous[-1:].isdigit()
    if name == "no":
        return False
    if name in {"Sat", "Sun", "Mar"}:
        return following[:1].isdigit() or previous.endswith((",", ".")) or previous == ""
    return bool(previous) and (previous[:1].isupper() or name == "al")


def _pair(match: Match) -> str:
    """AT&T, R&D."""
    return f"{' '.join(match['left'])} and {' '.join(match['right'])}"


def _rate(match: Match) -> str:
    return f"{match['things']} per {match['per']}"


def _world_war(match: Match) -> str:
    number = int(match["roman"]) if match["roman"].isdigit() else len(match["roman"])
    return f"World War {cardinal(number).title()}"


def _roman(match: Match) -> str | None:
    letters = match[0].removesuffix("'s").removesuffix(match["th"] or "")
    number = roman(letters)
    if number is None:
        return None
    possessive = match["s"] or ""
    previous, following = before(match), after(match)
    if match["th"]:
        return ordinal(number)
    if previous.title() in REGNAL and (len(letters) > 1 or letters in "VX"):
        return f"the {ordinal(number).title()}{possessive}"
    if (
        previous.lower().strip(".") in NUMBERED
        and previous[-1:] not in ".,;:"
        and (letters != "I" or previous[:1].isupper() or not following.islower())
    ):
        return cardinal(number) + possessive
    if following.lower().startswith(("century", "centuries", "olympiad")) and len(letters) > 1:
        return ordinal(number)
    if len(letters) > 1 and set(letters) <= set("IVX") and letters not in {"XX", "XXX"}:
        return cardinal(number) + possessive
    return None


def _room(match: Match) -> str | None:
    """Numbers of rooms, flights, roads, calls for help: by their halves, or digit by digit."""
    previous, number = before(match).lower().strip("."), match["number"]
    letter = f" {match['letter']}" if match["letter"] else ""
    if previous in {"call", "dial", "dialed", "called", "dialing"}:
        return " ".join(map(cardinal, map(int, number)))
    if previous in ROOMS and number[0] != "0":
        value = int(number)
        return (cardinal(value) if value % 1000 == 0 else in_halves(value)) + letter
    return None


def _label(match: Match) -> str | None:
    """Gate 12A, seat 14C."""
    return f"{cardinal(int(match['number']))} {match['letter']}" if before(match).lower() in ROOMS | LABELLED else None


def _code(match: Match) -> str | None:
    """A320, B-52, UA 370: letters and the number by its halves."""
    if " " in match[0]:
        return None
    number = match["number"]
    letters = " ".join(match["letters"])
    if len(number) == 2 or number[0] == "0":
        said = cardinal(int(number)) if number[0] != "0" else " ".join(map(cardinal, map(int, number)))
    else:
        said = cardinal(int(number)) if int(number) % 1000 == 0 else in_halves(int(number))
    return f"{letters} {said} {match['tail']}".strip()
