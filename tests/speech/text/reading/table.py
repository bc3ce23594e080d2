"""The table of docs/reading.md, the first case of each family: `python -m tests.speech.text.reading.table`."""

from __future__ import annotations

from itertools import groupby

from speech.text.reading import LANGUAGES
from tests.speech.text.reading.reading import Case, cases

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def table() -> str:
    """All languages, a section each."""
    return "\n".join(_section(language) for language in LANGUAGES)


def _section(language: str) -> str:
    lines = [f"### {language}", "", "| what | written | said |", "|---|---|---|"]
    lines += [_row(family, next(rows)) for family, rows in groupby(cases(language), key=lambda case: case.family)]
    return "\n".join([*lines, ""])


def _row(family: str, case: Case) -> str:
    written = case.written.replace("|", "\\|")
    return f"| {family} | `{written}` | {case.said} |"


if __name__ == "__main__":
    print(table())
