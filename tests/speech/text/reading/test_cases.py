"""The contract of reading: tables of written text and what is said of it. Every row is right."""

from __future__ import annotations

import json

import pytest

from speech.text.reading import LANGUAGES
from tests.speech.text.reading.reading import CASES, UNSAYABLE, Case, cases, plain, read, said

TABLE = [(language, case) for language in LANGUAGES for case in cases(language)]
FAMILIES = {case.family for case in cases("en")}


@pytest.mark.parametrize(
    ("language", "case"), TABLE, ids=lambda value: value.written if isinstance(value, Case) else value
)
def test_a_text_is_said_as_its_table_has_it(language: str, case: Case) -> None:
    got = said(read(language, case.written))
    assert plain(got) == plain(case.said)
    assert not UNSAYABLE.intersection(got)


@pytest.mark.parametrize(("language", "least"), [("en", 200), ("fr", 150)])
def test_the_tables_are_large_and_no_family_is_missing(language: str, least: int) -> None:
    table = cases(language)
    assert len(table) >= least
    assert {case.family for case in table} == FAMILIES
    assert len({case.written for case in table}) == len(table)


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_trials_that_libraries_failed(language: str) -> None:
    """The cases on which damga, spokenform and others were compared (docs/decisions/reading.md)."""
    trials = json.loads((CASES / "trials.json").read_text(encoding="utf-8"))[language]
    wrong = [
        case["written"]
        for case in trials
        if plain(said(read(language, case["written"]))) not in map(plain, case["spoken"])
    ]
    assert wrong == []
