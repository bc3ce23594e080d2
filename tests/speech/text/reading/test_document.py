"""docs/reading.md says what is read how: its table is that of the cases, its codes are those of the remarks."""

from __future__ import annotations

from pathlib import Path

from speech.text.remarks import About
from tests.speech.text.reading.table import BEGIN, END, table

DOCUMENT = Path(__file__).parents[4] / "docs" / "reading.md"


def test_its_table_is_made_from_the_cases() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == table().strip(), (
        "put the output of `python -m tests.speech.text.reading.table` between the marks"
    )


def test_every_code_of_a_warning_is_told() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [about.value for about in About if f"`{about.value}`" not in text] == []
