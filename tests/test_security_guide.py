"""docs/security.md: every promise names tests, and they exist."""

from __future__ import annotations

import re

import pytest

from tests.guides import ROOT
from tests.test_guides import functions_of

GUIDE = ROOT / "docs/security.md"
PLACES = ("A home network", "A team behind a proxy", "The open internet")


def promises() -> dict[str, list[str]]:
    """What is promised, with its tests."""
    rows = [line.strip("| ").split(" | ") for line in GUIDE.read_text().splitlines() if line.startswith("| ")]
    return {promise: proofs(tests) for promise, tests in rows if promise != "promise"}


def proofs(cell: str) -> list[str]:
    """The tests of a cell; `::name` is in the file of the one before."""
    file, found = "", []
    for proof in re.findall(r"`([^`]+)`", cell):
        name, _, function = proof.partition("::")
        file = name or file
        found.append(f"{file}::{function}")
    return found


def test_each_place_has_promises_and_says_what_is_not_promised() -> None:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", GUIDE.read_text(), re.MULTILINE | re.DOTALL))
    assert tuple(sections) == PLACES
    for place, text in sections.items():
        assert text.count("\n| ") > 3, place
        assert "\nNot promised: " in text, place


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise[:40])
def test_every_test_of_a_promise_exists(promise: str) -> None:
    assert promises()[promise] != []
    for test in promises()[promise]:
        name, _, function = test.partition("::")
        assert function.startswith("test_"), test
        assert function in functions_of(ROOT / name), test
