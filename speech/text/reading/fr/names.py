"""French titles, abbreviations and roman numerals."""

from __future__ import annotations

from speech.text.reading.fr.cardinals import cardinal, ordinal
from speech.text.reading.fr.lists import (
    ABBREVIATIONS,
    ALONE,
    BEFORE_NUMBERS,
    FEMININE_ORDINALS,
    KINGS,
    NUMBERED,
    TITLES,
)
from speech.text.reading.roman import roman
from speech.text.reading.scan import Match, Rule, after, before, rule


def rules() -> list[Rule]:
    numbers = "|".join(sorted(BEFORE_NUMBERS, key=len, reverse=True))
    titles = "|".join(sorted(TITLES, key=len, reverse=True))
    plain = "|".join(sorted(ABBREVIATIONS, key=len, reverse=True))
    return [
        rule("l", r"[nN](?P<s>os?|[°ºo])(?P<many>s|ˢ)?\.? ?(?=\d)", _number_sign),
        rule("s", r"№ ?(?=\d)", lambda m: "numéro "),
        rule("l", r"[pP]\. ?ex\.", lambda m: "par exemple"),
        rule("l", r"(?:[cC]\.? ?à\.? ?(?P<kind>[sc])|[cC]à(?P<glued>[sc]))(?P<point>\.?)(?!\w)", _spoon),
        rule("l", r"Av\. J\.-C\.", lambda m: "avant Jésus-Christ"),
        rule("l", r"(?P<e>Ste?)(?P<s>s?)-(?=[A-ZÀ-Þ])", lambda m: f"Saint{'e' * m['e'].endswith('e')}{m['s']}-"),
        rule("l", r"[pP]\. ?(?=\d+ ?[-–] ?\d)", lambda m: "pages "),
        rule("l", r"(?P<code>[LRD])\.? ?(?P<numbers>\d{1,4}(?:-\d{1,4})*)(?![\w-])", _article),
        rule("l", r"[cC]\.-?à-?d\.", lambda m: "c'est-à-dire"),
        rule("l", r"[sS]\.?[vV]\.?[pP](?:\.|(?!\w))", lambda m: "s'il vous plaît"),
        rule("l", r"(?P<name>[eE]\. ?g\.|[iI]\. ?e\.)", lambda m: "par exemple" if m[0][0] in "eE" else "c'est-à-dire"),
        rule("l", rf"(?P<name>{numbers})\. ?(?=\d|[IVXLC]+\b)", lambda m: BEFORE_NUMBERS[m["name"]] + " "),
        rule("l", r"(?P<n>[IVXLC]+)(?P<end>er|ère|re|e|ᵉ|ème)(?P<s>s?)(?!\w)", _roman_ordinal),
        rule("l", rf"(?P<name>{titles})(?P<point>\.?)(?!\w)", _title),
        rule("l", r"(?:[A-Za-z]\.){2,}[A-Za-z]?(?!\w)", _initials),
        rule("l", rf"(?P<name>{plain})\.(?!\w)", _abbreviation),
        rule("l", r"etc(?!\w)", lambda m: "et cetera"),
        rule("l", r"et/ou(?!\w)", lambda m: "et ou"),
        rule("l", r"(?P<left>[A-Z]{1,3})&(?P<right>[A-Z]{1,3})(?!\w)", _pair),
        rule("l", r"C#(?!\w)", lambda m: "C dièse"),
        rule("l", r"C\+\+(?!\w)", lambda m: "C plus plus"),
        rule("l", r"[IVXLCDM]+(?!\w|['’])", _roman),
        rule("l", r"(?P<letters>[A-Z]{1,3})-?(?P<number>\d{1,4})(?P<tail>[A-Z]?)(?![\w.,%:/-]*\d|\w)", _code),
    ]


def _number_sign(match: Match) -> str:
    return "numéros " if match["many"] or match["s"] == "os" else "numéro "


def _closing(match: Match) -> str:
    """The point behind an abbreviation, if the sentence ends there."""
    following = after(match)
    rest = match.string[match.end() : match.end() + 1]
    return "." if rest in {"", " "} and (not following or following[:1].isupper()) else ""


_STREETS = frozenset({"Bd", "Bld", "Blvd", "bd"})
_BEFORE_NAMES = _STREETS | frozenset(
    {"M", "Me", "MM", "Pr", "Dr", "St", "Ste", "Gal", "Lt"}
)  # without a point only before a name


def _title(match: Match) -> str | None:
    name, following = match["name"], after(match)
    named = following[:1].isupper()
    if match["point"]:
        return TITLES[name] if named or len(name) > 2 or following == "et" else None
    if name == "M":
        named = named and len(following.strip(".,")) > 2 and following[1:2].islower()
    return TITLES[name] if name in ALONE or (named and name in _BEFORE_NAMES) else None


def _initials(match: Match) -> str:
    said = " ".join(match[0].replace(".", "").upper())
    return said + (_closing(match) if match[0].endswith(".") and not after(match) else "")


def _abbreviation(match: Match) -> str | None:
    name = match["name"]
    following, previous = after(match), before(match)
    if name in {"min", "max", "mar", "mer", "jeu", "ex", "fig", "pl", "vol", "coll", "par", "sept", "ven"} and not (
        following[:1].isdigit()
        or previous[-1:].isdigit()
        or previous in {"par", "(par"}
        or (name in {"mar", "mer", "jeu", "ven"} and previous.lower() in {"au", "du", "le", "et", "à"})
        or (name == "pl" and following.lower().startswith(("de", "du", "d'", "d’", "st", "saint")))
    ):
        return None
    return ABBREVIATIONS[name] + _closing(match)


def _spoon(match: Match) -> str:
    """c. à s., càc: a spoon, several behind a number from two on."""
    number = before(match).replace(",", ".")
    several = number.isdigit() and int(number) > 1
    size = "soupe" if (match["kind"] or match["glued"]) == "s" else "café"
    return f"cuillère{'s' * several} à {size}" + (_closing(match) if match["point"] else "")


def _article(match: Match) -> str | None:
    """Article L. 123-4 of a code of law."""
    if _bare(before(match)).lower().rstrip(".") not in {"article", "articles", "art"}:
        return None
    return f"{match['code']} " + " tiret ".join(cardinal(int(number)) for number in match["numbers"].split("-"))


def _pair(match: Match) -> str:
    """R&D."""
    return f"{' '.join(match['left'])} et {' '.join(match['right'])}"


def _roman_ordinal(match: Match) -> str | None:
    number = roman(match["n"])
    if number is None or (len(match["n"]) == 1 and match["n"] not in "IVX"):
        return None
    if number == 1:
        return ("premier" if match["end"] == "er" else "première") + match["s"]
    return ordinal(number) + match["s"]


def _roman(match: Match) -> str | None:
    letters, number = match[0], roman(match[0])
    if number is None:
        return None
    previous, following = before(match), after(match)
    if _bare(previous).title() in KINGS and (len(letters) > 1 or letters in "IVX"):
        return "premier" if number == 1 else cardinal(number)
    if following.lower().startswith(("siècle", "arrondissement", "République", "dynastie")):
        return ordinal(number)
    if _bare(previous).lower() in NUMBERED and (len(letters) > 1 or letters in "IVX"):
        return "une" if number == 1 and previous.lower() in FEMININE_ORDINALS else cardinal(number)
    if len(letters) > 1 and set(letters) <= set("IVX") and letters not in {"XX", "XXX"}:
        return cardinal(number)
    return None


def _bare(word: str) -> str:
    """Without an elided article: d'Henri -> Henri."""
    return word.replace("’", "'").rpartition("'")[2]


def _code(match: Match) -> str | None:
    """A320, TGV 8102, H2: the letters and the number as a cardinal."""
    number = match["number"]
    said = " ".join(map(cardinal, map(int, number))) if number[0] == "0" else cardinal(int(number))
    return f"{' '.join(match['letters'])} {said} {match['tail']}".strip()
