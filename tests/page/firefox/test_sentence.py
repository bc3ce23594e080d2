"""Firefox: a sentence from the key to the ear."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.ear import heard, word_errors
from tests.page.browser import Page
from tests.page.site import Site
from tests.page.sound import spoken
from tests.page.test_speaking import FOX


def test_a_sentence_is_written_and_heard(page: Page, hibari_site: Site) -> None:
    page.open().ready().write(FOX)
    page.chord(Keys.CONTROL, Keys.ENTER)
    page.wait_state("Done")
    assert page.run("return tap.whole"), "recorded in the audio thread, as in Chromium"
    _, got = page.sound()
    assert word_errors(FOX, heard(got, page.rate)) == 0
    want = spoken(hibari_site, FOX)
    assert page.text("#v-words") == "9 of 9"
    assert float(page.text("#v-audio").removesuffix(" s")) == pytest.approx(len(want) / 24_000, abs=0.1)
    assert page.complaints() == []


def test_the_device_is_not_asked_how_late_it_is(page: Page) -> None:
    """Firefox waits for the answer in the page's own thread; here it waits for ever now and then."""
    page.open().ready()
    page.run(
        "window.asked = 0; Object.defineProperty(AudioContext.prototype, 'outputLatency', { get() { asked++; return 0; } })"
    )
    page.speak(FOX)
    page.wait_state("Done")
    assert page.run("return asked") == 0
