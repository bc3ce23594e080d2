"""How a text will be read, and a word's pronunciation."""

from __future__ import annotations

import pytest
from selenium import webdriver

from tests.page.browser import Page
from tests.page.test_accessibility import still, violations
from tests.page.test_document import ASKED, put, states, wait_kept, wait_states

__all__ = ["still"]
PRICE = "It costs 7 euros in Leicester."
WORDS = "return [...document.querySelectorAll('#r-words button')].map((b) => b.firstChild.textContent)"


@pytest.mark.usefixtures("still")
def test_what_will_be_said_is_shown_and_a_word_is_said_otherwise(gpu_page: Page, chromium: webdriver.Chrome) -> None:
    page = gpu_page.open().ready()
    put(page, f"Hello there.\n\n{PRICE}")
    page.click("#b-go")
    wait_states(page, "made", "made")
    page.run("document.querySelectorAll('.pb')[1].click()")
    page.click("#pmenu [data-do=reading]")
    page.wait(f"return ({WORDS.removeprefix('return ')}).join(' ').includes('seven')")
    assert violations(page, "#d-reading") == []
    page.click("#r-words button:last-of-type")
    page.keys("Lester\ue007")
    page.wait(f"return ({WORDS.removeprefix('return ')}).join(' ').includes('Lester')")
    page.keys("\ue00c")
    assert states(page) == ["made", "stale"], "only where the word is"
    page.run(ASKED)
    page.click("#b-go")
    wait_states(page, "made", "made")
    assert page.run("return asked[0].lexicon") == {"Leicester": "Lester"}
    wait_kept(page)
    page.visit()
    page.ready()
    wait_states(page, "made", "made")
