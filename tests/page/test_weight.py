"""What the page costs: bytes, requests, strangers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.page.browser import Page

WEB = Path(__file__).parents[2] / "web"
SCRIPTS = sorted((WEB / "static" / "js").glob("*.js"))
MOST_BYTES = 130_000  # voices of the stand-in among them
MOST_LINES = 300


def test_the_page_is_light_and_asks_nobody_else(gpu_page: Page) -> None:
    page = gpu_page  # with seven hundred voices
    page.driver.get_log("performance")
    page.open().ready()
    sizes = page.run(
        "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map((e) => [e.name, e.encodedBodySize])"
    )
    assert sum(size for _, size in sizes) < MOST_BYTES
    assert {name.split("/")[2] for name, _ in sizes} == {page.url.split("/")[2]}
    hosts = set()
    for entry in page.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = urlsplit(message["params"]["request"]["url"])
            if url.scheme != "chrome":  # the browser's own page, which was there before
                hosts.add(url.netloc)
    assert hosts - {page.url.split("/")[2], ""} == set()  # about:blank has none
    assert page.complaints() == []


def test_a_second_visit_asks_for_nothing_that_it_has(page: Page) -> None:
    page.open().ready()
    page.visit()
    page.ready()
    fetched = page.run(
        "return performance.getEntriesByType('resource')"
        ".filter((e) => e.name.includes('/static/') && e.transferSize > 0).map((e) => e.name)"
    )
    assert fetched == []


def test_the_first_paint_waits_for_no_module_and_no_answer(page: Page) -> None:
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/js/*", "*/api/*"]})
    try:
        page.driver.get(f"{page.url}/")
        page.wait("return performance.getEntriesByName('first-contentful-paint').length > 0")
    finally:
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_modules_are_short(script: Path) -> None:
    assert len(script.read_text().splitlines()) <= MOST_LINES


def test_nothing_is_inline_and_nothing_is_far() -> None:
    html = (WEB / "templates" / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", html)
    own = html + "".join(p.read_text() for p in [*SCRIPTS, *(WEB / "static" / "css").glob("*.css")])
    assert set(re.findall(r"https?://[\w.]+", own)) == {"http://www.w3.org"}  # the name space of SVG
    assert not re.search(r"""(?:src|href)=["']/|fetch\(["'`]/|url\(["']?/""", own), "addresses are relative"
