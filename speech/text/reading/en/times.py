"""English times of day, spans of time, ratios and scores."""

from __future__ import annotations

from speech.text.reading.en.cardinals import cardinal, two_digits
from speech.text.reading.scan import Match, Rule, after, before, rule
from speech.text.wordlist import wordset

_HALF = r"(?: ?(?P<half>[aApP])\.? ?[mM](?![a-zA-Z])(?P<point>\.)?)"
_BOOKS = wordset(
    "genesis exodus leviticus numbers deuteronomy joshua judges ruth samuel kings chronicles ezra job psalm psalms "
    "proverbs ecclesiastes isaiah jeremiah ezekiel daniel hosea matthew mark luke john acts romans corinthians "
    "galatians ephesians philippians colossians thessalonians timothy titus hebrews james peter jude revelation"
)
_RATIO_WORDS = wordset(
    "mix mixed diluted dilution proportion ratio odds scale ratios aspect score won lost win lead beat at"
)


def rules() -> list[Rule]:
    clock = r"(?P<hour>[0-2]?\d):(?P<minute>[0-5]\d)"
    return [
        rule(
            "d",
            rf"(?P<low>1?\d)(?::(?P<lowminute>[0-5]\d))?(?: ?(?P<lowhalf>[aApP])\.?[mM]\.?)? ?(?:-|–|—|to) ?"
            rf"(?P<hour>1?\d)(?::(?P<minute>[0-5]\d))?{_HALF}",
            _span,
        ),
        rule("d", rf"{clock} ?[-–] ?(?P<later>[0-2]?\d:[0-5]\d)(?! ?[apAP]\.?[mM]|[\d:])", _until),
        rule("d", rf"{clock}(?::(?P<second>[0-5]\d))?{_HALF}?(?!\d|:\d)", _clock),
        rule("l", rf"T{clock}(?::\d\d(?:\.\d+)?)?(?P<zone>Z|[-+]\d\d:?\d\d)?(?!\w)", _of_a_stamp),
        rule("d", r"(?P<m>\d{1,3}) ?m(?:in)?\.? ?(?P<s>[0-5]?\d) ?s(?:ec)?(?!\w)", _minutes),
        rule(
            "d",
            r"0(?P<hour>\d)(?P<minute>[0-5]\d)(?= h(?:ou)?rs?)",
            lambda m: f"oh {_spoken(int(m['hour']), m['minute'])}",
        ),
        rule("d", r"(?P<h>\d{1,3}) ?h ?(?P<m>\d{1,2}) ?m(?:in)?(?: ?(?P<s>\d{1,2}) ?s)?(?!\w)", _long),
        rule("d", rf"(?P<hour>1?\d){_HALF}", _hour),
        rule("d", r"(?P<chapter>\d{1,3}):(?P<verse>\d{1,3})(?:[-–](?P<last>\d{1,3}))?(?![\d:])", _verse),
        rule("d", r"(?P<left>\d{1,9})(?P<more>(?::\d{1,9}){1,3})(?![\d:])", _ratio),
        rule(
            "d", r"24/7(?:/365)?(?!\d)", lambda m: "twenty-four seven" + (" three sixty-five" if "365" in m[0] else "")
        ),
        rule("d", r"9/11(?!\d|/)", lambda m: "nine eleven"),
        rule("d", r"(?P<left>50/50|20/20)(?!\d|/)", lambda m: " ".join([two_digits(int(m[0][:2]))] * 2)),
        rule("d", r"(?P<hour>\d{1,2})h(?P<minute>[0-5]\d)(?!\w)", lambda m: _spoken(int(m["hour"]), m["minute"])),
    ]


def _spoken(hour: int, minute: str) -> str:
    if minute == "00":
        return two_digits(hour)
    low = int(minute)
    return f"{two_digits(hour)} {'oh ' if low < 10 else ''}{two_digits(low)}"


def _clock(match: Match) -> str | None:
    hour, minute = int(match["hour"]), match["minute"]
    if hour > 24 or (before(match).lower().strip(",:") in _RATIO_WORDS - {"at"}):
        return None
    if match["half"]:
        said = _spoken(hour, minute)
    elif minute == "00" and not match["second"]:
        said = _full_hour(hour, match["hour"])
    else:
        said = (
            "zero " if match["hour"] == "00" else f"{'zero ' if match['hour'][0] == '0' and hour else ''}"
        ) + _without_nought(match)
    if match["second"]:
        low = int(match["second"])
        said = f"{two_digits(hour)} {_minute(minute)} and {cardinal(low)} second{'s' * (low != 1)}"
    return said + _half(match)


def _without_nought(match: Match) -> str:
    if match["hour"] == "00":
        return _minute(match["minute"])
    return _spoken(int(match["hour"]), match["minute"])


def _minute(minute: str) -> str:
    low = int(minute)
    return f"{'oh ' if low < 10 else ''}{two_digits(low)}"


def _full_hour(hour: int, digits: str) -> str:
    if digits in {"00", "24", "0"}:
        return "midnight" if digits != "0" else "zero hundred"
    return f"{two_digits(hour)} o'clock" if hour <= 12 else f"{two_digits(hour)} hundred"


def _half(match: Match) -> str:
    """ " a m", with the point that ends the sentence if it is one."""
    if not match["half"]:
        return ""
    return f" {match['half'].upper()} M" + closing_point(match, bool(match["point"]))


def closing_point(match: Match, has_point: bool) -> str:
    """The point behind an abbreviation, if the sentence seems to end there."""
    following = after(match)
    if not has_point or match.string[match.end() : match.end() + 1] not in {"", " "}:
        return ""
    return "." if not following or following[:1].isupper() else ""


def _span(match: Match) -> str | None:
    low = _spoken(int(match["low"]), match["lowminute"] or "00")
    high = _spoken(int(match["hour"]), match["minute"] or "00")
    half = f" {match['lowhalf'].upper()} M" if match["lowhalf"] else ""
    return f"{low}{half} to {high}{_half(match)}"


def _until(match: Match) -> str | None:
    """9:00-17:00."""
    hour, _, minute = match["later"].partition(":")
    if int(match["hour"]) > 24 or int(hour) > 24:
        return None
    return f"{_on_a_clock(match['hour'], match['minute'])} to {_on_a_clock(hour, minute)}"


def _on_a_clock(hour: str, minute: str) -> str:
    return _full_hour(int(hour), hour) if minute == "00" else _spoken(int(hour), minute)


def _verse(match: Match) -> str | None:
    """Psalm 23:4, Genesis 1:1-3."""
    if not match["last"] and before(match).lower() not in _BOOKS:
        return None
    said = f"{cardinal(int(match['chapter']))} {cardinal(int(match['verse']))}"
    return f"{said} to {cardinal(int(match['last']))}" if match["last"] else said


def _of_a_stamp(match: Match) -> str | None:
    """2024-12-31T23:59:59Z: the time behind the date, without its seconds."""
    if not match.string[match.start() - 1 : match.start()].isdigit():
        return None
    said = _spoken(int(match["hour"]), match["minute"])
    return f", {said}" + (" U T C" if match["zone"] == "Z" else "")


def _long(match: Match) -> str:
    """How long: 1h 30m 15s."""
    parts = [(match["h"], "hour"), (match["m"], "minute"), (match["s"], "second")]
    return " ".join(f"{cardinal(int(n))} {name}{'s' * (int(n) != 1)}" for n, name in parts if n)


def _minutes(match: Match) -> str:
    """25min 30s."""
    parts = [(int(match["m"]), "minute"), (int(match["s"]), "second")]
    return " ".join(f"{cardinal(n)} {name}{'s' * (n != 1)}" for n, name in parts)


def _hour(match: Match) -> str | None:
    hour = int(match["hour"])
    return f"{two_digits(hour)}{_half(match)}" if 1 <= hour <= 12 else None


def _ratio(match: Match) -> str:
    numbers = [match["left"], *match["more"].split(":")[1:]]
    return " to ".join(cardinal(int(number)) if len(number) < 10 else number for number in numbers)
