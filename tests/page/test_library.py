"""What is kept in the browser: what a save reads, what other tabs learn of it, which document comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.page.browser import Page
from tests.page.test_document import FOX, MARKET, SEA, make, put, wait_states

COUNTED = """
window.read = []; window.written = [];
for (const name of ['get', 'getAll', 'put']) {
  const real = IDBObjectStore.prototype[name];
  IDBObjectStore.prototype[name] = function (...given) {
    if (this.name === 'docs') (name === 'put' ? written : read).push(given[0]?.text ?? name);
    return real.apply(this, given);
  };
}
"""
WRITTEN = "return written.includes(arguments[0])"
LISTED = "return [...document.querySelectorAll('#hlist .h p')].map((p) => p.textContent).join('|') === arguments[0]"
SHOWN = "return document.querySelector('#text').value === arguments[0]"
LAST = "return JSON.parse(localStorage.getItem('kyutai-tts')).doc"


@contextmanager
def another_tab(page: Page) -> Iterator[str]:
    """Of the same browser, in front and at the same origin, without the page yet; the tab before."""
    before = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    own = page.driver.current_window_handle
    try:
        page.driver.get(f"{page.url}/static/icon.svg")
        yield before
    finally:
        page.driver.switch_to.window(own)
        page.driver.close()
        page.driver.switch_to.window(before)


def come(page: Page) -> None:
    page.visit()
    page.ready()


def test_a_save_reads_no_document_and_writes_its_own(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    for text in (FOX, MARKET):
        page.speak(text)
        page.wait_state("Done")
    page.wait(LISTED, f"{MARKET}|{FOX}")
    page.run(COUNTED)
    for text in (f"{SEA} One.", f"{SEA} Two."):  # one after the other: the second begins when the first is over
        put(page, text)
        page.wait(WRITTEN, text)
    assert page.run("return read") == []
    assert FOX not in page.run("return written")
    page.wait(LISTED, f"{SEA} Two.|{FOX}")


@pytest.mark.slow
def test_the_history_of_another_tab_follows(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, FOX)
    with another_tab(page) as before:
        come(page)
        wait_states(page, "made")
        put(page, SEA)
        page.driver.switch_to.window(before)
        page.run(COUNTED)
        page.wait(LISTED, f"{SEA}|{FOX}")
        assert page.run("return read.filter((name) => name === 'getAll')") == [], "one was read and not all"


def test_a_tab_that_was_emptied_stays_so_and_a_new_one_has_the_newest_document(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, FOX)
    last = page.run(LAST)
    page.click("#b-clear")
    page.wait(f"return ({LAST.removeprefix('return ')}) !== arguments[0]", last)
    come(page)
    page.wait(LISTED, FOX)
    assert page.run(SHOWN, "")
    with another_tab(page):
        come(page)
        page.wait(SHOWN, FOX)
        wait_states(page, "made")


def test_what_was_written_and_not_yet_kept_is_not_given_up_for_the_newest(gpu_page: Page) -> None:
    """As after a crash in the moment between the two."""
    page = gpu_page.open().ready()
    make(page, FOX)
    page.wait_state("Done")  # and nothing more is to be kept
    with another_tab(page):
        page.run(
            "const now = JSON.parse(localStorage.getItem('kyutai-tts'));"
            "localStorage.setItem('kyutai-tts', JSON.stringify({ ...now, doc: 'new', textOf: 'new', text: arguments[0] }))",
            SEA,
        )
        come(page)
        page.wait(LISTED, FOX)
        assert page.run(SHOWN, SEA)


@pytest.mark.slow
def test_a_document_of_another_tab_is_not_written_over_when_it_is_opened_from_the_history(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, MARKET)
    with another_tab(page):
        come(page)
        page.wait(SHOWN, MARKET)
        put(page, SEA)
        page.wait(LISTED, f"{SEA}|{MARKET}")
        page.run(
            "new BroadcastChannel('kyutai-tts').onmessage = ({ data }) => { if (data.have) window.answered = true; }"
        )
        page.click("#hlist .h:nth-child(2) [data-do=open]")
        page.wait(SHOWN, MARKET)
        page.wait("return window.answered")
        put(page, f"{MARKET} Here.")
        page.wait(LISTED.replace(".join", ".sort().join"), f"{MARKET}|{MARKET} Here.|{SEA}")
