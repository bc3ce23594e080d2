"""The documentation of the API, used: its examples run from the page, and what they answer can be heard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver

from tests.page.browser import Page
from tests.page.site import Site

BOX = "document.querySelector('#operations-Speech-speak')"


@pytest.mark.parametrize("prefix", ["", "/behind/a/proxy"])
def test_an_example_runs_from_the_page_and_is_heard(
    chromium: webdriver.Chrome, make_site: Callable[..., Site], tmp_path: Path, prefix: str
) -> None:
    page = Page(chromium, make_site(prefix).url, tmp_path)
    chromium.get(f"{page.url}/apidocs#/Speech/speak")
    page.wait(f"return {BOX}?.querySelector('.execute')").click()
    duration_s = page.wait(f"return {BOX}.querySelector('audio')?.duration")
    assert duration_s > 1
    assert page.run(f"return {BOX}.querySelector('source').src").startswith("blob:")
    chromium.get("about:blank")


@pytest.mark.parametrize(
    ("language", "theme", "back"), [("en", "light", "Back to the page"), ("zh", "dark", "返回页面")]
)
def test_the_documentation_has_our_header_a_way_back_and_the_pages_look(
    gpu_page: Page, language: str, theme: str, back: str
) -> None:
    page = gpu_page.open(language=language, theme=theme)
    page.driver.get(f"{page.url}/apidocs/")
    page.wait_text("#back", back)
    dark = page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 15)"
    assert dark == (theme == "dark")
    assert page.run("return document.documentElement.classList.contains('dark-mode')") == dark
    page.click("#back")
    page.wait("return document.querySelector('#b-go') !== null")
