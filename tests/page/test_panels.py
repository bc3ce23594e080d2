"""GPU card, history, key: what stands beside the speech."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver

from speech.errors import Unavailable
from speech.selection import choose_engine
from speech.settings import Settings
from tests.ear import heard, word_errors
from tests.page.browser import Page
from tests.page.conftest import _page
from tests.page.site import Site
from tests.page.stand_in import Plan

FOX = "The quick brown fox jumped over the lazy dog."
MARKET = "My father went to the market on Monday morning."


# -- GPU ----------------------------------------------------------------------------------------------------------


def test_the_card_shows_device_memory_and_slots(gpu_page: Page, plan: Plan) -> None:
    plan.slots_used, plan.queue_depth = 3, 2
    page = gpu_page.open().ready()
    page.wait_text("#g-device", "NVIDIA RTX 4090")
    assert page.text("#g-engine") == "· Kyutai TTS 1.6B · cuda:0"
    assert page.text("#g-why") == "", "a GPU speaks because there is one"
    assert page.text("#g-mem-v") == "11.0 of 24 GB"
    assert page.find("#g-mem").get_attribute("aria-valuetext") == "this service 4.6 GB, others 6.4 GB, free 13.0 GB"
    assert page.text("#g-slots") == "3 of 8 in use"
    assert page.text("#g-queue") == "2 waiting"
    assert page.find("#chip").get_attribute("aria-label") == "Status: Ready, RTX 4090"


def test_release_and_load(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    page.click("#chip")
    page.click("#b-release")
    page.wait_text("#g-state", "Released")
    assert gpu_site.service.status().state == "unloaded"
    assert "The GPU memory is free." in page.text("#g-sentence")
    assert page.focus == "b-load", "the one button gives the focus to the other"
    page.click("#b-load")
    page.wait_text("#g-state", "Ready")
    assert page.focus == "b-release"
    assert gpu_site.service.status().loads == 2


def test_the_model_on_a_cpu_is_not_taken_for_the_embedded_voice(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    for page in _page(chromium, make_site(gpu=None), tmp_path):
        page.open().ready()
        page.wait_text("#g-sentence", "The model runs on the CPU, far slower than real time.")
        assert page.text("#g-device") == "Kyutai TTS 1.6B"


def test_the_state_in_the_header_opens_the_panel(gpu_page: Page) -> None:
    page = gpu_page.open(width=390, height=844).ready()
    assert not page.shown("#b-release")
    page.click("#chip")
    assert page.shown("#b-release")
    assert page.focus == "h-gpu"
    page.keys("\ue00c")  # Escape
    assert not page.shown("#gpu")
    assert page.focus == "chip"


def test_release_while_somebody_listens_asks_first(gpu_page: Page, plan: Plan) -> None:
    plan.hold_at_s = 6.0  # and then it is never done
    plan.go_on.clear()
    page = gpu_page.open().ready()
    page.speak(" ".join([FOX] * 3))
    page.wait_state("Speaking")
    page.click("#chip")
    page.click("#b-release")
    page.wait("return document.querySelector('#d-release').open")
    assert "1 person is listening" in page.text("#d-release-d")
    assert page.run("return document.activeElement.value") == "keep"
    page.keys("\ue007")  # Enter: keep
    page.wait("return !document.querySelector('#d-release').open")
    assert page.text("#go-text") == "Stop"
    page.click("#b-release")
    page.wait("return document.querySelector('#d-release').open")
    page.click("#d-release [value=force]")
    page.wait_text("#notice", "The server stopped speaking")
    page.wait_text("#g-state", "Released")


def test_the_seconds_until_release_are_counted_down(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    for page in _page(chromium, make_site(idle_timeout_s=600), tmp_path):
        page.open().ready()
        left = "return Number(/Releases in (\\d+) s/.exec(document.querySelector('#g-sentence').textContent)?.[1] ?? 0)"
        first = page.wait(left)
        assert 500 < first <= 600
        page.wait(f"{left} < arguments[0]", first)
        asked = page.run(
            "return performance.getEntriesByType('resource').filter((e) => e.name.endsWith('gpu/status')).length"
        )
        assert asked <= 3, "counted here, not asked for every second"


def test_a_load_that_fails_says_so(gpu_page: Page, gpu_site: Site, plan: Plan) -> None:
    page = gpu_page.open().ready()
    gpu_site.service.release()
    plan.load_error = Unavailable("Only 2.9 GB are free.", code="too_little_memory")
    page.wait_text("#g-state", "Released")
    page.click("#chip")
    page.click("#b-load")
    page.wait_text("#g-note", "The model could not be loaded. Only 2.9 GB are free.")


def test_without_a_gpu_the_card_says_what_speaks_and_why(page: Page) -> None:
    page.open().ready()
    page.wait_text("#g-device", "Built-in voice")
    assert page.text("#g-why").strip() == "(chosen by the setting ENGINE=hibari)"
    assert not page.shown("#g-step"), "one that was asked for by name needs no other"
    assert "English only" in page.text("#g-sentence")
    assert not page.shown("#g-mem")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "Kyutai Pocket TTS speaks 7 languages without a GPU, too: set ENGINE=pocket on the server (1.3 GB on disk",
        ),
        ("zh", "Kyutai Pocket TTS 不用 GPU 也能说 7 种语言：在服务器上设置 ENGINE=pocket 即可（占用磁盘 1.3 GB"),
    ],
)
def test_without_a_gpu_the_panel_says_how_more_is_spoken(
    page: Page, hibari_site: Site, tmp_path: Path, language: str, said: str
) -> None:
    hibari_site.service.choice = choose_engine(Settings.load({"HF_HOME": str(tmp_path)}), [])
    page.open(language=language).ready()
    page.wait_text("#g-step", said)
    assert "0.05" in page.text("#g-step")
    assert "1.4 GB" in page.text("#g-step")
    page.click("#chip")
    assert page.shown("#g-step")


def test_a_hidden_tab_asks_nothing(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.wait_text("#g-state", "Ready")
    asked = "return performance.getEntriesByType('resource').filter((e) => e.name.endsWith('gpu/status')).length"
    page.run(
        "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    before = page.run(asked)
    page.run("document.querySelector('#b-load').click()")  # even a press: the answer is not looked at
    page.driver.execute_async_script("setTimeout(arguments[0], 3000)")
    assert page.run(asked) == before
    page.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(f"{asked} > arguments[0]", before)


# -- history ------------------------------------------------------------------------------------------------------


def test_history_plays_reuses_downloads_and_survives_a_reload(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    for text in (FOX, MARKET):
        page.speak(text)
        page.wait_state("Done")
    page.wait("return document.querySelectorAll('#hlist .h').length === 2")
    page.visit()
    page.ready()
    page.wait("return document.querySelectorAll('#hlist .h').length === 2")
    assert page.text("#hlist .h:first-child p") == MARKET
    page.click("#hlist .h:nth-child(2) [data-do=play]")
    page.wait_state("Speaking")
    assert FOX in page.text("#now")
    page.wait_state("Done")
    _, got = page.sound()
    assert word_errors(FOX, heard(got, page.rate)) == 0
    page.click("#hlist .h:nth-child(2) [data-do=download]")
    assert page.downloaded("wav").name.startswith("the-quick-brown-fox")
    assert page.find("#text").get_attribute("value") == MARKET, "playing touches nothing that is written"
    page.click("#hlist .h:nth-child(2) [data-do=open]")
    page.wait("return document.querySelector('#text').value === arguments[0]", FOX)
    assert page.run("return document.querySelectorAll('#hlist .h').length") == 2


def test_history_deletes_with_undo(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait("return document.querySelectorAll('#hlist .h').length === 1")
    page.click("#hlist [data-do=delete]")
    assert page.text("#hlist .gone p") == "Deleted"
    assert page.run("return document.activeElement.dataset.do") == "undo"
    page.keys("\ue007")
    assert page.text("#hlist .h p") == FOX
    assert page.run("return document.activeElement.dataset.do") == "play"
    page.click("#b-hclear")
    assert page.text("#hlist") == "History cleared"
    page.click("#b-hclear")
    assert page.text("#hlist .h p") == FOX


def test_history_without_storage_lasts_for_the_tab(gpu_page: Page) -> None:
    page = gpu_page
    refused = page.driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            "source": "Object.defineProperty(window, 'indexedDB',"
            " { get() { throw new DOMException('no', 'SecurityError'); } })"
        },
    )
    try:
        page.open().ready()
        page.speak(FOX)
        page.wait("return document.querySelectorAll('#hlist .h').length === 1")
        assert "This browser refuses storage" in page.text("#h-sub")
        page.wait_state("Done")
        page.click("#hlist [data-do=play]")
        page.wait_state("Speaking")
    finally:
        page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", refused)


def test_history_in_a_full_browser_keeps_what_it_has(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait("return document.querySelectorAll('#hlist .h').length === 1")
    page.wait_state("Done")
    page.run("IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }")
    page.speak(MARKET)
    page.wait("return document.querySelectorAll('#hlist .h').length === 2")
    assert "This browser has no room for more" in page.text("#h-sub")
    page.wait_state("Done")
    page.click("#hlist .h:first-child [data-do=play]")
    page.wait_state("Speaking")
    page.visit()
    page.wait("return document.querySelectorAll('#hlist .h').length === 1")
    assert page.text("#hlist .h p") == FOX


def test_the_focus_stays_in_the_history_when_a_row_comes(gpu_page: Page, plan: Plan) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait("return document.querySelectorAll('#hlist .h').length === 1")
    page.wait_state("Done")
    page.click("#b-go")
    page.run("document.querySelector('#hlist [data-do=download]').focus()")
    page.wait("return document.querySelectorAll('#hlist .h').length === 2")
    assert page.run("return document.activeElement.dataset.do") == "download"
    assert page.run("return document.activeElement.closest('li') === document.querySelector('#hlist').lastElementChild")


def test_a_download_from_the_history_needs_no_server(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open(format="mp3").ready()
    page.speak(FOX)
    page.wait_state("Done")
    page.wait("return document.querySelectorAll('#hlist .h').length === 1")
    gpu_site.down = True
    page.click("#hlist [data-do=download]")
    assert page.downloaded("wav").stat().st_size > 10_000


def test_two_tabs_do_not_forget_what_the_other_remembers(gpu_page: Page) -> None:
    page, first = gpu_page.open().ready(), gpu_page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        page.driver.get(f"{page.url}/")
        page.ready()
        page.click("#c-star")
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)
    page.click("#b-mute")
    page.run("document.querySelector(\"[data-id='vctk/p231_023.wav'] .star\").click()")
    kept = page.run("return JSON.parse(localStorage['kyutai-tts'])")
    assert kept["favourites"] == ["vctk/p228_023.wav", "vctk/p231_023.wav"]
    assert kept["volume"] == 0


def test_a_text_that_is_cleared_can_be_had_back(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.write(FOX)
    page.click("#b-clear")
    assert page.find("#text").get_attribute("value") == ""
    page.click("#b-undo")
    assert page.find("#text").get_attribute("value") == FOX
    assert not page.shown("#b-undo")
    assert page.focus == "text"


def test_a_text_that_gave_way_to_another_can_be_had_back(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Done")
    page.write(MARKET)
    page.click("[data-example=numbers]")
    page.click("#b-undo")
    assert page.find("#text").get_attribute("value") == MARKET


def test_the_text_is_there_after_a_reload(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.write("One.\n\nTwo.")
    page.visit()
    assert page.find("#text").get_attribute("value") == "One.\n\nTwo."
