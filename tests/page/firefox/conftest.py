"""The page's fixtures with Firefox in them: a test that is imported below this folder runs in Firefox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from tests.page.browser import Page
from tests.page.firefox.driver import FirefoxPage, browser
from tests.page.site import Site


@pytest.fixture(scope="session")
def firefox_downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def firefox(firefox_downloads: Path) -> Iterator[webdriver.Firefox]:
    with browser(firefox_downloads) as driver:
        yield driver


@pytest.fixture
def page(firefox: webdriver.Firefox, hibari_site: Site, firefox_downloads: Path) -> Iterator[Page]:
    page = FirefoxPage(firefox, hibari_site.url, firefox_downloads)
    yield page
    page.leave()


@pytest.fixture
def gpu_page(firefox: webdriver.Firefox, gpu_site: Site, firefox_downloads: Path) -> Iterator[Page]:
    page = FirefoxPage(firefox, gpu_site.url, firefox_downloads)
    yield page
    page.leave()
