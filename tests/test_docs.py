"""The documents keep up with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.exceptions import default_exceptions

from scripts import engines
from speech.errors import ErrorCode
from speech.errors import as_markdown as as_markdown_of_codes
from speech.settings import Settings, as_env_example, as_markdown
from web.sockets.upgrade import UpgradeRequired
from web.sockets.websocket import Ending

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
SECTION = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


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


def test_the_api_page_has_every_code_as_it_is() -> None:
    assert as_markdown_of_codes() in (ROOT / "docs/api.md").read_text(), (
        "put the output of `python -m speech.errors` there"
    )


def test_every_code_of_the_documents_and_the_page_exists() -> None:
    """A code that the page has words for, or that a document names as one, is one that the service sends."""
    script = (ROOT / "web/static/js/errors.js").read_text()
    table = script.partition("const BY_CODE = {")[2].partition("\n};")[0]
    worded = set(re.findall(r"^  (\w+):", table, re.M)) | set(re.findall(r"error\.code === '(\w+)'", script))
    assert len(worded) > 10
    assert worded - set(ErrorCode) == {"broken"}, "broken is the page's own: the stream ended before the speech did"


def test_every_code_is_one_that_something_sends() -> None:
    sources = [path.read_text() for folder in ("speech", "web", "assistant") for path in (ROOT / folder).rglob("*.py")]
    named = {name for source in sources for name in re.findall(r"ErrorCode\.([A-Z_]+)", source)}
    by_http = {error().name.lower().replace(" ", "_") for error in [*default_exceptions.values(), UpgradeRequired]}
    by_ending = {ending.name.lower() for ending in Ending}
    unused = {code for code in ErrorCode if code.name not in named} - by_http - by_ending
    assert unused == set()


def test_the_example_file_changes_nothing() -> None:
    assert Settings.load({}, ROOT / ".env.example") == Settings.load({}, ROOT / "none")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    sections = [(page.parent / link if link else page, section) for link, section in SECTION.findall(text)]
    assert [(str(at), section) for at, section in sections if section not in sections_of(at)] == []


def sections_of(page: Path) -> set[str]:
    """The names that its headings have in addresses, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_route_is_in_the_api_document(app: Flask) -> None:
    text = (ROOT / "docs/api.md").read_text()
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    assert sorted(route for route in routes if route not in text) == []
