"""Seven hundred voices: search, filters, favourites, previews, by mouse and by keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver

from speech.voices.catalogue import Voice
from tests.ear import heard, word_errors
from tests.page.browser import Page
from tests.page.conftest import _page
from tests.page.site import Site
from tests.page.stand_in import Plan, many_voices

FOX = "The quick brown fox jumped over the lazy dog."
PREVIEW = "Hello! This is how I sound when I read your text."
# As the names of Kyutai's published voices have them (Expresso, EARS), in their own spelling.
STYLES = (
    "default enunciated fast projected whisper angry awe calm confused desire disgusted happy laughing nonverbal "
    "sarcastic sleepy animal animaldir child childdir narration sad sympathetic bored fearful adoration amazement "
    "amusement anger confusion contentment cuteness disappointment disgust distress embarassment extasy fear guilt "
    "interest neutral pain pride realization relief sadness serenity"
)
FOUND = (
    "return [...document.querySelectorAll('#vlist input')].filter((i) => !i.closest('[hidden]')).map((i) => i.value)"
)


def found(page: Page) -> list[str]:
    return list(page.run(FOUND))


def test_the_default_voice_of_the_server_is_chosen(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    assert page.text("#chosen b") == "VCTK p228"
    assert page.find("#q").get_attribute("placeholder") == "Search 705 voices"


@pytest.mark.parametrize(
    ("search", "language", "every"),
    [
        ("whisper", "en", lambda v: "whisper" in v),
        ("ex04 happy", "en", lambda v: v.startswith("expresso/ex04_happy")),
        ("p231", "en", lambda v: v == "vctk/p231_023.wav"),
        ("french", "en", lambda v: v.startswith("cml-tts/")),
        ("法语", "zh", lambda v: v.startswith("cml-tts/")),
        ("耳语 女声", "zh", lambda v: "whisper" in v),
    ],
)
def test_search(gpu_page: Page, search: str, language: str, every: Callable[[str], bool]) -> None:
    page = gpu_page.open(language=language).ready()
    page.run(
        "const q = document.querySelector('#q'); q.value = arguments[0]; q.dispatchEvent(new Event('input'))", search
    )
    assert found(page)
    assert all(map(every, found(page)))
    assert str(len(found(page))) in page.text("#vlist > h3")
    page.wait_text("#v-live", str(len(found(page))))


def test_male_is_not_found_in_female(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.find("#q").send_keys("vctk male")
    assert 0 < len(found(page)) < 108


def test_nothing_found_offers_a_way_back(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.find("#q").send_keys("zebra")
    assert page.shown(".none-found")
    page.click(".none-found button")
    assert len(found(page)) == 705
    assert page.focus == "q"


def test_styles_of_all_published_voices_have_words(gpu_page: Page) -> None:
    page = gpu_page.open()
    strange = page.run(
        "const load = (name) => import(new URL(`static/js/${name}.js`, document.baseURI));"
        "return Promise.all([load('voicetext'), load('i18n')]).then(([{ styleOf }, { knows }]) =>"
        " arguments[0].filter((style) => !knows(`style_${styleOf({ style })}`)))",
        STYLES.split(),
    )
    assert strange == []


def test_styles_that_mean_the_same_are_one_choice(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    sad = [Voice(style, style, "en", "CC0-1.0", True, style=style) for style in ("sad", "sadness", "happy")]
    for page in _page(chromium, make_site(voices=sad), tmp_path):
        page.open().ready()
        options = page.run("return [...document.querySelectorAll('[data-filter=style] option')].map((o) => o.text)")
        assert options == ["Style", "happy", "sad"]
        page.click("[data-filter=style] option[value=sad]")
        assert found(page) == ["sad", "sadness"]


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("lang", "fr", ("language", "fr")),
        ("gender", "female", ("gender", "female")),
        ("style", "whisper", ("style", "whisper")),
        ("lic", "nc", ("commercial", False)),
    ],
)
def test_filters(gpu_page: Page, name: str, value: str, wanted: tuple[str, object]) -> None:
    count = sum(getattr(voice, wanted[0]) == wanted[1] for voice in many_voices())
    page = gpu_page.open().ready()
    page.click(f"[data-filter={name}] option[value={value}]")
    assert len(found(page)) == count
    assert page.text("#vlist > h3") == f"{count} of 705 voices"


def test_what_forbids_commercial_use_says_so(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    assert page.text(".speaker:has([data-id='expresso/ex04_happy_1.wav']) .nc") == "NC"
    assert page.run("return document.querySelector(\"[data-id='vctk/p231_023.wav'] .nc\")") is None


def test_favourites_and_recent_ones_come_first_and_are_remembered(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.find("#q").send_keys("p231")
    page.click("[data-id='vctk/p231_023.wav'] .star")
    page.click("[data-id='vctk/p231_023.wav'] label")
    assert page.text("#chosen b") == "VCTK p231"
    page.speak(FOX)
    page.wait_state("Done")
    page.visit()
    page.ready()
    assert found(page)[0] == "vctk/p231_023.wav"
    assert page.text(".group h3:not([hidden])") == "Favourites"
    assert page.text("#chosen b") == "VCTK p231"
    page.click("#c-star")
    assert page.text(".group h3") == "Recently used"
    assert page.shown(".group h3")


def test_keys_choose_star_and_preview(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.keys("/")
    assert page.focus == "q"
    page.keys("whisper")
    page.run("[...document.querySelectorAll('#vlist input')].find((i) => !i.closest('[hidden]')).focus()")
    page.keys("\ue015")  # down
    chosen = page.run("return document.activeElement.value")
    assert chosen == found(page)[1]
    page.keys("f")
    assert page.run("return document.activeElement.value") == chosen, "the focus stays on a row that moves"
    assert page.run("return JSON.parse(localStorage['kyutai-tts']).favourites") == [chosen]
    page.keys("p")
    page.wait("return document.querySelector('.v .pv[data-on]') !== null")


def test_a_preview_is_heard_and_a_second_press_stops_it(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.click("#c-preview")
    page.wait("return document.querySelector('#c-preview').hasAttribute('data-on')")
    page.wait("return !document.querySelector('#c-preview').hasAttribute('data-on')")  # it is over
    _, got = page.sound()
    assert word_errors(PREVIEW, heard(got, page.rate)) <= 1
    assert page.run("return performance.getEntriesByName(new URL('api/tts', document.baseURI).href).length") == 1
    page.click("#c-preview")
    page.wait("return document.querySelector('#c-preview').hasAttribute('data-on')")
    page.click("#c-preview")
    page.wait("return !document.querySelector('#c-preview').hasAttribute('data-on')")
    kept = page.run("return performance.getEntriesByName(new URL('api/tts', document.baseURI).href).length")
    assert kept == 1, "the second time nothing is asked"


def test_a_preview_and_the_speech_are_not_heard_at_once(gpu_page: Page, plan: Plan) -> None:
    page = gpu_page.open().ready()
    page.speak(f"{FOX} {FOX}")
    page.wait_state("Speaking")
    page.click("#c-preview")
    page.wait_state("Paused")


def test_on_a_phone_the_voices_are_in_a_sheet(gpu_page: Page) -> None:
    page = gpu_page.open(width=390, height=844).ready()
    assert not page.shown("#vlist")
    page.click("#b-voices")
    assert page.shown("#vlist")
    page.find("#q").send_keys("p231")
    page.click("[data-id='vctk/p231_023.wav'] label")
    page.click("#b-vclose")
    assert page.text("#vp-name") == "VCTK p231"
    assert page.focus == "b-voices"


def test_names_are_text_whatever_is_in_them(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    bad = "<img src=x onerror=document.title='x'>"
    at = make_site(voices=[Voice(bad, bad, "en", "unknown", False, bad, style=bad)])
    for page in _page(chromium, at, tmp_path):
        page.open().ready()
        assert page.text(".v b") == bad
        assert page.run("return document.querySelectorAll('img').length") == 0


def test_the_french_example_chooses_a_french_voice(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.click("[data-example=french]")
    assert page.text("#chosen b").startswith("CML")
    assert page.find("#text").get_attribute("lang") == "fr"


def test_a_speaker_with_styles_is_one_row_with_a_chip_for_each(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    rows = page.run(
        "return [...document.querySelectorAll('.speaker b')].filter((b) => b.textContent === 'Expresso ex01').length"
    )
    assert rows == 1
    page.find("#q").send_keys("ex01")
    chips = page.run(
        "return [...document.querySelectorAll('.speaker:not([hidden]) .c span')].map((c) => c.textContent)"
    )
    assert chips[:4] == ["neutral", "neutral 2", "happy", "happy 2"]
    page.click("[data-id='expresso/ex01_happy_1.wav'].c")
    assert page.text("#chosen") == "Expresso ex01 · happy"


def test_what_may_be_used_commercially_comes_first_and_the_chosen_one_is_in_sight(gpu_page: Page) -> None:
    page = gpu_page.open(voice="ears/p050/desire.wav").ready()
    heads = page.run("return [...document.querySelectorAll('.group h3')].map((h) => h.textContent)")
    assert heads == ["English", "French", "English · non-commercial use only"]
    page.open(voice="cml-tts/fr/1406_1.wav")
    page.visit()
    page.ready()
    chosen = page.run("return document.querySelector('#vlist input:checked').value")
    inside = page.run(
        "const r = document.querySelector('#vlist input:checked').closest('.speaker').getBoundingClientRect(),"
        " l = document.querySelector('#vlist').getBoundingClientRect(); return r.top >= l.top && r.bottom <= l.bottom"
    )
    assert inside, chosen


def test_one_voice_needs_no_search_and_no_filters(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    one = [Voice("one", "One", "en", "CC0-1.0", True)]
    for page in _page(chromium, make_site(voices=one, gpu=None), tmp_path):
        page.open().ready()
        for what in ("#q", "#filters", "#vlist"):
            assert not page.shown(what)
        assert "English" in page.text("#chosen")
        page.click("#c-preview")
        page.wait("return document.querySelector('#c-preview').hasAttribute('data-on')")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_a_gpu_nothing_says_gpu_on_the_first_screen(page: Page, language: str) -> None:
    page.open(language=language).ready()
    page.wait("return document.querySelector('#chip-state').textContent !== ''")
    seen = page.run("return document.body.innerText + [...document.querySelectorAll('[title]')].map((e) => e.title)")
    assert "GPU" not in seen
    assert "显存" not in seen


def test_a_preview_that_waits_says_so(gpu_page: Page, plan: Plan) -> None:
    plan.seated.clear()
    plan.position = 4
    page = gpu_page.open().ready()
    page.click("#c-preview")
    page.wait_text("#voice-note", "The preview waits: number 4 in the queue.")
    plan.seated.set()
    page.wait("return document.querySelector('#voice-note').hidden")
    page.wait("return !document.querySelector('#c-preview').hasAttribute('data-on')")
