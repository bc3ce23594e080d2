"""A server that wants a key; a page that obeys its own policy, on an origin that is not secure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from speech.service import SpeechService
from speech.settings import Settings
from tests.page.browser import Page, browser
from tests.page.conftest import _page
from tests.page.site import Site, site
from tests.page.test_files import copied

FOX = "The quick brown fox jumped over the lazy dog."
KEY = "open-sesame-0123456789"


@pytest.fixture
def locked(make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path) -> Iterator[Page]:
    settings = Settings.model_validate({"engine": "auto", "api_keys": f"anna:{KEY}"})
    yield from _page(chromium, make_site(settings=settings), tmp_path)


def test_the_page_opens_without_a_key_and_says_that_one_is_needed(locked: Page) -> None:
    locked.open()
    locked.wait_text("#msg h3", "This server asks for an API key")
    assert not locked.shown("#d-key"), "no dialog before a button is pressed"
    assert locked.complaints() != []  # the refused requests


def test_a_wrong_key_is_told_and_the_right_one_opens(locked: Page) -> None:
    locked.open()
    locked.wait_text("#msg button", "Enter the key")
    locked.click("#msg button")
    assert locked.focus == "key"
    locked.keys("wrong", "\ue007")
    locked.wait_text("#key-err", "That key was not accepted.")
    assert locked.find("#key").get_attribute("aria-invalid") == "true"
    assert locked.find("#key").get_attribute("type") == "password"
    locked.find("#key").clear()
    locked.find("#key").send_keys(KEY, "\ue007")
    locked.wait("return !document.querySelector('#d-key').open")
    locked.ready()
    locked.speak(FOX)
    locked.wait_state("Done")
    locked.visit()
    locked.ready()  # remembered
    assert KEY not in str(locked.run("return performance.getEntries().map((e) => e.name)"))


def test_a_key_that_no_header_can_carry_is_a_wrong_one(locked: Page) -> None:
    locked.open()
    locked.wait_text("#msg button", "Enter the key")
    locked.click("#msg button")
    locked.find("#key").send_keys("“quoted”", "\ue007")
    locked.wait_text("#key-err", "That key was not accepted.")
    assert locked.run("return JSON.parse(localStorage['kyutai-tts']).key") is None, "it is kept once it was taken"
    assert locked.run("return document.querySelector('#d-key').open")


def test_speaking_without_a_key_opens_the_dialog_and_keeps_the_text(locked: Page) -> None:
    locked.open()
    locked.wait_text("#msg h3", "This server asks for an API key")
    locked.speak(FOX)
    locked.wait("return document.querySelector('#d-key').open")
    locked.click("#b-key-cancel")
    assert locked.find("#text").get_attribute("value") == FOX
    assert "This server asks for an API key" in locked.text("#alarm")


@pytest.mark.parametrize(
    "what",
    [
        "curl",
        pytest.param("python", marks=pytest.mark.slow),
        pytest.param("javascript", marks=[pytest.mark.slow, pytest.mark.node]),
    ],
)
def test_code_that_is_copied_asks_with_the_key_but_does_not_tell_it(locked: Page, tmp_path: Path, what: str) -> None:
    command = {"curl": ["sh", "-c"], "python": [sys.executable, "-c"], "javascript": ["node", "-e"]}[what]
    locked.open(key=KEY, text=FOX).ready()
    code = copied(locked, what)
    assert KEY not in code
    if what == "javascript":
        code = f"(async () => {{ {code} console.log(audio.size); }})()"
    environment = os.environ | {"API_KEY": KEY}
    done = subprocess.run([*command, code], cwd=tmp_path, env=environment, check=True, timeout=60, capture_output=True)
    size = int(done.stdout) if what == "javascript" else (tmp_path / "speech.mp3").stat().st_size
    assert size > 1000


def test_a_key_can_be_forgotten(locked: Page) -> None:
    locked.open(key=KEY).ready()
    locked.click("#b-key")
    locked.click("#b-forget")
    locked.wait_text("#msg h3", "This server asks for an API key")
    assert locked.run("return JSON.parse(localStorage['kyutai-tts']).key") is None


def test_the_page_obeys_its_policy_and_needs_no_secure_origin(service: SpeechService, tmp_path: Path) -> None:
    """As in a local network: http://tts.lan, where worklets, clipboard and the like do not exist."""
    flags = ("--host-resolver-rules=MAP tts.lan 127.0.0.1", "--host-rules=MAP tts.lan 127.0.0.1")
    with site(service) as at, browser(tmp_path, *flags, tapped=False) as driver:
        page = Page(driver, at.url.replace("127.0.0.1", "tts.lan"), tmp_path).open().ready()
        assert page.run("return isSecureContext") is False
        page.speak(FOX)
        page.wait_state("Done")
        page.click("#b-dl")
        page.click("#dl [data-format=mp3]")
        assert page.downloaded("mp3").stat().st_size > 10_000
        page.click("#b-theme")
        page.click("#b-zh")
        page.wait_text("#go-text", "重新生成")
        page.click("#hlist [data-do=play]")
        page.wait_state("正在朗读")
        assert page.complaints() == []
