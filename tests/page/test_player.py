"""The player at the bottom: playback speed, sentences, the tab's title; nothing covers anything at any width."""

from __future__ import annotations

import pytest

from speech.errors import QueueFull
from tests.ear import heard, word_errors
from tests.page.browser import Page
from tests.page.stand_in import Plan

FOX = "The quick brown fox jumped over the lazy dog."
MARKET = "My father went to the market on Monday morning."
SEA = "She sells sea shells by the shore."
LONG = " ".join([FOX, MARKET] * 4)
POSITION = "return Number(document.querySelector('#seek').value)"
REQUESTS = "return performance.getEntriesByName(new URL('api/tts', document.baseURI).href).length"


def test_faster_playing_keeps_words_and_pitch_and_asks_for_nothing(gpu_page: Page) -> None:
    page = gpu_page.open(rate=1.5).ready()
    page.speak(f"{FOX} {MARKET}")
    page.wait_state("Done", timeout_s=40)
    _, got = page.sound()
    loud = abs(got) > 0.01
    spoken_s = (len(got) - loud[::-1].argmax() - loud.argmax()) / page.rate
    whole_s = float(page.run("return document.querySelector('#seek').max"))
    assert whole_s / 1.5 - 0.6 < spoken_s < whole_s / 1.5 + 0.3
    assert word_errors(f"{FOX} {MARKET}", heard(got, page.rate)) <= 4
    assert page.run(REQUESTS) == 1


def test_the_speed_changes_while_it_plays_and_is_remembered(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.speak(LONG)
    page.wait_state("Speaking")
    before = page.run(POSITION)
    page.run("const r = document.querySelector('#rate'); r.value = 2; r.dispatchEvent(new Event('change'))")
    page.wait_state("Speaking")
    page.wait(f"{POSITION} > arguments[0] + 2", before)
    assert page.run(POSITION) < before + 6, "it goes on where it was"
    page.visit()
    assert page.find("#rate").get_attribute("value") == "2"


def test_sentences_forth_and_back_across_paragraphs(gpu_page: Page) -> None:
    page = gpu_page.open(text=f"{FOX} {MARKET}\n\n{SEA}").ready()
    page.click("#b-go")
    page.wait_state("Done", timeout_s=40)
    on = "return document.querySelector('.reading .on')?.textContent === arguments[0]"
    page.find("#seek").send_keys("\ue011")  # Home
    page.click("#b-play") if page.text("#state-text") == "Speaking" else None
    for first_word in ("My", "She"):
        page.click("#b-forth")
        page.wait(on, first_word)
    page.click("#b-back")
    page.wait(on, "My")


def test_the_tab_tells_the_state(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 3.0
    page = gpu_page.open().ready()
    quiet = page.run("return document.title")
    page.speak(LONG)
    page.wait("return document.title.startsWith('▶ Speaking')")
    page.click("#b-play")
    page.wait("return document.title.startsWith('⏸ Paused')")
    plan.refuse = QueueFull("Full.", retry_after_s=60)
    page.keys("\ue00c")
    page.speak(FOX)
    page.wait("return document.title.startsWith('… Waiting')")
    plan.refuse = None
    page.click("#msg button")
    page.wait("return document.title === arguments[0]", quiet)


SLOW = """
window.AudioContext = class extends AudioContext {
  constructor(options) { super(options); super.suspend(); window.device = this; }
  resume() { return new Promise(() => {}); }
  begin() { return super.resume(); }
};
"""
PATIENT = (
    "const later = setTimeout; window.setTimeout = (run, ms, ...rest) => (ms === 3000 ? 0 : later(run, ms, ...rest))"
)


def test_a_device_that_begins_slowly_is_waited_for_and_not_called_off(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.run(SLOW)
    page.run(PATIENT)  # a busy machine may take longer than the page waits for the device
    page.watch("#state-text")
    page.speak(FOX)
    page.wait("return Number(document.querySelector('#seek').max) > 2")
    page.run("device.begin()")
    page.wait_state("Speaking")
    assert "Sound is off" not in page.watched


@pytest.mark.slow
def test_a_device_that_never_begins_is_called_off(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.run(SLOW)
    page.speak(FOX)
    page.wait_state("Sound is off")


def test_the_button_stays_where_it_is_when_a_notice_comes(gpu_page: Page, plan: Plan) -> None:
    place = "const r = document.querySelector('#b-go').getBoundingClientRect(); return [r.left, r.top]"
    plan.fail_at_s = 1.0
    for width in (1440, 820, 360):
        page = gpu_page.open(width=width, height=800).ready()
        page.write(LONG)
        before = page.run(place)
        page.click("#b-go")
        page.wait("return !document.querySelector('#notice').hidden")
        assert page.run(place) == before
        plan.refuse = QueueFull("Full.", retry_after_s=60)
        page.click("#b-go")
        page.wait("return !document.querySelector('#msg').hidden")
        assert page.run(place) == before
        plan.refuse = None


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.slow)])
def test_on_a_phone_held_sideways_a_message_has_its_button_and_the_text_its_line(
    gpu_page: Page, plan: Plan, language: str
) -> None:
    page = gpu_page.open(width=740, height=360, language=language, text=LONG).ready()
    in_sight = (
        "const r = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return r.top >= 0 && r.bottom <= document.querySelector(arguments[1]).getBoundingClientRect()[arguments[2]]"
    )
    assert page.run(in_sight, "#count", "#dock", "top")
    plan.refuse = QueueFull("Full.", retry_after_s=60)
    page.click("#b-go")
    page.wait("return document.querySelector('#msg button') !== null")
    assert page.run(in_sight, "#msg button", ".monitor", "bottom")


def test_the_time_of_a_long_speech_has_its_place_beside_the_wave(gpu_page: Page) -> None:
    page = gpu_page.open(width=820, height=1180, text=LONG).ready()
    page.run(
        "document.querySelector('#t-now').textContent = '1:00:05';"
        "document.querySelector('#t-all').textContent = '/ ~1:10:56';"
        "document.querySelector('#go-text').textContent = 'Generate 12 of 140'"
    )
    for width in (320, 390, 768, 820, 1100, 1248, 1440):
        page.size(width, 900)
        over, apart, cut = page.run(
            "const [dock, wave, time, go] = ['.transport', '.scope', '.time', '#b-go'].map((s) => document.querySelector(s));"
            "const [w, t] = [wave, time].map((e) => e.getBoundingClientRect());"
            "const apart = w.top >= t.bottom || t.top >= w.bottom || w.left >= t.right || t.left >= w.right;"
            "return [dock.scrollWidth - dock.clientWidth, apart, go.scrollWidth - go.clientWidth]"
        )
        assert (over, apart) == (0, True), width
        assert cut <= 1, width  # of rounding


COVERED = """
const seen = (id) => {
  const e = document.getElementById(id), r = e.getBoundingClientRect();
  const top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
  return r.top >= 0 && r.bottom <= innerHeight + 1 && (e.contains(top) || top.closest('#' + id) || top.id === 'seek');
};
const dock = document.getElementById('dock').getBoundingClientRect(), room = document.querySelector('.room').getBoundingClientRect();
return { hidden: ['wave', 'b-play', 'b-go', 'rate', 'b-dl'].filter((id) => !seen(id)), over: Math.max(0, room.bottom - dock.top) };
"""


@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 568), (360, 640), (640, 360), (844, 390), (720, 450), (820, 1180), (1100, 600), (1440, 900), (2560, 1440)],
)
def test_player_text_and_notice_never_cover_each_other(gpu_page: Page, plan: Plan, width: int, height: int) -> None:
    """Phones upright and sideways, 1440 by 900 at 200 %, tablets, the widest screens."""
    page = gpu_page.open(width=width, height=height).ready()
    page.speak(LONG)
    page.wait("return document.querySelector('.reading .on') !== null")
    assert page.run(COVERED) == {"hidden": [], "over": 0}
    word = page.run(
        "const w = document.querySelector('.reading .on').getBoundingClientRect(), d = document.getElementById('desk').getBoundingClientRect();"
        "return w.top >= d.top - 1 && w.bottom <= d.bottom + 1"
    )
    assert word, "the word that is heard is in sight"
    plan.pace = 4.0
    page.keys("\ue00c")
    page.click("#b-go")
    page.wait_state("Speaking")
    page.keys("\ue00c")
    assert page.run(COVERED) == {"hidden": [], "over": 0}
    assert page.run("return document.documentElement.scrollWidth") <= width
