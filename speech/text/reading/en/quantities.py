"""English quantities: money, measures, fractions, powers, ranges and plain numbers."""

from __future__ import annotations

from speech.text.reading.en.cardinals import cardinal, ordinal, plural
from speech.text.reading.en.lists import LABELLED, ROOMS
from speech.text.reading.en.tables import CURRENCIES, PER, SCALES, UNITS
from speech.text.reading.maths import Maths
from speech.text.reading.measures import Grammar, Measures
from speech.text.reading.money import Habits, Money
from speech.text.reading.scan import Match, Rule, after, rule
from speech.text.reading.tongue import Tongue, is_one
from speech.text.wordlist import wordset


def _several(text: str) -> bool:
    return not is_one(text)


def _attribute(previous: str, following: str) -> bool:
    """A number with its unit before a noun, "a 5 km run": the unit stays in the singular."""
    noun = following.rstrip(".,;:!?")
    return previous.lower() in {"a", "an"} and noun.isalpha() and noun.islower() and noun not in _NO_NOUNS


_NO_NOUNS = wordset(
    "a an the of or and is was to from per in on at each every for by with as but than away long tall wide high "
    "deep apart more "
    "less off"
)


_DENOMINATORS = frozenset([*range(2, 11), 12, 16, 20, 32, 64, 100, 1000])
_SCORED = wordset("score scored scores rate rated rating got gave give giving grade graded received perfect solid")


def _counts(top: int, bottom: int, previous: list[str]) -> str:
    """A score is out of something; a fraction has a denominator that people use."""
    scored = not _SCORED.isdisjoint(previous) or top == bottom or (bottom == 100 and top > 10)
    if scored and bottom in {5, 10, 20, 100}:
        return "out of"
    return "" if 0 < top < bottom and bottom in _DENOMINATORS else "over"


def _squared(name: str) -> str:
    return f"{name} squared" if name == "second" else f"square {name}"


def _fraction(top: int, bottom: int) -> str:
    if bottom == 2:
        return "one half" if top == 1 else f"{cardinal(top)} halves"
    name = "quarter" if bottom == 4 else ordinal(bottom)
    return f"{cardinal(top)} {name if top == 1 else plural(name)}"


def _mixed(whole: str, fraction: str) -> str:
    return f"{whole} and {'a half' if fraction == 'one half' else fraction}"


def _power(exponent: str) -> str:
    plain = exponent.lstrip("+-")
    if exponent in {"2", "3"}:
        return "squared" if exponent == "2" else "cubed"
    said = cardinal(int(plain)) if plain.isdigit() else plain
    return f"to the power of {'minus ' if exponent.startswith('-') else ''}{said}"


def rules(tongue: Tongue) -> list[Rule]:
    grammar = Grammar(
        lambda number, noun: number,
        _several,
        _squared,
        "cubic {}".format,
        _attribute,
        frozenset({"in", "A", "au", "rad"}),
        frozenset({"K", "B", "T"}),
        ROOMS | LABELLED,
    )
    habits = Habits("and", "{} {}".format, lambda number, noun: number, _several, _attribute, say_cents=True)
    return [
        rule("d", r"(?P<n>10{2,6}|1(?:,000)+|100?,000(?:,000)?)['’]?s", _many),
        rule("d", r"(?P<feet>\d{1,2}) ?(?:'|’|′|ft\.? |feet ) ?(?P<inches>\d{1,2}) ?(?:\"|”|″|''|’’|in\b\.?)", _feet),
        rule(
            "d",
            rf"(?P<d>{tongue.number_pattern})° ?(?P<side>[NSEW])(?![\w'’])",
            lambda m: f"{tongue.number(m['d'])} degrees {_SIDES[m['side']]}",
        ),
        rule(
            "d",
            r"(?P<d>\d{1,3})° ?(?P<m>\d{1,2})['′’](?: ?(?P<s>\d{1,2}(?:\.\d+)?)[\"″”])? ?(?P<side>[NSEW])?(?!\w)",
            _degrees,
        ),
        *Money(tongue, CURRENCIES, SCALES, PER, habits).rules(),
        *Measures(tongue, UNITS, grammar).rules(),
        *Maths(tongue, _fraction, _mixed, _power, _counts).rules(),
        rule("l", r"Q(?P<n>[1-4])(?!\w)", lambda m: f"Q {cardinal(int(m['n']))}"),
        rule(
            "ds",
            rf"(?P<number>{tongue.number_pattern}) ?(?P<scale>mn|bn|tn|trn)(?!\w)",
            lambda m: f"{tongue.number(m['number'])} {SCALES[m['scale']][0]}",
        ),
    ]


def plain(tongue: Tongue) -> list[Rule]:
    """The last resort for a number."""
    n = tongue.number_pattern
    return [
        rule("d", rf"(?P<low>{n}) ?(?:–|—) ?(?P<high>{n})(?![\w])", lambda m: _range(tongue, m)),
        rule("d", rf"(?P<low>{n})-(?P<high>{n})(?![\w-])", lambda m: _range(tongue, m)),
        rule("d", rf"(?P<low>{n}) - (?P<high>{n})(?!\w| ?=)", lambda m: _range(tongue, m)),
        rule("d", rf"(?P<low>{n}) - (?=\d)", lambda m: f"{tongue.number(m['low'])} minus "),
        rule("d", r"(?P<n>\d{1,6})\+(?!\w)", lambda m: f"{tongue.integer(m['n'])} plus"),
        rule("s", rf"# ?(?P<n>{n})", lambda m: f"number {tongue.number(m['n'])}"),
        rule(
            "s",
            rf"§{{1,2}} ?(?P<n>{n})",
            lambda m: f"{'sections' if m[0][1] == '§' else 'section'} {tongue.number(m['n'])}",
        ),
        rule("ds", n, lambda m: tongue.number(m[0])),
    ]


def _range(tongue: Tongue, match: Match) -> str:
    return f"{tongue.number(match['low'])} to {tongue.number(match['high'])}"


def _many(match: Match) -> str | None:
    """100s of calls."""
    names = {
        100: "hundreds", 1_000: "thousands", 10_000: "tens of thousands", 100_000: "hundreds of thousands",
        1_000_000: "millions",
    }  # fmt: skip
    return names.get(int(match["n"].replace(",", ""))) if after(match) == "of" else None


def _feet(match: Match) -> str:
    feet, inches = int(match["feet"]), int(match["inches"])
    return f"{cardinal(feet)} f{'oo' if feet == 1 else 'ee'}t {cardinal(inches)} inch{'es' * (inches != 1)}"


_SIDES = {"N": "north", "S": "south", "E": "east", "W": "west"}


def _degrees(match: Match) -> str:
    said = f"{cardinal(int(match['d']))} degrees {cardinal(int(match['m']))} minutes"
    if match["s"]:
        whole, _, rest = match["s"].partition(".")
        said += f" {cardinal(int(whole))}{' point ' + ' '.join(cardinal(int(c)) for c in rest) if rest else ''} seconds"
    return f"{said} {_SIDES.get(match['side'] or '', '')}".strip()
