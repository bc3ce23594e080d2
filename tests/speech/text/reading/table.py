"""The table of docs/reading.md, made from the cases: `python -m tests.speech.text.reading.table`."""

from __future__ import annotations

from itertools import groupby

from speech.text.reading import LANGUAGES
from tests.speech.text.reading.reading import Case, cases

SHOWN = 4  # of a family: the first, and of the others as many as make it so many
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def table() -> str:
    """All languages, a section each."""
    return "\n".join(_section(language) for language in LANGUAGES)


def _section(language: str) -> str:
    lines = [f"### {language}", "", "| what | written | said |", "|---|---|---|"]
    for family, rows in groupby(cases(language), key=lambda case: case.family):
        lines += [_row(family if first else "", case) for first, case in _some(list(rows))]
    return "\n".join([*lines, ""])


def _some(rows: list[Case]) -> list[tuple[bool, Case]]:
    return [(place == 0, case) for place, case in enumerate(rows[:SHOWN])]


def _row(family: str, case: Case) -> str:
    written = case.written.replace("|", "\\|")
    return f"| {family} | `{written}` | {case.said} |"


if __name__ == "__main__":
    print(table())
