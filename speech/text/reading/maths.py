"""Percent, powers, signs between numbers, fractions, measures by measures ("4x4"): in any language.

Ordinals of denominators and the like are each language's own; they come in by the constructor.
"""

from __future__ import annotations

from collections.abc import Callable

from speech.text.reading.scan import Match, Rule, rule
from speech.text.reading.tongue import VULGAR, Tongue

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")

_DOUBLES = {
    ">=": "≥", "<=": "≤", "!=": "≠", "==": "=", "=>": "⇒", "<->": "↔", "->": "→", "<-": "←", "&&": "&",
}  # fmt: skip


class Maths:
    """The rules of one language."""

    def __init__(
        self,
        tongue: Tongue,
        fraction: Callable[[int, int], str],
        mixed: Callable[[str, str], str],
        power: Callable[[str], str],
        counts: Callable[[int, int, list[str]], str],
    ) -> None:
        """fraction(numerator, denominator), mixed(whole, fraction) and power(exponent, in words) say them.

        counts(numerator, denominator, the two words before): what is said between them where they are no fraction,
        "15 sur 20"; empty where they are one.
        """
        self._tongue, self._fraction, self._mixed, self._power = tongue, fraction, mixed, power
        self._counts = counts

    def rules(self) -> list[Rule]:
        n = self._tongue.number_pattern
        vulgar = "".join(VULGAR)
        return [
            rule("d", rf"(?P<low>{n}) ?(?:-|–|—|à) ?(?P<high>{n}) ?%", self._percents),
            rule("ds", rf"(?P<number>(?:(?<![\w)])[-−+])?{n}) ?(?P<sign>[%‰])", self._percent),
            rule("d", r"(?P<whole>\d{1,9})(?: |-)(?P<top>\d{1,2})[/⁄](?P<bottom>\d{1,3})(?![/\d])", self._mixed_number),
            rule("d", rf"(?P<whole>\d{{1,9}}) ?(?P<vulgar>[{vulgar}])", self._mixed_vulgar),
            rule("sd", rf"(?P<vulgar>[{vulgar}])", self._vulgar),
            rule("d", r"(?P<got>\d+[.,]\d+)/(?P<of>\d{1,3})(?![/\d])", self._out_of),
            rule("d", rf"(?P<left>{n})-(?P<right>{n})(?= ?=)", self._less),
            rule("s", r"(?:>=|<=|!=|==|=>|<->|->|<-|&&)(?!=)", self._double),
            rule("d", r"(?P<top>\d{1,3})[/⁄](?P<bottom>\d{1,4})(?![/\d])", self._simple),
            rule(
                "d",
                rf"(?P<base>{n})(?:\^(?:\{{?(?P<plain>[-−+]?(?:[0-9]{{1,6}}|[a-z]))\}}?(?!\w))|(?P<raised>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,6}}))",
                self._to_power,
            ),
            rule("d", rf"(?P<base>{n})[eE](?P<plain>[-+]?\d{{1,3}})(?!\w)", self._scientific),
            rule(
                "d", rf"(?P<left>{n}) ?[x×*] ?(?P<right>{n})(?![\^⁻⁰¹²³⁴⁵⁶⁷⁸⁹])(?: ?[x×*] ?(?P<third>{n}))?", self._by
            ),
            rule("d", rf"(?P<number>{n}) ?[x×](?!\w)", self._fold),
            rule("s", rf"(?<![\w)])[-−](?P<number>{n})(?!\w)", self._minus),
            rule("s", rf"[~∼] ?(?={n})|≈(?={n})", lambda m: self._tongue.words["about"]),
            rule("s", rf"(?<!\w)\+(?P<number>{n})(?!\w)", self._plus),
            rule(
                "l",
                r"(?P<name>[A-Za-zα-ω]{1,2})(?:\^\{?(?P<plain>[-−+]?(?:[0-9]{1,6}|[A-Za-z]{1,3}))\}?(?!\w)|(?P<raised>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,6}))",
                self._letter_power,
            ),
        ]

    def signed(self, text: str) -> str:
        """A number as written, with or without a sign before it."""
        number = text.lstrip("-−+ ")
        sign = {"-": "minus", "−": "minus", "+": "plus"}.get(text[:1])
        return f"{self._tongue.words[sign]} {self._tongue.number(number)}" if sign else self._tongue.number(number)

    def _percents(self, match: Match) -> str:
        words = self._tongue.words
        return (
            f"{self._tongue.number(match['low'])} {words['to']} {self._tongue.number(match['high'])} {words['percent']}"
        )

    def _percent(self, match: Match) -> str:
        name = self._tongue.words["percent" if match["sign"] == "%" else "permille"]
        return f"{self.signed(match['number'])} {name}"

    def _mixed_number(self, match: Match) -> str | None:
        top, bottom = int(match["top"]), int(match["bottom"])
        if not 0 < top < bottom:
            return None
        return self._mixed(self._tongue.integer(match["whole"]), self._fraction(top, bottom))

    def _mixed_vulgar(self, match: Match) -> str:
        return self._mixed(self._tongue.integer(match["whole"]), self._fraction(*VULGAR[match["vulgar"]]))

    def _vulgar(self, match: Match) -> str:
        return self._fraction(*VULGAR[match["vulgar"]])

    def _simple(self, match: Match) -> str:
        top, bottom = int(match["top"]), int(match["bottom"])
        word = self._counts(top, bottom, _two_before(match))
        if not word:
            return self._fraction(top, bottom)
        return f"{self._tongue.integer(match['top'])} {word} {self._tongue.integer(match['bottom'])}"

    def _out_of(self, match: Match) -> str:
        return f"{self._tongue.number(match['got'])} {self._tongue.words['outof']} {self._tongue.integer(match['of'])}"

    def _less(self, match: Match) -> str:
        number, minus = self._tongue.number, self._tongue.words["minus"]
        return f"{number(match['left'])} {minus} {number(match['right'])}"

    def _double(self, match: Match) -> str:
        return f" {self._tongue.signs[_DOUBLES[match[0]]]} "

    def _exponent(self, match: Match) -> str:
        return self._power((match["plain"] or match["raised"].translate(_SUPERSCRIPTS)).replace("−", "-"))

    def _to_power(self, match: Match) -> str:
        return f"{self._tongue.number(match['base'])} {self._exponent(match)}"

    def _letter_power(self, match: Match) -> str:
        return f"{' '.join(self._tongue.letters.get(name, name) for name in match['name'])} {self._exponent(match)}"

    def _scientific(self, match: Match) -> str:
        times = self._tongue.words["times"]
        return f"{self._tongue.number(match['base'])} {times} {self._tongue.cardinal(10)} {self._power(match['plain'])}"

    def _by(self, match: Match) -> str:
        numbers = [self._tongue.number(match[name]) for name in ("left", "right", "third") if match[name]]
        product = " " in match[0] or "*" in match[0] or match.string[match.end() :].lstrip().startswith("=")
        word = self._tongue.words["times" if product else "by"]
        return f" {word} ".join(numbers)

    def _fold(self, match: Match) -> str:
        return f"{self._tongue.number(match['number'])} {self._tongue.words['fold']}"

    def _minus(self, match: Match) -> str:
        return f"{self._tongue.words['minus']} {self._tongue.number(match['number'])}"

    def _plus(self, match: Match) -> str:
        return f"{self._tongue.words['plus']} {self._tongue.number(match['number'])}"


def _two_before(match: Match) -> list[str]:
    return (
        match.string[max(0, match.start() - 40) : match.start()]
        .lower()
        .replace(",", " ")
        .replace(":", " ")
        .split()[-2:]
    )
