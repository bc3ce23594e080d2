"""French quantities: money, measures, fractions, powers, ranges and plain numbers."""

from __future__ import annotations

from speech.text.reading.fr.cardinals import cardinal, feminine, ordinal
from speech.text.reading.fr.lists import FEMININE_NOUNS, LABELLED
from speech.text.reading.fr.tables import CURRENCIES, FEMININE_UNITS, PER, SCALES, UNITS
from speech.text.reading.maths import Maths
from speech.text.reading.measures import Grammar, Measures
from speech.text.reading.money import Habits, Money
from speech.text.reading.scan import Match, Rule, after, before, rule
from speech.text.reading.tongue import Tongue
from speech.text.wordlist import wordset

_FEMININE_CURRENCIES = frozenset({"livre", "livres", "livre sterling", "livres sterling", "roupie", "roupies"})
_VERSIONED = wordset(
    "version python windows android ios java firefox chrome linux ubuntu debian php mac macos usb bluetooth html "
    "node rust article articles art"
)


def _several(text: str) -> bool:
    """French has a plural from 2 on: "1,5 litre"."""
    plain = text.replace(" ", "").replace(",", ".")
    if plain.count(".") > 1:
        return True
    whole, _, decimals = plain.partition(".")
    return len(whole.lstrip("0")) > 1 or int(whole or "0") >= 2 or (len(decimals) == 3 and whole != "0")


def _agree(number: str, noun: str) -> str:
    head = noun.partition(" ")[0]
    is_feminine = head.removesuffix("s") in FEMININE_UNITS or noun in _FEMININE_CURRENCIES
    return feminine(number) if is_feminine and "virgule" not in number else number


def _of(scale: str, currency: str) -> str:
    """A currency behind a noun of number: millions d'euros, millions de dollars; but mille euros."""
    if not scale.startswith(("million", "milliard", "billion")):
        return f"{scale} {currency}"
    return f"{scale} d'{currency}" if currency[0] in "aeiouy" else f"{scale} de {currency}"


def _counts(top: int, bottom: int, previous: list[str]) -> str:
    """Marks and scores are "sur" something; of fractions people say halves to tenths, and one of any."""
    is_fraction = 0 < top < bottom and (bottom <= 8 or (top == 1 and bottom in {9, 10, 12, 16, 20, 100, 1000}))
    is_mark = not _MARKED.isdisjoint(previous) and bottom in {5, 10, 20, 100}
    return "" if is_fraction and not is_mark else "sur"


_MARKED = wordset("note noté notée notés notées eu obtenu moyenne score résultat")


def _fraction(top: int, bottom: int) -> str:
    names = {2: ("demi", "demis"), 3: ("tiers", "tiers"), 4: ("quart", "quarts")}
    one, several = names.get(bottom, (ordinal(bottom), ordinal(bottom) + "s"))
    return f"{cardinal(top)} {one if top == 1 else several}"


def _mixed(whole: str, fraction: str) -> str:
    return f"{whole} et {'demi' if fraction == 'un demi' else fraction}"


def _power(exponent: str) -> str:
    plain = exponent.lstrip("+-")
    if exponent in {"2", "3"}:
        return "au carré" if exponent == "2" else "au cube"
    said = cardinal(int(plain)) if plain.isdigit() else plain
    return f"puissance {'moins ' if exponent.startswith('-') else ''}{said}"


def _square(name: str) -> str:
    feminine_ending = "e" if name.removesuffix("s") in FEMININE_UNITS else ""
    return f"{name} carré{feminine_ending}{'s' * name.endswith('s')}"


def _cube(name: str) -> str:
    return f"{name} cube{'s' * name.endswith('s')}"


def rules(tongue: Tongue) -> list[Rule]:
    grammar = Grammar(
        _agree,
        _several,
        _square,
        _cube,
        lambda previous, following: False,
        frozenset({"an", "in", "A", "o"}),
        frozenset({"K", "B", "T"}),
        LABELLED,
    )
    habits = Habits("et", _of, _agree, _several, lambda previous, following: False, say_cents=False)
    return [
        rule("d", r"(?P<m>\d)m(?P<cm>\d\d)(?!\w)", _height),
        rule("s", r"(?P<sign>[€$£])(?!\w)", _currency),
        *Money(tongue, CURRENCIES, SCALES, PER, habits).rules(),
        *Measures(tongue, UNITS, grammar).rules(),
        *Maths(tongue, _fraction, _mixed, _power, _counts).rules(),
        rule(
            "d",
            rf"(?P<n>{tongue.number_pattern}) ?(?P<scale>Mds?|Mrd)(?!\w)",
            lambda m: f"{tongue.number(m['n'])} {SCALES[m['scale']][1]}",
        ),
    ]


def _height(match: Match) -> str:
    """1m80."""
    metres = int(match["m"])
    return f"{cardinal(metres)} mètre{'s' * (metres > 1)} {cardinal(int(match['cm']))}"


def _currency(match: Match) -> str | None:
    """A sign without a sum: l'€, le $, 3 millions d'€."""
    currency = CURRENCIES[match["sign"]]
    head = match.string[max(0, match.start() - 4) : match.start()].replace("’", "'").lower()
    if head.endswith("d'"):
        return currency.several
    return currency.one if head.endswith(("l'", " le ", " la ", " un ", " une ")) or head == "le " else None


def plain(tongue: Tongue) -> list[Rule]:
    """The last resort for a number."""
    n = tongue.number_pattern

    def number(match: Match) -> str:
        text = match[0]
        point = "point" if "." in text and _bare(before(match)) in _VERSIONED else None
        said = tongue.number(text, point)
        noun = after(match).rstrip(".,;:!?").lower()
        return feminine(said) if noun in FEMININE_NOUNS and text.isdigit() else said

    def _bare(word: str) -> str:
        return word.lower().rstrip(".").replace("’", "'").rpartition("'")[2]

    def between(match: Match) -> str:
        return f"{tongue.number(match['low'])} à {tongue.number(match['high'])}"

    return [
        rule("d", rf"(?P<low>{n}) ?(?:–|—) ?(?P<high>{n})(?!\w)", between),
        rule("d", rf"(?P<low>{n})-(?P<high>{n})(?![\w-])", between),
        rule("d", rf"(?P<low>{n}) - (?P<high>{n})(?!\w| ?=)", between),
        rule("d", rf"(?P<low>{n}) - (?=\d)", lambda m: f"{tongue.number(m['low'])} moins "),
        rule("d", r"(?P<n>\d{1,6})\+(?!\w)", lambda m: f"{tongue.integer(m['n'])} plus"),
        rule("s", rf"# ?(?P<n>{n})", lambda m: f"numéro {tongue.number(m['n'])}"),
        rule(
            "s",
            rf"§{{1,2}} ?(?P<n>{n})",
            lambda m: f"{'paragraphes' if m[0][1] == '§' else 'paragraphe'} {tongue.number(m['n'])}",
        ),
        rule("d", n, number),
    ]
