"""A stretch of text, left to right, by rules: what each part of it is said as. Knows no language and no stream.

A rule is a regular expression and a function. At each place the rules for that kind of character are tried in order;
the first that has an answer wins and its match is done with. What no rule takes is taken by the language's `rest`, a
run of letters, a run of digits or one sign at a time, so that the scan always ends and its time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

Match = re.Match[str]
MAX_WORD_CHARS = 200  # in a longer "word" no rule is tried: nothing that people write looks like that


class Kind(Enum):
    """What a rule's match may begin with."""

    DIGIT = "digit"
    LETTER = "letter"
    SIGN = "sign"


@dataclass(frozen=True)
class Rule:
    """pattern: matched where a part begins. say: what is said; None leaves the place to the rules after it."""

    kinds: tuple[Kind, ...]
    pattern: re.Pattern[str]
    say: Callable[[Match], str | None]


@dataclass(frozen=True)
class Part:
    """text[start:stop] is said as `spoken`."""

    start: int
    stop: int
    spoken: str


@dataclass
class Rules:
    """All rules of a language, sorted by what they begin with."""

    rules: Iterable[Rule]
    rest: Callable[[Match], str]  # what is said of a run that no rule takes
    run: re.Pattern[str] = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|\.{2,}|-{2,}|\S")  # letters, digits or one sign
    by_kind: dict[Kind, list[Rule]] = field(init=False)
    _gates: dict[Kind, re.Pattern[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_kind = {kind: [rule for rule in self.rules if kind in rule.kinds] for kind in Kind}
        self._gates = {kind: _gate(rules[:-1]) for kind, rules in self.by_kind.items()}

    def candidates(self, kind: Kind, text: str, place: int, end: int) -> list[Rule]:
        """Those that may match at text[place], found by one look: from the first that may, or the last alone."""
        rules = self.by_kind[kind]
        found = self._gates[kind].match(text, place, end)
        return rules[int(found.lastgroup[1:]) if found and found.lastgroup else -1 :]


def _gate(rules: list[Rule]) -> re.Pattern[str]:
    """Matches wherever one of the rules does, and perhaps elsewhere: one look instead of fifty.

    Its group rN is the first rule that may match: alternatives are tried in order, and the outer group closes last.
    """
    return re.compile("|".join(f"(?P<r{n}>{_without_names(rule)})" for n, rule in enumerate(rules)) or r"(?!)")


def _without_names(rule: Rule) -> str:
    pattern = re.sub(r"\(\?P=\w+\)", ".", re.sub(r"\(\?P<\w+>", "(?:", rule.pattern.pattern))
    return f"(?{'i' if rule.pattern.flags & re.IGNORECASE else ''}:{pattern})"


def rule(kinds: str, pattern: str, say: Callable[[Match], str | None], flags: re.RegexFlag = re.NOFLAG) -> Rule:
    """kinds: of d (a digit), l (a letter), s (a sign).

    >>> rule("d", r"[0-9]+%", lambda match: "many").kinds
    (<Kind.DIGIT: 'digit'>,)
    """
    names = {"d": Kind.DIGIT, "l": Kind.LETTER, "s": Kind.SIGN}
    return Rule(tuple(names[kind] for kind in kinds), re.compile(pattern, flags), say)


def scan(text: str, begin: int, end: int, rules: Rules) -> list[Part]:
    """The parts of text[begin:end]. What lies outside is only looked at, by the rules that want to."""
    parts = []
    place = begin
    while place < end:
        if text[place] == " ":
            place += 1
            continue
        part = _part(text, place, end, rules)
        parts.append(part)
        place = part.stop
    return parts


def _part(text: str, place: int, end: int, rules: Rules) -> Part:
    if place == 0 or not _glued(text[max(0, place - 2) : place], text[place]):
        for candidate in rules.candidates(_kind(text[place]), text, place, end):
            match = candidate.pattern.match(text, place, end)
            if match is not None and match.end() > place and (said := candidate.say(match)) is not None:
                return Part(place, match.end(), said)
    run = rules.run.match(text, place, end)
    assert run is not None  # the place holds no blank
    return Part(place, run.end(), rules.rest(run))


def _glued(before: str, here: str) -> bool:
    """Inside a word: between two letters, before a digit that follows a letter or goes on a row of numbers.

    before: up to two characters. A raised digit is no digit in this sense.
    """
    last = before[-1:]
    if here.isdecimal():
        return last.isalnum() or (last in {".", ","} and before[0].isdecimal())
    return last.isalpha() and here.isalpha()


def _kind(character: str) -> Kind:
    if character.isdigit():
        return Kind.DIGIT
    return Kind.LETTER if character.isalpha() else Kind.SIGN


_NEXT = re.compile(r"[^\S\n]+(\S+)")


def before(match: Match) -> str:
    """The word before the match; empty if there is none, or if a sentence ends there."""
    head = match.string[max(0, match.start() - 60) : match.start()].rstrip(" ([\"'“‘«")
    return head[head.rfind(" ") + 1 :]


def after(match: Match) -> str:
    """The word behind the match, a blank away; empty if something else follows."""
    found = _NEXT.match(match.string, match.end())
    return found[1] if found else ""


def ends(match: Match) -> bool:
    """Nothing more stands in the text behind the match than closing signs."""
    return not match.string[match.end() :].strip(" .,;:!?)]\"'”’»…")
