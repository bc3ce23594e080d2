"""Chinese and English: complete, alike, switched in place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver

from tests.page.browser import Page
from tests.page.conftest import _page
from tests.page.site import Site
from tests.page.sound import in_order, spoken
from tests.page.stand_in import Plan

STATIC = Path(__file__).parents[2] / "web" / "static"
FOX = "The quick brown fox jumped over the lazy dog."
# Keys that are put together: of a state, a format, a filter, a theme, a button of the history, a style.
MADE = re.compile(
    "st_(ready|asking|queued|speaking|waiting|paused|blocked|done|stopped|broken|error)|j_(as|flaw)_.*|c_(silent|quiet|little_speech|clipped|noisy|noise)|j_(queued|paused|failed|cancelled)"
    "|dl_(mp3|opus|aac|flac|wav|pcm|mulaw|alaw|srt|vtt|json)"
    "|ps_(none|waiting|making|made|stale|part|failed)|p_(hear|again|voice|reading|same|before)|st_busy|dl_txt"
    "|f_(lang|gender|style|lic)|lic_(com|nc)|(fe)?male_m"
    "|theme_(dark|light|system)|h_(play|(reuse|name|download|delete)_x)|style_.*"
)
TABLES = """
const table = (l) => import(new URL(`static/js/strings.${l}.js`, document.baseURI)).then((m) => m.default);
return Promise.all(['en', 'zh'].map(table));
"""


@pytest.fixture
def tables(page: Page) -> list[dict[str, object]]:
    page.open()
    return list(page.run(TABLES))


def places(text: object) -> set[str]:
    forms = text.values() if isinstance(text, dict) else [text]
    return {place for form in forms for place in re.findall(r"\{(\w+)\}", form)}


def test_both_tables_have_the_same_keys_and_places(tables: list[dict[str, object]]) -> None:
    english, chinese = tables
    assert list(english) == list(chinese)
    for key in english:
        assert places(english[key]) == places(chinese[key]), key
        assert isinstance(english[key], dict) == isinstance(chinese[key], dict), key


def test_nothing_is_left_untranslated(tables: list[dict[str, object]]) -> None:
    english, chinese = tables
    same = {key for key in english if english[key] == chinese[key]}
    assert same == {"gpu"}
    latin = [key for key, text in chinese.items() if not re.search(r"[\u4e00-\u9fff{]", str(text))]
    assert latin == ["gpu"]


def test_every_string_is_used_and_every_used_one_is_there(tables: list[dict[str, object]]) -> None:
    scripts = [p for p in (STATIC / "js").glob("*.js") if not p.name.startswith("strings.")]
    code = "\n".join(p.read_text() for p in scripts) + (STATIC.parent / "templates" / "index.html").read_text()
    unused = [key for key in tables[0] if not re.search(rf"[':\"]{key}[' \"]", code) and not MADE.fullmatch(key)]
    assert unused == []
    asked = set(re.findall(r"\bt\(\s*'(\w+)'", code)) | set(re.findall(r'data-t="(\w+)"', code))
    asked |= {key for pairs in re.findall(r'data-ta="([^"]+)"', code) for key in re.findall(r":(\w+)", pairs)}
    assert asked - set(tables[0]) == set()


def test_no_error_lacks_its_words(page: Page) -> None:
    page.open()
    missing = page.run(
        "return import(new URL('static/js/errors.js', document.baseURI)).then((m) => m.unknownStrings())"
    )
    assert missing == []


@pytest.mark.parametrize(
    ("browser_says", "language"), [("zh-CN", "zh-CN"), ("zh-TW", "zh-CN"), ("fr", "en"), ("en-GB", "en")]
)
def test_the_first_choice_is_the_browsers(page: Page, browser_says: str, language: str) -> None:
    agent = page.run("return navigator.userAgent")
    page.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": browser_says})
    try:
        page.open()
        page.driver.get(f"{page.url}/static/icon.svg")  # the page itself would remember what it is now
        page.run("localStorage.clear()")
        page.visit()
        assert page.run("return document.documentElement.lang") == language
    finally:
        page.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "en-US"})


def test_the_language_changes_while_everything_goes_on(gpu_page: Page, gpu_site: Site, plan: Plan) -> None:
    plan.pace = 2.0
    page = gpu_page.open().ready()
    page.find("#q").send_keys("p2")
    page.speak(f"{FOX} {FOX} {FOX}")
    page.wait_state("Speaking")
    page.wait("return document.querySelector('.reading .on') !== null")
    page.click("#b-zh")
    page.wait_text("#state-text", "正在朗读")  # its strings are fetched now
    assert page.text("#go-text") == "停止"
    assert page.find("#q").get_attribute("value") == "p2"
    assert page.run("return document.querySelector('.reading .on') !== null"), "the word stays marked"
    assert page.run("return document.documentElement.lang") == "zh-CN"
    assert page.text("title") == "▶ 正在朗读 · Kyutai TTS"
    page.wait_state("已完成")
    assert page.text("title") == "Kyutai TTS · 语音合成试听"
    _, got = page.sound()
    plan.pace = None
    assert in_order(spoken(gpu_site, f"{FOX} {FOX} {FOX}"), got) > 0.95, "the sound went on undisturbed"
    page.visit()
    page.wait_text("#go-text", "重新生成")  # remembered, and so is what was made
    page.click("#b-en")
    page.wait_text("#go-text", "Generate again")


def test_no_key_is_shown_instead_of_a_text(gpu_page: Page, plan: Plan) -> None:
    for language in ("en", "zh"):
        page = gpu_page.open(language=language).ready()
        page.click("[data-example=numbers]")
        page.click("#b-go")
        page.wait("return document.querySelector('#state').dataset.tone === 'ok'", timeout_s=40)
        page.click("#b-dl")
        text = page.run("return document.body.innerText")
        assert not re.search(r"\b(undefined|null|NaN|\[object)\b", text)
        assert not re.search(r"\{\w+\}", text)


def test_other_scripts_are_warned_of(gpu_page: Page) -> None:
    page = gpu_page.open(language="zh").ready()
    page.run("const b = document.querySelector('#text'); b.value = '你好 hello'; b.dispatchEvent(new Event('input'))")
    assert page.text("#text-note") == "该模型只会说英语和法语，其他文字无法正确朗读。"
    assert page.find("#b-go").get_attribute("aria-disabled") == "false", "it does not forbid"


def test_enter_in_an_input_method_is_no_command(gpu_page: Page) -> None:
    page = gpu_page.open(text=FOX).ready()
    page.run(
        "document.querySelector('#text').dispatchEvent(new KeyboardEvent('keydown', "
        "{ key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true }))"
    )
    assert page.shown("#text")


def test_the_page_works_below_a_path(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    for page in _page(chromium, make_site(prefix="/tools/voice"), tmp_path):
        page.driver.get("about:blank")
        page.visit()
        page.ready()
        page.speak(FOX)
        page.wait("return document.querySelector('#state').dataset.tone === 'ok'")
        assert page.complaints() == []
