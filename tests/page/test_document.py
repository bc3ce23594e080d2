"""The document: paragraphs that are made, changed and made again one by one; nothing that was written or spoken is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.ear import heard, word_errors
from tests.page.browser import Page, browser
from tests.page.conftest import _page
from tests.page.site import Site
from tests.page.stand_in import Plan

FOX = "The quick brown fox jumped over the lazy dog."
MARKET = "My father went to the market on Monday morning."
SEA = "She sells sea shells by the shore."
BROOK = "Seven small boats drifted slowly along."
THREE = f"{FOX}\n\n{MARKET}\n\n{SEA}"
LONG = " ".join([FOX, MARKET] * 4)
STATES = "return [...document.querySelectorAll('.pb')].map((b) => b.dataset.state)"
ASKED = (
    "const ask = fetch; window.asked = [];"
    "window.fetch = (path, what) => { if (path === 'api/tts') asked.push(JSON.parse(what.body)); return ask(path, what); }"
)


def put(page: Page, text: str) -> None:
    """As if it had been pasted over all."""
    page.run(
        "const b = document.querySelector('#text'); b.value = arguments[0];"
        "b.dispatchEvent(new InputEvent('input', { bubbles: true }))",
        text,
    )


def states(page: Page) -> list[str]:
    return list(page.run(STATES))


def wait_states(page: Page, *wanted: str) -> None:
    page.wait(f"return ({STATES.removeprefix('return ')}).join() === arguments[0]", ",".join(wanted), timeout_s=30)


LEAVING = (
    "const e = new Event('beforeunload', { cancelable: true }); window.dispatchEvent(e); return e.defaultPrevented"
)


def make(page: Page, text: str) -> None:
    put(page, text)
    page.click("#b-go")
    wait_states(page, *["made"] * (text.count("\n\n") + 1))
    wait_kept(page)


def wait_kept(page: Page) -> None:
    """Until the page would let one leave without a word."""
    page.wait(f"return !(() => {{ {LEAVING} }})()", timeout_s=30)


def menu(page: Page, passage: int, what: str) -> None:
    page.run("document.querySelectorAll('.pb')[arguments[0]].click()", passage)
    page.click(f"#pmenu [data-do={what}]")


# -- paragraphs ---------------------------------------------------------------------------------------------------


def test_each_paragraph_is_a_request_and_all_are_heard_in_order(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.run(ASKED)
    put(page, THREE)
    assert states(page) == ["none"] * 3
    page.click("#b-go")
    page.wait_state("Done", timeout_s=40)
    assert [asked["text"] for asked in page.run("return asked")] == [FOX, MARKET, SEA]
    assert states(page) == ["made"] * 3
    _, got = page.sound()
    assert word_errors(f"{FOX} {MARKET} {SEA}", heard(got, page.rate)) <= 2
    assert page.text("#v-words") == "25 of 25"


def test_an_edit_makes_only_its_paragraph_stale_and_only_that_is_made_again(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, THREE)
    put(page, THREE.replace("Monday", "Friday"))
    assert states(page) == ["made", "stale", "made"]
    page.run(ASKED)
    assert page.text("#go-text") == "Generate 1 of 3"
    page.click("#b-go")
    wait_states(page, "made", "made", "made")
    assert [asked["text"] for asked in page.run("return asked")] == [MARKET.replace("Monday", "Friday")]


def test_writing_a_paragraph_back_brings_its_speech_back(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, THREE)
    put(page, THREE.replace("Monday", "Friday"))
    put(page, THREE)
    assert states(page) == ["made"] * 3
    put(page, f"{SEA}\n\n{FOX}")  # moved about
    assert states(page) == ["made"] * 2


def test_a_paragraph_between_others_leaves_them_as_they_are(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, f"{FOX}\n\n{SEA}")
    put(page, THREE)
    assert states(page) == ["made", "none", "made"]


def test_hear_from_here_begins_there(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, THREE)
    page.wait_state("Done", timeout_s=40)
    page.run("tap.words.length = 0")
    menu(page, 1, "hear")
    page.wait("return tap.words.length > 3")
    assert page.marked()[0]["text"] in ("My", "father"), "a busy machine may miss the shortest word"


def test_make_again_asks_for_that_paragraph_and_the_take_before_comes_back(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, THREE)
    page.run(ASKED)
    menu(page, 2, "again")
    wait_states(page, "made", "made", "made")
    assert [asked["text"] for asked in page.run("return asked")] == [SEA]
    page.run("document.querySelectorAll('.pb')[2].click()")
    assert page.shown("#pmenu [data-do=before]")


def test_a_paragraph_asked_for_meanwhile_comes_first_and_the_others_are_made_all_the_same(
    gpu_page: Page, plan: Plan
) -> None:
    plan.pace = 4.0
    page = gpu_page.open().ready()
    put(page, "\n\n".join([LONG, MARKET, SEA, BROOK, "The end."]))
    page.click("#b-go")
    page.wait_state("Speaking")
    page.run("tap.words.length = 0")
    menu(page, 3, "hear")
    page.wait("return tap.words.some((w) => arguments[0].includes(w.text))", BROOK.split())
    assert not any(w["text"] == "market" for w in page.marked())
    plan.pace = None
    wait_states(page, *["made"] * 5)


def test_what_is_stopped_and_begun_again_at_once_goes_on(gpu_page: Page, plan: Plan) -> None:
    """Before the request that was given up has ended."""
    plan.pace = 4.0
    page = gpu_page.open().ready()
    put(page, f"{LONG}\n\n{SEA}")
    page.click("#b-go")
    page.wait("return Number(document.querySelector('#seek').max) > 4")
    page.run("const go = document.querySelector('#b-go'); go.click(); go.click()")
    plan.pace = None
    wait_states(page, "made", "made")


def test_a_paragraph_can_have_a_voice_of_its_own(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, THREE)
    menu(page, 1, "voice")
    page.find("#q").send_keys("p231")
    page.click("[data-id='vctk/p231_023.wav'] label")
    assert states(page) == ["made", "stale", "made"]
    assert page.text("#chosen b") == "VCTK p228", "the document's voice is another's"
    page.run(ASKED)
    page.click("#b-go")
    wait_states(page, "made", "made", "made")
    assert [asked["voice"] for asked in page.run("return asked")] == ["vctk/p231_023.wav"]
    wait_kept(page)
    page.visit()
    page.ready()
    wait_states(page, "made", "made", "made")
    menu(page, 1, "same")
    assert states(page) == ["made", "stale", "made"]


def test_a_title_is_spoken_without_its_mark_and_names_the_document(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.run(ASKED)
    make(page, f"# The fox\n\n{FOX}")
    assert [asked["text"] for asked in page.run("return asked")] == ["The fox", FOX]
    page.wait("return document.querySelector('#hlist .h p')?.textContent === 'The fox'")


def test_a_paragraph_with_nothing_to_say_does_not_stop_the_others(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    put(page, f"{FOX}\n\n* * *\n\n{SEA}")
    page.click("#b-go")
    wait_states(page, "made", "failed", "made")
    page.wait_state("Done", timeout_s=40)
    assert page.text("#go-text") == "Generate again", "it would fail again"


def test_a_dialogue_asks_once_for_the_voice_of_each_name(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    put(page, "Anna: Hello there.\nBen: Good morning.\nAnna: Good night.")
    assert page.run("return [...document.querySelectorAll('#dialogue [data-name]')].map((b) => b.dataset.name)") == [
        "Anna",
        "Ben",
    ]
    for name, voice in (("Anna", "p231"), ("Ben", "p232")):
        page.click(f"#dialogue [data-name={name}]")
        page.find("#q").clear()
        page.find("#q").send_keys(voice)
        page.click(f"[data-id='vctk/{voice}_023.wav'] label")
    assert "VCTK p231" in page.text("#dialogue [data-name=Anna]")
    page.run(ASKED)
    page.click("#b-go")
    wait_states(page, "made", "made", "made")
    assert [(a["text"], a["voice"][5:9]) for a in page.run("return asked")] == [
        ("Hello there.", "p231"),
        ("Good morning.", "p232"),
        ("Good night.", "p231"),
    ]


def test_a_name_without_a_voice_is_said_by_the_documents_and_not_by_the_name_before(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    put(page, "Anna: Hello there.\nBen: Good morning.\nAnna: Good night.")
    page.click("#dialogue [data-name=Anna]")
    page.find("#q").send_keys("p231")
    page.click("[data-id='vctk/p231_023.wav'] label")
    assert states(page) == ["none"] * 3
    assert page.run("return [...document.querySelectorAll('.pb i')].map((i) => i.textContent)") == ["p231", "", "p231"]
    page.run(ASKED)
    page.click("#b-go")
    wait_states(page, "made", "made", "made")
    assert [(a["text"], a["voice"][5:9]) for a in page.run("return asked")] == [
        ("Hello there.", "p231"),
        ("Good morning.", "p228"),
        ("Good night.", "p231"),
    ]


def test_a_key_puts_a_pause_where_one_writes_and_undo_takes_it_back(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.write("One. Two.")
    page.run("document.querySelector('#text').setSelectionRange(4, 4)")
    ActionChains(page.driver).key_down(Keys.CONTROL).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(
        Keys.SHIFT
    ).key_up(Keys.CONTROL).perform()
    assert page.run("return document.querySelector('#text').value") == 'One.<break time="0.5s"/> Two.'
    assert states(page) == ["none"]
    page.chord(Keys.CONTROL, "z")
    assert page.run("return document.querySelector('#text').value") == "One. Two."


def test_the_arrow_keys_go_from_paragraph_to_paragraph(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    put(page, THREE)
    assert page.run("return document.querySelectorAll('.pb[tabindex=\"0\"]').length") == 1
    page.run("document.querySelector('.pb').focus()")
    page.keys("\ue015")
    assert page.run("return document.activeElement.getAttribute('aria-label')").startswith("Paragraph 2, not generated")


def test_the_marked_text_lies_where_the_written_one_does(gpu_page: Page) -> None:
    """Word by word: the box has the same height as what lies behind it, at any width."""
    page = gpu_page.open().ready()
    put(page, "\n\n".join(f"{i}. {LONG}" for i in range(5)) + "\n\n\n")
    for width in (1280, 900, 390, 320):
        page.size(width, 800)
        heights = page.run(
            "const t = document.querySelector('#text'), r = document.querySelector('#reading');"
            "return [t.scrollHeight, r.offsetHeight, t.clientWidth, r.clientWidth]"
        )
        assert abs(heights[0] - heights[1]) <= 1
        assert heights[2] == heights[3]


# -- nothing is lost ----------------------------------------------------------------------------------------------


def test_a_reload_while_it_speaks_keeps_what_was_made_and_it_goes_on_from_there(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 4.0
    page = gpu_page.open().ready()
    page.speak(LONG)
    page.wait("return Number(document.querySelector('#seek').max) > 6")
    page.visit()
    page.ready()
    page.wait("return Number(document.querySelector('#seek').max) > 3")
    assert page.find("#text").get_attribute("value") == LONG
    assert page.text("#go-text") == "Go on"
    assert "of about" in page.text("#hlist .h small")
    kept = page.run("return Number(document.querySelector('#seek').max)")
    page.run(ASKED)
    plan.pace = None
    page.click("#b-go")
    page.wait("return document.querySelector('#t-all').textContent.startsWith('/ 0')")  # all has come
    rest = page.run("return asked")[0]["text"]
    assert LONG.endswith(rest)
    assert len(rest) < len(LONG)
    assert page.run("return Number(document.querySelector('#seek').max)") > kept
    assert page.run("return document.querySelectorAll('#hlist .h').length") == 1
    page.click("#b-dl")
    page.click("#dl [data-format=wav]")
    with wave.open(str(page.downloaded("wav"))) as file:
        got = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        assert word_errors(LONG, heard(got, file.getframerate())) <= 2, "each sentence once"


def test_a_browser_that_is_killed_finds_the_document_again(gpu_site: Site, plan: Plan, tmp_path: Path) -> None:
    plan.pace = 4.0
    with browser(tmp_path, tapped=False) as driver:
        page = Page(driver, gpu_site.url, tmp_path)
        page.visit()
        page.ready().click("#text")
        put(page, f"{SEA}\n\n{LONG}")
        page.click("#b-go")
        page.wait("return Number(document.querySelector('#seek').max) > 8")
        wait_states(page, "made", "making")
        kill(driver)
    plan.pace = None
    with browser(tmp_path, tapped=False) as driver:
        page = Page(driver, gpu_site.url, tmp_path)
        page.visit()
        page.ready()
        wait_states(page, "made", "part")
        assert page.find("#text").get_attribute("value") == f"{SEA}\n\n{LONG}"
        page.run(ASKED)
        page.click("#b-go")
        wait_states(page, "made", "made")
        (rest,) = page.run("return asked")
        assert LONG.endswith(rest["text"])
        assert len(rest["text"]) < len(LONG)


def kill(driver: webdriver.Chrome) -> None:
    """The browser itself, not by its own door."""
    service = driver.service.process
    assert isinstance(service, subprocess.Popen)
    for pid in subprocess.run(["pgrep", "-P", str(service.pid)], capture_output=True, text=True).stdout.split():
        os.kill(int(pid), signal.SIGKILL)


def test_leaving_while_something_is_made_is_asked_about(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 2.0
    page = gpu_page.open().ready()
    assert page.run(LEAVING) is False
    page.speak(FOX)
    page.wait_state("Speaking")
    assert page.run(LEAVING) is True
    plan.pace = None
    page.wait_state("Done")
    wait_kept(page)


def test_after_a_break_only_the_rest_is_made(gpu_page: Page, gpu_site: Site, plan: Plan) -> None:
    plan.pace = 4
    gpu_site.cut_after = 90
    page = gpu_page.open().ready()
    page.speak(LONG)
    page.wait_text("#notice", "The connection was lost while speaking")
    page.run(ASKED)
    gpu_site.cut_after = None
    assert page.text("#go-text") == "Go on"
    page.click("#b-go")
    page.wait("return asked.length === 1")
    rest = page.run("return asked[0].text")
    assert LONG.endswith(rest)
    assert rest.startswith(("The quick", "My father")), "from the beginning of a sentence"
    assert len(rest) < len(LONG)


def test_playing_from_the_history_touches_nothing_that_is_written(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Done")
    put(page, MARKET)
    page.wait("return document.querySelectorAll('#hlist .h').length === 1")
    page.click("#hlist [data-do=play]")
    page.wait_state("Speaking")
    assert page.find("#text").get_attribute("value") == MARKET
    page.wait_state("Done")
    page.visit()
    assert page.find("#text").get_attribute("value") == MARKET


def test_nothing_goes_from_the_history_unasked(gpu_page: Page) -> None:
    page = gpu_page.open(limit=200_000).ready()  # bytes: about four seconds
    for text in (FOX, MARKET, SEA):
        page.speak(text)
        page.wait_state("Done")
    page.wait("return document.querySelectorAll('#hlist .h').length === 3")
    assert page.shown("#h-surplus")
    assert "Delete the" in page.text("#h-surplus span")
    assert " MB" in page.text("#h-sub")
    page.click("#b-keepall")
    page.wait("return document.querySelector('#h-surplus').hidden || !document.querySelector('#h-surplus').hidden")
    assert page.run("return document.querySelectorAll('#hlist .h').length") == 3
    while page.shown("#h-surplus"):
        before = page.run("return document.querySelectorAll('#hlist .h').length")
        page.click("#b-surplus")
        page.wait("return document.querySelectorAll('#hlist .h').length < arguments[0]", before)
    assert page.text("#hlist .h p") == SEA, "the newest stays"


def test_the_history_tells_whole_from_part_and_the_speed(gpu_page: Page, plan: Plan) -> None:
    page = gpu_page.open(speed=1.5).ready()
    page.speak(FOX)
    page.wait_state("Done")
    page.wait("return document.querySelector('#hlist small') !== null")
    assert "of about" not in page.text("#hlist small")
    assert "1.50×" in page.text("#hlist small")
    plan.pace = 3.0
    page.speak(LONG)
    page.wait("return Number(document.querySelector('#seek').max) > 1")
    page.keys("\ue00c")
    page.wait("return document.querySelectorAll('#hlist .h').length === 2")
    page.wait_text("#hlist .h:first-child small", "of about")


def test_entries_of_the_history_have_names_and_are_found(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    for text in (FOX, MARKET, SEA, "One.", "Two.", "Three."):
        page.speak(text)
        page.wait_state("Done")
    page.wait("return document.querySelectorAll('#hlist .h').length === 6")
    page.click("#hlist .h:nth-child(4) [data-do=name]")
    page.keys("Bedtime\ue007")
    page.wait("return document.querySelector('#hlist .h:nth-child(4) p')?.textContent === 'Bedtime'")
    assert page.run("return document.activeElement.dataset.do") == "name"
    page.find("#hq").send_keys("bedt")
    assert page.run("return document.querySelectorAll('#hlist .h').length") == 1
    page.visit()
    page.ready()
    page.wait("return [...document.querySelectorAll('#hlist .h p')].some((p) => p.textContent === 'Bedtime')")


def test_another_document_leaves_the_one_before_in_the_history(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    make(page, THREE)
    page.click("#b-clear")
    page.speak(FOX + " Again.")
    page.wait("return document.querySelectorAll('#hlist .h').length === 2")
    page.click("#hlist .h:nth-child(2) [data-do=open]")
    page.wait("return document.querySelector('#text').value === arguments[0]", THREE)
    wait_states(page, "made", "made", "made")


def test_two_tabs_do_not_write_over_each_other(gpu_page: Page) -> None:
    page, first = gpu_page.open().ready(), gpu_page.driver.current_window_handle
    make(page, THREE)
    page.wait("return document.querySelector('#hlist .h') !== null")
    page.driver.switch_to.new_window("tab")
    try:
        page.driver.get(f"{page.url}/")
        page.ready()
        wait_states(page, "made", "made", "made")
        put(page, f"{FOX} Here.")
        page.click("#b-go")
        page.wait_state("Done")
        page.wait("return document.querySelectorAll('#hlist .h').length === 2")
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)
    page.visit()
    page.ready()
    page.wait("return document.querySelector('#text').value === arguments[0]", THREE)
    wait_states(page, "made", "made", "made")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_of_another_language_than_the_voice_is_told_and_the_switch_offered(gpu_page: Page, language: str) -> None:
    page = gpu_page.open(language=language).ready()
    put(page, "Bonsoir, et bienvenue à bord du train de nuit. Nous partons dans quelques minutes.")
    assert page.shown("#text-note")
    page.click("#b-switch")
    assert page.text("#chosen b").startswith("CML")
    assert not page.shown("#text-note")


HOLDS = """
const { set } = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'oncomplete');
const { getAllKeys } = IDBObjectStore.prototype;
let after = Infinity, begun = 0;
window.held = [];
Object.defineProperty(IDBTransaction.prototype, 'oncomplete', { set(go) {
  const late = ++begun > after;
  set.call(this, () => { if (late && window.held) window.held.push(go); else go(); });
} });
IDBObjectStore.prototype.getAllKeys = function (...given) { after = begun + 1; return getAllKeys.apply(this, given); };
const old = indexedDB.open('kyutai-tts', 1);
old.onsuccess = () => { old.result.onversionchange = () => setTimeout(() => old.result.close(), 300); };
"""  # From the reading of the samples on, the storage is slow: until its answers in window.held are let go.
# A tab with the version before holds the database for a moment.


def test_an_old_history_is_taken_over(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    """What the version before kept: one speech in an entry."""
    for page in _page(chromium, make_site(), tmp_path):
        page.open()
        page.driver.get(f"{page.url}/static/icon.svg")
        page.driver.execute_async_script(
            "const done = arguments[0], drop = indexedDB.deleteDatabase('kyutai-tts');"
            "sessionStorage.clear(); localStorage.removeItem('kyutai-tts');"  # the visit's own empty document
            "drop.onsuccess = () => { const open = indexedDB.open('kyutai-tts', 1);"
            "open.onupgradeneeded = () => { open.result.createObjectStore('entries', { keyPath: 'id' });"
            " open.result.createObjectStore('samples'); };"
            "open.onsuccess = () => { const t = open.result.transaction(['entries', 'samples'], 'readwrite');"
            "t.objectStore('entries').put({ id: 'a', at: Date.now(), request: { text: 'Hello.', voice: 'x' },"
            " voiceName: 'X', language: 'en', words: [], wordsTotal: 1, rate: 24000, seconds: 1, complete: true,"
            " bytes: 48000 }); t.objectStore('samples').put(new Int16Array(24000).buffer, 'a');"
            "t.oncomplete = () => { open.result.close(); done(); }; }; }"
        )
        slow = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HOLDS})
        try:
            page.visit()
            page.ready()
            page.wait("return window.held.length > 0")
            assert page.complaints() == []
            page.run("document.querySelector('#text').dispatchEvent(new Event('input', { bubbles: true }))")
            page.run("const late = window.held; window.held = null; for (const go of late) go();")
            page.wait("return document.querySelector('#hlist .h p')?.textContent === 'Hello.'")
            page.click("#hlist [data-do=play]")
            page.wait_state("Speaking")
        finally:
            page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", slow)
