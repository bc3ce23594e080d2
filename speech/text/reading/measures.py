"""Numbers with units, compound units and temperatures, in any language; the language's table has the units' names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from speech.text.reading.scan import Match, Rule, after, before, ends, rule
from speech.text.reading.tongue import Tongue

UnitNames = Mapping[str, tuple[str, str]]  # a unit as written -> (one, several)
_POWERS = {"²": 2, "2": 2, "^2": 2, "³": 3, "3": 3, "^3": 3}


@dataclass(frozen=True)
class Grammar:
    """What a language does with units.

    agree(number, as written, in words, noun): the number before this noun (French: une heure). several(number): whether
    the noun stands in the plural. square, cube: a unit's name -> its square. attribute(word before, word behind):
    whether the measure describes a noun, "a 5 km run" in English.
    """

    agree: Callable[[str, str], str]
    several: Callable[[str], bool]
    square: Callable[[str], str]
    cube: Callable[[str], str]
    attribute: Callable[[str, str], bool]
    words: frozenset[str]  # units that are words of the language too
    apart: frozenset[str]  # units only with a blank before them
    labelled: frozenset[str]  # words before a number with a letter that is no unit: gate 12A


class Measures:
    """The rules of one language."""

    def __init__(self, tongue: Tongue, units: UnitNames, grammar: Grammar) -> None:
        self._tongue, self._units, self._grammar = tongue, units, grammar
        self._any = "|".join(map(re.escape, sorted(units, key=len, reverse=True)))

    def rules(self) -> list[Rule]:
        n = self._tongue.number_pattern
        power = r"(?:\^?[23]|[²³])"
        per = rf"(?:(?P<slash>[/·])(?P<per>(?:{self._any}))(?P<perpower>{power})?)?"
        stop = r"(?![\w²³^]|/[^\W\d])"
        unit = rf"(?P<unit>(?:{self._any}))(?P<power>{power})?(?:\.(?=/))?{per}(?P<point>\.(?!\S))?{stop}"
        sign = r"(?:(?<![\w)])[-−+±~])?"
        behind = r"(?:(?<=/\d )|(?<=/\d\d )|(?<=[½⅓⅔¼¾⅛⅜⅝⅞])|(?<=[½⅓⅔¼¾⅛⅜⅝⅞] ))"
        to = r"(?:-|–|—| to | à | and | et )"
        return [
            rule("d", rf"(?P<number>{n}) ?[x×] ?(?P<by>{n})(?: ?[x×] ?(?P<third>{n}))? ?{unit}", self._size),
            rule("ds", rf"(?P<number>{sign}{n})(?: ?{to} ?(?P<high>{n}))?[ -]?{unit}", self._measure),
            rule(
                "ls",
                rf"{behind}(?P<unit>{self._any})(?P<power>{power})?(?P<point>\.(?!\S))?(?![\w²³^/])",
                self._behind_fraction,
            ),
            rule("l", rf"(?:{self._any})(?P<power>{power})?/(?P<per>{self._any})(?![\w²³^])", self._bare),
        ]

    def _measure(self, match: Match) -> str | None:
        unit = match["unit"]
        if not self._meant(match, unit):
            return None
        last = match["high"] or match["number"]
        several = self._grammar.several(last.lstrip("-−+±~")) and not self._grammar.attribute(
            before(match), after(match)
        )
        name = self._name(unit, match["power"], several)
        said = self._number(match["number"], name)
        if match["high"]:
            said = f"{said} {self._tongue.words['to']} {self._number(match['high'], name)}"
        said = f"{said} {name}"
        if match["per"]:
            said += self._per(match)
        return said + _closing(match)

    def _size(self, match: Match) -> str | None:
        """10 x 15 cm."""
        if match["unit"] in self._grammar.words:
            return None
        numbers = [self._tongue.number(match[name]) for name in ("number", "by", "third") if match[name]]
        several = not self._grammar.attribute(before(match), after(match))
        name = self._name(match["unit"], match["power"], several)
        return f" {self._tongue.words['by']} ".join(numbers) + f" {name}" + _closing(match)

    def _meant(self, match: Match, unit: str) -> bool:
        """Some units are words too ("5 in all"); some letters behind a number are no unit ("4K", "gate 5A")."""
        apart = not match[0].rstrip(".").removesuffix(unit)[-1:].isdigit()
        if not apart and unit.isupper() and len(unit) == 1 and before(match).lower() in self._grammar.labelled:
            return False
        if unit in self._grammar.words:
            return not apart or ends(match) or (bool(match["point"]) and not _closing(match))
        return apart or unit not in self._grammar.apart

    def _behind_fraction(self, match: Match) -> str | None:
        """1/4 tsp, 3 1/2 kg: several only behind a whole number."""
        if match["unit"] in self._grammar.words:
            return None
        mixed = re.search(
            r"\d[ -]\d{1,2}/\d{1,2} ?$|\d ?[½⅓⅔¼¾⅛⅜⅝⅞] ?$", match.string[max(0, match.start() - 20) : match.start()]
        )
        return self._name(match["unit"], match["power"], several=mixed is not None) + _closing(match)

    def _number(self, text: str, noun: str) -> str:
        names = {"-": "minus", "−": "minus", "+": "plus", "±": "plusminus", "~": "about"}
        number = text.lstrip("-−+±~ ")
        said = self._grammar.agree(self._tongue.number(number), noun)
        return f"{self._tongue.words[names[text[0]]]} {said}" if text[0] in names else said

    def _name(self, unit: str, power: str | None, several: bool) -> str:
        name = self._units[unit][several]
        if power is None:
            return name
        return self._grammar.square(name) if _POWERS[power] == 2 else self._grammar.cube(name)

    def _per(self, match: Match) -> str:
        if match["slash"] == "·":
            return f" {self._name(match['per'], match['perpower'], several=False)}"
        return f" {self._tongue.words['per']} {self._name(match['per'], match['perpower'], several=False)}"

    def _bare(self, match: Match) -> str | None:
        unit, _, per = match[0].partition("/")
        unit = unit.rstrip("²³^23")
        if unit.islower() and len(match[0]) > 5 and unit not in self._units:
            return None
        return f"{self._name(unit, match['power'], several=True)} {self._tongue.words['per']} {self._units[per][0]}"


def _closing(match: Match) -> str:
    """The point behind a unit: of an abbreviation, "5 oz. of gold", or the sentence's."""
    return "." if match["point"] and not after(match)[:1].islower() else ""
