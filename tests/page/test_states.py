"""Everything that can happen between the press and the sound, and what the page says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from speech.errors import QueueFull, Unavailable
from speech.request import Samples
from speech.settings import Settings
from tests.ear import heard, word_errors
from tests.page.browser import Page
from tests.page.conftest import _page
from tests.page.site import Site
from tests.page.sound import in_order, spoken
from tests.page.stand_in import GB, Plan

FOX = "The quick brown fox jumped over the lazy dog."
LONG = " ".join([FOX] * 4)
TWO = f"{FOX} My father went to the market on Monday morning."


def body(message: str, code: str | None, param: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": "x", "param": param, "code": code}}).encode()


def test_an_empty_text_is_not_sent(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    assert page.find("#b-go").get_attribute("aria-disabled") == "true"
    page.click("#b-go")
    assert page.text("#text-note") == "Write something to be spoken first."
    assert page.text("#alarm") == "Write something to be spoken first."
    assert page.focus == "text"
    page.find("#text").send_keys("Hello.")
    assert not page.shown("#text-note")


def test_a_text_longer_than_a_request_may_be_is_spoken_in_passages(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    at = make_site(settings=Settings(engine="auto", max_text_chars=50))
    for page in _page(chromium, at, tmp_path):
        page.open(text=TWO).ready()
        assert len(TWO) > 50
        page.wait("return document.querySelectorAll('.pb').length === 2")  # where the limit falls
        page.click("#b-go")
        page.wait_state("Done")
        _, got = page.sound()
        assert word_errors(TWO, heard(got, page.rate)) <= 1


def test_waiting_in_the_queue_shows_the_place_and_can_be_cancelled(gpu_page: Page, plan: Plan) -> None:
    plan.seated.clear()
    plan.position = 3
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_text("#msg h3", "You are number 3 in the queue")
    assert page.text("#go-text") == "Cancel"
    assert page.text("#live") == "You are number 3 in the queue"
    plan.position = 1
    page.wait_text("#msg h3", "You are number 1 in the queue")
    page.click("#b-go")
    page.wait("return document.querySelector('#go-text').textContent === 'Generate'")
    assert page.shown("#text")
    assert page.shown("#scope")


def test_loading_shows_bytes_and_a_bar(
    make_site: Callable[..., Site], plan: Plan, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    plan.loaded.clear()
    plan.load_progress = ("loading the model", 2.1 * GB, 3.4 * GB, 8.2)
    for page in _page(chromium, make_site(), tmp_path):
        page.open().ready()
        page.speak(FOX)
        page.wait_text("#msg h3", "Loading the model onto the GPU")
        page.wait_text("#msg p", "2.1 of 3.4 GB · about 9 s left")
        assert page.find("#msg [role=progressbar]").get_attribute("aria-valuenow") == "62"
        page.wait_text("#g-state", "Loading")
        plan.loaded.set()
        page.wait_state("Done")
        _, got = page.sound()
        assert word_errors(FOX, heard(got, page.rate)) == 0


def test_loading_that_outlasts_the_wait_is_no_failure(
    make_site: Callable[..., Site], plan: Plan, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    plan.loaded.clear()
    site = make_site(settings=Settings(engine="auto", max_slots=plan.slots, gpu_idle_timeout=-1, load_timeout=0.5))
    for page in _page(chromium, site, tmp_path):
        page.open().ready()
        page.speak(FOX)
        page.wait_text("#msg h3", "The model is still being loaded")
        plan.loaded.set()


def test_slower_than_real_time_waits_and_says_so(gpu_page: Page, gpu_site: Site, plan: Plan) -> None:
    plan.pace = 0.6
    page = gpu_page.open().ready()
    page.watch("#state-text")
    page.speak(TWO)
    page.wait_state("Waiting for audio")
    page.wait_text("#notice", "The voice is being made at 0.")
    assert page.text("#go-text") == "Stop"
    page.wait_state("Done", timeout_s=40)
    _, got = page.sound()
    assert in_order(spoken(gpu_site, TWO), got) > 0.97, "every sample, in order"
    assert page.watched.count("Waiting for audio") <= 4, "waits seldom, not often"
    plan.pace = None
    assert largest_step(got) <= largest_step(spoken(gpu_site, TWO)), "no click where it waited"


def largest_step(samples: Samples) -> float:
    return float(np.max(np.abs(np.diff(samples))))


def test_a_stall_is_waited_for_and_nothing_is_lost(gpu_page: Page, plan: Plan) -> None:
    plan.hold_at_s = 1.0
    plan.go_on.clear()
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Waiting for audio")
    plan.go_on.set()
    page.wait_state("Done")
    _, got = page.sound()
    assert word_errors(FOX, heard(got, page.rate)) == 0


def test_a_connection_that_breaks_leaves_what_was_heard_and_an_error(
    gpu_page: Page, gpu_site: Site, plan: Plan
) -> None:
    plan.pace = 4
    gpu_site.cut_after = 60
    page = gpu_page.open().ready()
    page.speak(LONG)
    page.wait_text("#notice", "The connection was lost while speaking")
    page.wait_state("Incomplete")
    kept = float(page.text("#v-audio").removesuffix(" s"))
    assert kept > 1
    assert f"The first {kept} s are kept" in page.text("#notice")
    assert "connection was lost" in page.text("#alarm")
    page.click("#b-play")
    page.wait_state("Speaking")
    page.click("#b-dl")
    page.click("#dl [data-format=wav]")
    assert page.downloaded("wav").stat().st_size == pytest.approx(44 + kept * 48_000, abs=4_800)


def test_an_engine_that_fails_midway_leaves_what_was_heard_and_an_error(gpu_page: Page, plan: Plan) -> None:
    plan.pace, plan.fail_at_s = 4, 2.0
    page = gpu_page.open().ready()
    page.speak(LONG)
    page.wait_text("#notice", "The server stopped speaking")
    page.wait_state("Incomplete")
    assert page.text("#go-text") == "Go on"


@pytest.mark.parametrize(
    ("error", "title", "sentence"),
    [
        (Unavailable("x", code="too_little_memory"), "Not enough GPU memory", "Close other programs on the GPU"),
        (Unavailable("Not on this machine."), "The server cannot speak right now", "finds the reason in its log."),
    ],
)
def test_a_refusal_is_explained(gpu_page: Page, plan: Plan, error: Unavailable, title: str, sentence: str) -> None:
    plan.refuse = error
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_text("#msg h3", title)
    assert sentence in page.text("#msg p")
    assert title in page.text("#alarm")
    assert page.find("#text").get_attribute("value") == FOX, "the text is untouched"
    plan.refuse = None
    page.click("#msg button")
    assert page.focus == "b-go", "the button that was pressed is gone"
    page.wait_state("Done")


@pytest.mark.parametrize(
    ("error", "title", "sentence"),
    [
        (QueueFull("Full.", retry_after_s=1), "The queue is full", "All 8 slots are busy and 20 requests are waiting."),
        (Unavailable("x", code="draining", retry_after_s=1), "The server is shutting down", "Your text is safe here."),
    ],
)
def test_a_busy_server_is_asked_again_at_the_time_it_told(
    gpu_page: Page, plan: Plan, error: Unavailable, title: str, sentence: str
) -> None:
    plan.refuse, plan.slots_used, plan.queue_depth = error, 8, 20
    page = gpu_page.open().ready()
    page.wait_text("#g-queue", "20 waiting")
    page.speak(FOX)
    page.wait_text("#msg h3", title)
    assert sentence in page.text("#msg p")
    assert title in page.text("#alarm")
    assert page.text("#go-text") == "Cancel", "nothing invites to press again what presses itself"
    plan.refuse = None
    page.wait_state("Done")  # without a press


def test_waiting_for_a_busy_server_can_be_cut_short_or_given_up(gpu_page: Page, plan: Plan) -> None:
    plan.refuse = QueueFull("Full.", retry_after_s=600)
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_text("#msg h3", "The queue is full")
    page.click("#b-go")
    page.wait("return document.querySelector('#msg').hidden")
    assert page.text("#go-text") == "Generate"
    page.click("#b-go")
    page.wait_text("#msg button", "Try now")
    plan.refuse = None
    page.click("#msg button")
    page.wait_state("Done")


def test_what_the_server_says_itself_is_among_the_details(gpu_page: Page, plan: Plan) -> None:
    plan.refuse = Unavailable("Not on this machine, and not to be had from the hub.")
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_text("#msg details p", "Not on this machine, and not to be had from the hub.")


def test_a_queue_that_was_full_once_the_model_was_there_is_a_full_queue(
    make_site: Callable[..., Site], plan: Plan, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    plan.loaded.clear()
    plan.refuse = QueueFull("Full.")
    for page in _page(chromium, make_site(), tmp_path):
        page.open().ready()
        page.speak(FOX)
        page.wait_text("#msg h3", "Loading the")  # the headers have left with a 200
        plan.loaded.set()
        page.wait_text("#msg h3", "The queue is full")


def test_the_wait_that_the_server_asks_for_is_counted_down(gpu_page: Page, plan: Plan) -> None:
    plan.refuse = QueueFull("Full.", retry_after_s=9)
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait("return /Trying again by itself in [1-8] s\\./.test(document.querySelector('#msg p')?.textContent)")


def test_a_fault_of_the_server_names_the_request(gpu_page: Page, gpu_site: Site) -> None:
    gpu_site.status, gpu_site.body = 500, body("Something went wrong on our side.", "internal_error")
    gpu_site.headers = (("X-Request-Id", "abc-7"),)
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_text("#msg p", "Request abc-7")
    page.click("#msg summary")
    assert "Something went wrong on our side." in page.text("#msg details p")


def test_a_proxy_that_does_not_reach_the_server_is_a_server_that_is_gone(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    gpu_site.refused, gpu_site.status, gpu_site.body = "", 502, b"<html>Bad gateway</html>"  # for every path
    page.speak(FOX)
    page.wait_text("#msg h3", "The server cannot be reached")
    gpu_site.status = None
    page.wait("return document.querySelector('#msg').hidden")
    assert page.text("#live") == "The server is back."


def test_lists_that_did_not_come_are_asked_for_again(gpu_page: Page, gpu_site: Site) -> None:
    gpu_site.refused, gpu_site.status, gpu_site.body = "/api/voices", 500, body("A fault.", "internal_error")
    page = gpu_page.open(text=FOX)
    page.wait_text("#msg h3", "Something went wrong on the server")
    gpu_site.status = None
    page.click("#msg button")
    page.ready()
    page.wait("return document.querySelector('#msg').hidden")
    assert page.shown("#text"), "it was not taken for a wish to speak"


def test_a_server_without_voices_says_so(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    for page in _page(chromium, make_site(voices=[]), tmp_path):
        page.open()
        page.wait_text("#voice-note", "This server has no voices.")
        page.wait_text("#chip-state", "Ready")
        page.click("#b-zh")
        page.wait_text("#voice-note", "这台服务器还没有音色")
        assert page.complaints() == []


def test_a_voice_that_is_gone_is_told_beside_the_voices(gpu_page: Page, gpu_site: Site) -> None:
    gpu_site.status, gpu_site.body = 404, body("There is no voice.", "voice_not_found", "voice")
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_text("#alarm", "This voice is no longer on the server. Choose another one.")
    assert page.shown("#text")
    lists = "return performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/api/voices')).length"
    page.wait(f"{lists} === 2")
    page.wait("return document.querySelector('#vlist input:checked') !== null")
    page.wait_text("#voice-note", "This voice is no longer on the server.")  # with the new list, too
    page.click("[data-id='vctk/p231_023.wav'] label")
    assert not page.shown("#voice-note")


def test_a_setting_that_is_refused_is_told_beside_it(gpu_page: Page, gpu_site: Site) -> None:
    gpu_site.status, gpu_site.body = 400, body("cfg_coef must be one of 1.0, 2.0.", "invalid_value", "cfg_coef")
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_text("#cfg-note", "cfg_coef must be one of 1.0, 2.0.")
    assert page.focus == "cfg"


def test_a_server_that_is_gone_is_seen_and_so_is_its_return(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    gpu_site.down = True
    page.speak(FOX)
    page.wait_text("#msg h3", "The server cannot be reached")
    assert "The server cannot be reached" in page.text("#alarm")
    gpu_site.down = False
    page.wait("return document.querySelector('#msg').hidden")
    assert page.text("#live") == "The server is back."
    page.click("#b-go")
    page.wait_state("Done")


def test_a_server_that_is_gone_is_seen_beside_a_finished_speech(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Done")
    gpu_site.down = True
    page.run("document.dispatchEvent(new Event('visibilitychange'))")  # it asks when it becomes visible
    page.wait_text("#notice", "The server cannot be reached")
    page.wait_text("#chip-state", "Offline")
    assert page.find("#b-release").get_attribute("aria-disabled") == "true"
    gpu_site.down = False
    page.wait_text("#chip-state", "Ready")
    page.wait("return document.querySelector('#notice').hidden")


def _press_while_it_is_down(page: Page, site: Site) -> None:
    """Until the server is back and the page says so."""
    site.down = True
    page.click("#b-go")
    page.wait_text("#msg h3", "The server cannot be reached")
    site.down = False
    page.wait("return document.querySelector('#msg').hidden", timeout_s=30)


def test_a_server_that_is_back_leaves_no_message_and_what_was_made_is_at_hand(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Done")
    page.find("#text").send_keys("\ue007\ue007Good night.")
    _press_while_it_is_down(page, gpu_site)
    assert page.text("#go-text") == "Generate 1 of 2"
    page.click("#b-play")
    page.wait_state("Speaking")


@pytest.mark.slow
def test_making_again_in_vain_leaves_the_speech_that_was_there(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Done")
    _press_while_it_is_down(page, gpu_site)
    assert page.text("#go-text") == "Generate again"
    page.click("#b-play")
    page.wait_state("Done")


def test_what_was_never_said_does_not_look_heard(gpu_page: Page, plan: Plan) -> None:
    plan.fail_at_s = 2.0
    page = gpu_page.open().ready()
    page.speak(LONG)
    page.wait("return !document.querySelector('#notice').hidden")
    page.wait("const s = document.querySelector('#seek'); return s.value === s.max && Number(s.max) > 1")
    page.wait("return document.querySelector('.reading .on') === null")
    assert page.run("return document.querySelectorAll('.reading .said').length") >= 4
    assert page.run("return document.querySelector('.reading .w:last-of-type').className") == "w"


def test_a_double_click_is_one_press(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 2.0
    page = gpu_page.open(text=" ".join([FOX] * 8)).ready()  # still speaking when the third click comes
    page.double_click("#b-go")
    page.wait_state("Speaking")
    page.click("#b-go")
    page.wait_state("Stopped")


def test_a_command_that_is_held_down_is_given_once(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 2.0
    page = gpu_page.open(text=FOX).ready()
    page.run(
        "const ask = fetch; window.asked = []; window.fetch = (...what) => { asked.push(what[0]); return ask(...what); }"
    )
    page.chord(Keys.CONTROL, Keys.ENTER)
    page.run(
        "document.body.dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, repeat: true, bubbles: true, cancelable: true }))"
    )
    page.wait_state("Speaking")
    assert page.run("return asked").count("api/tts") == 1


def test_changed_settings_are_noted_after_a_run(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Done")
    assert not page.shown("#notice")
    page.click("#more summary")
    page.find("#cfg").send_keys("\ue014")  # right
    assert page.text("#notice") == "Settings changed. Generate again to hear them."
    page.find("#cfg").send_keys("\ue012")
    assert not page.shown("#notice")


def test_only_values_that_the_model_takes_can_be_chosen(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.click("#more summary")
    assert page.text("#cfg-v") == "2.0"
    seen = {page.text("#cfg-v")}
    page.find("#cfg").send_keys("\ue011")
    for _ in range(9):
        seen.add(page.text("#cfg-v"))
        page.find("#cfg").send_keys("\ue014")
    assert seen == {"1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"}


def test_an_engine_without_cfg_coef_shows_none_and_is_sent_none(page: Page) -> None:
    page.open().ready()
    assert not page.shown("#cfg")
    page.speak(FOX)
    page.wait_state("Done")
    assert not page.shown("#notice"), "nothing was ignored"
