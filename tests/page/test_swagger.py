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
