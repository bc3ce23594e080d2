"""Sums of money in any language: the sign before or behind, millions, cents, sums for a unit of something."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from speech.text.reading.scan import Match, Rule, after, before, rule
from speech.text.reading.tongue import Tongue


@dataclass(frozen=True)
class Currency:
    """Names for one and for several, of the coin too; no coin where there is none."""

    one: str
    several: str
    cent: str = ""
    cents: str = ""


@dataclass(frozen=True)
class Habits:
    """What a language does with sums. join: between the sum and its cents. of(scale, currency): "millions d'euros"."""

    join: str
    of: Callable[[str, str], str]
    agree: Callable[[str, str], str]
    several: Callable[[str], bool]
    attribute: Callable[[str, str], bool]
    say_cents: bool  # "five dollars and ten cents"; False: "douze euros cinquante"


class Money:
    """The rules of one language."""

    def __init__(
        self,
        tongue: Tongue,
        currencies: Mapping[str, Currency],
        scales: Mapping[str, tuple[str, str]],
        units: Mapping[str, str],
        habits: Habits,
    ) -> None:
        """scales: "M" -> (million, millions). units: what stands behind a slash -> its name."""
        self._tongue, self._currencies, self._scales, self._habits = tongue, currencies, scales, habits
        self._units = units

    def rules(self) -> list[Rule]:
        n = self._tongue.number_pattern
        sign = "(?P<sign>" + _any(self._currencies) + ")"
        scale = rf"(?: ?(?P<scale>{_any(self._scales)})(?!\w))?"
        per = rf"(?:/(?P<per>{_any(self._units)})(?!\w))?"
        to = r" ?(?:-|–|—|to|à) ?"
        minus = r"(?P<minus>[-−]?)"
        return [
            rule(
                "sl",
                rf"{minus}{sign} ?(?P<low>{n})(?: ?(?P<lowscale>{_any(self._scales)})(?!\w))?"
                rf"(?:{to}(?:{_any(self._currencies)})?(?P<number>{n})){scale}{per}",
                self._sum,
            ),
            rule("sl", rf"{minus}{sign} ?(?P<low>)(?P<number>{n})(?!/\d){scale}{per}", self._sum),
            rule("ds", rf"{minus}(?P<low>{n}){to}(?P<number>{n}){scale} ?{sign}(?!\w){per}", self._sum),
            rule("ds", rf"{minus}(?P<low>)(?P<number>{n}){scale} ?{sign}(?![\w]){per}", self._sum),
            rule("d", rf"(?P<number>{n}) ?(?P<coin>¢){per}", self._coins),
        ]

    def _sum(self, match: Match) -> str:
        currency = self._currencies[match["sign"]]
        said = self._amount(match, currency)
        if match["low"]:
            said = f"{self._low(match)} {self._tongue.words['to']} {said}"
        if match["minus"]:
            said = f"{self._tongue.words['minus']} {said}"
        return said + self._per(match)

    def _low(self, match: Match) -> str:
        """The lower of two sums, with its own million if it has one."""
        said = self._tongue.number(match["low"])
        scale = match.groupdict().get("lowscale")
        return f"{said} {self._scales[scale][self._habits.several(match['low'])]}" if scale else said

    def _amount(self, match: Match, currency: Currency) -> str:
        number, scale = match["number"], match["scale"]
        if scale:
            one, several = self._scales[scale]
            scaled = several if self._habits.several(number) else one
            return f"{self._tongue.number(number)} {self._habits.of(scaled, currency.several)}"
        whole, fraction = self._tongue.parse(number)
        if currency.cent and len(fraction) == 2:
            return self._with_cents(int(whole or "0"), int(fraction), whole, currency)
        return self._plain(match, number, currency)

    def _plain(self, match: Match, number: str, currency: Currency) -> str:
        attribute = self._habits.attribute(before(match), after(match))
        noun = currency.several if self._habits.several(number) and not attribute else currency.one
        said = self._habits.agree(self._tongue.number(number), noun)
        head, _, last = said.rpartition(" ")
        return f"{head} {self._habits.of(last, noun)}".strip()

    def _with_cents(self, whole: int, cents: int, digits: str, currency: Currency) -> str:
        coin = currency.cents if self._habits.several(str(cents)) else currency.cent
        small = f"{self._habits.agree(self._tongue.cardinal(cents), coin)} {coin}"
        if not whole and cents:
            return small
        noun = currency.several if self._habits.several(str(whole)) else currency.one
        big = f"{self._habits.agree(self._tongue.integer(digits.lstrip('0') or '0'), noun)} {noun}"
        if not cents:
            return big
        if not self._habits.say_cents:
            return f"{big} {self._tongue.cardinal(cents)}"
        return f"{big} {self._habits.join} {small}"

    def _coins(self, match: Match) -> str:
        currency = self._currencies["$"]
        coin = currency.cents if self._habits.several(match["number"]) else currency.cent
        return f"{self._tongue.number(match['number'])} {coin}{self._per(match)}"

    def _per(self, match: Match) -> str:
        return f" {self._tongue.words['per']} {self._units[match['per']]}" if match["per"] else ""


def _any(table: Mapping[str, object]) -> str:
    return "(?:" + "|".join(map(re.escape, sorted(table, key=len, reverse=True))) + ")"
