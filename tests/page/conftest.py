"""A browser for all tests of the page, a site for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from speech.engines.hibari.voice import HibariVoice
from speech.service import SpeechService
from tests.page.browser import Page, browser, missing
from tests.page.firefox.driver import missing as firefox_missing
from tests.page.site import Site, site
from tests.page.stand_in import Plan, stand_in_service

HERE = Path(__file__).parent
NOT_RUN = pytest.StashKey[list[tuple[int, str]]]()


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All of them need a browser, Chromium or Firefox.

    Without it they cannot run: say so where it is read, and fail where CI must have Chromium.
    """
    config.stash[NOT_RUN] = []
    ours = [item for item in items if HERE in item.path.parents]
    in_firefox = [item for item in ours if HERE / "firefox" in item.path.parents]
    for item in ours:
        item.add_marker("firefox" if item in in_firefox else "browser")
    in_chromium = [item for item in ours if item not in in_firefox]
    if in_chromium and missing() and os.environ.get("CI"):
        raise pytest.UsageError(f"the tests of the page need: {', '.join(missing())}")
    _leave_out(config, items, in_chromium, missing())
    _leave_out(config, items, in_firefox, firefox_missing())


def _leave_out(config: pytest.Config, items: list[pytest.Item], those: list[pytest.Item], lacking: list[str]) -> None:
    if not lacking or not those:
        return
    items[:] = [item for item in items if item not in those]
    config.hook.pytest_deselected(items=those)
    config.stash[NOT_RUN].append((len(those), ", ".join(lacking)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for count, what in config.stash.get(NOT_RUN, []):
        terminalreporter.section("NOT RUN", red=True, bold=True)
        terminalreporter.line(f"{count} tests of the page did not run. Missing: {what}", red=True, bold=True)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browser(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def hibari_site(service: SpeechService) -> Iterator[Site]:
    """The embedded voice, as on a machine without a GPU."""
    with site(service) as made:
        yield made


@pytest.fixture
def make_site(voice: HibariVoice, plan: Plan) -> Iterator[Callable[..., Site]]:
    """A site over the plan, as on a machine with a GPU. Called with what stand_in_service takes."""
    with ExitStack() as stack:

        def make(prefix: str = "", **options: Any) -> Site:
            return stack.enter_context(site(stack.enter_context(stand_in_service(plan, voice, **options)), prefix))

        yield make


@pytest.fixture
def page(chromium: webdriver.Chrome, hibari_site: Site, tmp_path: Path) -> Iterator[Page]:
    """The page over the embedded voice."""
    yield from _page(chromium, hibari_site, tmp_path)


@pytest.fixture
def gpu_site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def gpu_page(chromium: webdriver.Chrome, gpu_site: Site, tmp_path: Path) -> Iterator[Page]:
    """The page over the planned engine and its many voices."""
    yield from _page(chromium, gpu_site, tmp_path)


def _page(driver: webdriver.Chrome, at: Site, downloads: Path) -> Iterator[Page]:
    page = Page(driver, at.url, downloads)
    yield page
    page.leave()
