"""The documents keep up with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from scripts import engines
from speech.settings import Settings, as_env_example, as_markdown

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_the_configuration_page_has_every_setting_as_it_is() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    assert as_markdown() in text, "put the output of `python -m speech.settings` there"


def test_the_configuration_page_has_every_engine_as_its_row_says() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    assert engines.table() in text, "put the output of `python scripts/engines.py table` there"


def test_the_example_of_an_engine_is_the_one_that_is_tested() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    example = re.search(r"<!-- row: (\S+) -->\n```python\n(.*?)\n```", text, re.DOTALL)
    assert example is not None
    assert example[2] in (ROOT / example[1]).read_text()


def test_the_example_file_has_every_setting_as_it_is() -> None:
    text = (ROOT / ".env.example").read_text()
    assert as_env_example() in text, "put the output of `python -m speech.settings --env` there"


def test_the_example_file_changes_nothing() -> None:
    assert Settings.load({}, ROOT / ".env.example") == Settings.load({})


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


def test_every_route_is_in_the_api_document(app: Flask) -> None:
    text = (ROOT / "docs/api.md").read_text()
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    assert sorted(route for route in routes if route not in text) == []
