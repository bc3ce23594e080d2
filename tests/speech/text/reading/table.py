"""The table of docs/reading.md, the first case of each family: `python -m tests.speech.text.reading.table`."""

from __future__ import annotations

from itertools import chain

from speech.text.reading import LANGUAGES
from tests.speech.text.reading.reading import Case, cases

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
LEFT_OUT = {  # of the document, which is long: what nearly repeats another family
    *("ordinals", "exponents", "compound units", "versions", "hashtags and handles", "acronyms said"),
    *("ratios and scores", "signs", "IP addresses", "acronyms spelled", "percent"),
    *("capitals that are shouted", "rooms and flights", "words that only look like it"),
}


def table() -> str:
    """A row for each family but those of LEFT_OUT, a column for each language."""
    first = {language: _first(language) for language in LANGUAGES}
    families = [family for family in dict.fromkeys(chain(*first.values())) if family not in LEFT_OUT]
    rows = [[family, *(_cell(cases.get(family)) for cases in first.values())] for family in families]
    rule = "|---" * (1 + len(first)) + "|"
    head, *lines = [f"| {' | '.join(row)} |" for row in [["what", *first], *rows]]
    return "\n".join([head, rule, *lines])


def _first(language: str) -> dict[str, Case]:
    """The first case of each family."""
    first: dict[str, Case] = {}
    for case in cases(language):
        first.setdefault(case.family, case)
    return first


def _cell(case: Case | None) -> str:
    return "" if case is None else f"`{case.written.replace('|', chr(92) + '|')}` {case.said}"


if __name__ == "__main__":
    print(table())
