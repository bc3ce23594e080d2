"""axe-core finds nothing; keys reach everything; the focus is never lost; nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from speech.errors import QueueFull
from speech.settings import Settings
from tests.page.browser import AXE, Page
from tests.page.conftest import _page
from tests.page.site import Site
from tests.page.stand_in import GB, Plan, many_voices

FOX = "The quick brown fox jumped over the lazy dog."
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = (("dark", "en"), ("light", "zh"), ("dark", "zh"), ("light", "en"))
WIDTHS = {320: 640, 390: 844, 820: 1180, 1280: 800, 1920: 1080}
CHECK = """
const done = arguments[arguments.length - 1];
axe.run(arguments[1], { runOnly: arguments[0], resultTypes: ['violations'] }).then((found) =>
  done(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 150)).join(' | ')}`)),
  (error) => done([String(error)]));
"""

# What stands out of a dialog, a menu, the panel or the dock.
CUT = (
    "return [...document.querySelectorAll('dialog[open], .pop, .gpu, .dock, .transport')]"
    ".filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.id)"
)
STILL = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}


@pytest.fixture
def still(chromium: webdriver.Chrome) -> Iterator[None]:
    """Nothing moves: a colour half way to another has no contrast that says anything."""
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", STILL)
    yield
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def violations(page: Page, part: str = "html") -> list[str]:
    if not page.run("return 'axe' in window"):
        page.run(AXE.read_text())
    return list(page.driver.execute_async_script(CHECK, RULES, part))


def speaking(page: Page, plan: Plan, _: Site) -> None:
    plan.pace = 3.0
    page.click("#b-go")
    page.wait("return document.querySelectorAll('.reading .said').length > 2")
    page.click("#b-play")


def done(page: Page, plan: Plan, _: Site) -> None:
    page.click("#b-go")
    page.wait("return document.querySelector('#state').dataset.tone === 'ok'")
    page.click("#b-dl")


def queued(page: Page, plan: Plan, _: Site) -> None:
    plan.position = 3
    plan.seated.clear()
    page.click("#b-go")
    page.wait("return document.querySelector('#msg .rank') !== null")


def loading(page: Page, plan: Plan, at: Site) -> None:
    at.service.release()
    plan.load_progress = ("loading the model", 2.1 * GB, 3.4 * GB, 8.2)
    plan.loaded.clear()
    page.click("#b-go")
    page.wait("return document.querySelector('#msg .load') !== null")


def full(page: Page, plan: Plan, _: Site) -> None:
    plan.refuse = QueueFull("Full.", retry_after_s=30)
    page.click("#b-go")
    page.wait("return document.querySelector('#msg button') !== null")


def broken(page: Page, plan: Plan, _: Site) -> None:
    plan.fail_at_s = 1.0
    page.click("#b-go")
    page.wait("return document.querySelector('#notice').dataset.tone === 'bad'")


def document(page: Page, plan: Plan, _: Site) -> None:
    """Passages in every state, the menu of one, a dialogue."""
    write(page, f"# Title\n\n{FOX}\n\nAnna: Hello.\n\nBen: Hello.\n\nAnna: Bye.")
    page.click("#b-go")
    page.wait("return document.querySelector('#state').dataset.tone === 'ok'")
    write(page, f"# Title\n\n{FOX} More.\n\nAnna: Hello.\n\nBen: Hello.\n\nAnna: Bye.")
    page.click(".block:nth-child(2) .pb")


def state(page: Page, plan: Plan, _: Site) -> None:
    page.click("#chip")


def settings(page: Page, plan: Plan, _: Site) -> None:
    page.click("#more summary")
    page.click("#b-share")


def write(page: Page, text: str) -> None:
    page.run(
        "const b = document.querySelector('#text'); b.value = arguments[0]; b.dispatchEvent(new Event('input'))", text
    )


def blank(page: Page, plan: Plan, _: Site) -> None:
    write(page, "")
    page.click("#b-go")


def key(page: Page, plan: Plan, _: Site) -> None:
    page.run("document.querySelector('#b-key').click()")


def shortcuts(page: Page, plan: Plan, _: Site) -> None:
    page.run("document.querySelector('#b-help').click()")


def nothing_found(page: Page, plan: Plan, _: Site) -> None:
    page.run("const q = document.querySelector('#q'); q.value = 'zebra'; q.dispatchEvent(new Event('input'))")


def sheet(page: Page, plan: Plan, _: Site) -> None:
    page.run("document.querySelector('#b-voices').click()")


def job(page: Page, plan: Plan, _: Site) -> None:
    """One that is made, open; one that rests."""
    plan.pace = 2.0
    for count, text in enumerate((f"# One\n\n{FOX}\n\n# Two\n\n{FOX}", FOX * 30), 1):
        write(page, text)
        page.run("document.querySelector('#b-server').click()")
        page.wait("return document.querySelectorAll('#jlist .h').length === arguments[0]", count)
    page.click("#jlist [data-do=cancel]")
    plan.pace = None
    page.wait("return document.querySelector('#jlist .h:last-child progress') === null", timeout_s=60)
    page.click("#jlist .h:last-child [data-do=open]")
    page.wait("return document.querySelector('#j-parts .jc') !== null")


SCENES = [
    job,
    speaking,
    done,
    document,
    queued,
    loading,
    full,
    broken,
    state,
    settings,
    blank,
    key,
    shortcuts,
    nothing_found,
]


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_axe_finds_nothing(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path, plan: Plan, scene: Callable[..., None]
) -> None:
    """In both themes, both languages, phone to wide screen."""
    at = make_site(voices=many_voices()[::40])
    for page in _page(chromium, at, tmp_path):
        page.open(text=FOX, favourites=["vctk/p225_023.wav"]).ready()
        scene(page, plan, at)
        found = {}
        for width, height in WIDTHS.items():
            page.size(width, height)
            for theme, language in LOOKS if width in (390, 1280) else LOOKS[:1]:
                page.run(
                    "document.documentElement.dataset.theme = arguments[0];"
                    "document.querySelector(`#b-${arguments[1]}`).click()",
                    theme,
                    language,
                )
                page.wait("return document.documentElement.lang.startsWith(arguments[0])", language)
                if bad := violations(page):
                    found[width, theme, language] = bad
                # A phone makes room for what is too wide and shows it smaller: innerWidth would go along.
                assert page.run("return document.documentElement.scrollWidth") <= width, f"{width} px scrolls sideways"
                assert page.run("return document.documentElement.scrollHeight <= innerHeight"), "only its parts scroll"
                assert page.run(CUT) == [], f"cut off at {width} px"
        assert found == {}


@pytest.mark.usefixtures("still")
def test_axe_finds_nothing_before_a_key_is_given(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"engine": "auto", "api_keys": "anna:open-sesame-0123456789"})
    for page in _page(chromium, make_site(settings=settings), tmp_path):
        page.open()
        page.wait_text("#msg h3", "This server asks for an API key")
        assert violations(page) == []


@pytest.mark.usefixtures("still")
def test_axe_finds_nothing_in_the_sheet_of_a_phone(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    for page in _page(chromium, make_site(voices=many_voices()[::40]), tmp_path):
        for theme in ("dark", "light"):
            page.open(width=390, height=844, theme=theme).ready()
            page.click("#b-voices")
            assert violations(page) == []


@pytest.mark.usefixtures("still")
def test_axe_finds_nothing_with_all_voices(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    assert violations(page, "#voice") == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_in_a_low_window_the_voices_stay_in_their_card(gpu_page: Page, language: str) -> None:
    page = gpu_page.open(width=1100, height=600, language=language).ready()
    page.click("#more summary")  # the card below is as high as it gets
    bottom = "Math.round(document.querySelector(%r).getBoundingClientRect().bottom)"
    assert page.run(f"return {bottom % '#vlist'}") <= page.run(f"return {bottom % '#voice'}")


# -- keys and focus -----------------------------------------------------------------------------------------------


def test_speaking_by_keys_alone_leaves_the_focus_where_one_writes(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 3.0
    page = gpu_page.open().ready()
    page.find("#text").send_keys(" ".join([FOX] * 3))
    page.chord(Keys.CONTROL, Keys.ENTER)
    page.wait_state("Speaking")
    assert page.focus == "text"
    page.keys(Keys.ESCAPE)
    page.wait("return document.querySelector('#go-text').textContent === 'Go on'")
    assert page.focus == "text"
    page.chord(Keys.CONTROL, Keys.ENTER)
    page.wait_state("Speaking")


def test_alt_keys_play_and_seek(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.speak(f"{FOX} My father went to the market on Monday morning.")
    page.wait_state("Done")
    position = "return Number(document.querySelector('#seek').value)"
    page.run("document.querySelector('#b-play').focus()")
    page.chord(Keys.ALT, "j")
    page.wait_state("Speaking")
    page.chord(Keys.ALT, "k")
    page.wait_state("Paused")
    held = page.run(position)
    page.chord(Keys.ALT, ",")
    page.wait(f"{position} < arguments[0]", held)
    page.chord(Keys.ALT, ".")
    page.wait("return document.querySelector('.reading .on')?.textContent === 'My'")


def test_every_stop_of_the_tab_key_is_seen(gpu_page: Page) -> None:
    page = gpu_page.open(text=FOX).ready()
    seen = []
    for _ in range(60):
        page.keys(Keys.TAB)
        ring = page.run(
            "const e = document.activeElement; if (e === document.body) return null;"
            "const shows = (x) => x && (getComputedStyle(x).outlineStyle !== 'none'"
            " || / 2px 0px 0px 0px inset/.test(getComputedStyle(x).boxShadow));"
            "const chip = e.nextElementSibling, frames = ['.v', '.scope', '.desk'].map((frame) => e.closest(frame)).concat(chip);"
            "return [e.id || e.className || e.tagName, [e, ...frames].some(shows)]"
        )
        if ring is None:
            break
        seen.append(tuple(ring))
    assert len(seen) > 15
    assert [name for name, shown in seen if not shown] == []
    assert len([1 for name, _ in seen if name == "icon star"]) == 0, "the buttons of seven hundred rows are no stops"


def test_escape_closes_what_is_open_before_it_stops(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 2.0
    page = gpu_page.open().ready()
    page.speak(" ".join([FOX] * 10))  # still speaking at the end, however slow the steps between
    page.wait_state("Speaking")
    page.click("#b-dl")
    page.keys(Keys.ESCAPE)
    assert not page.shown("#dl")
    assert page.focus == "b-dl"
    assert page.text("#state-text") == "Speaking"
    page.keys("?")
    assert page.shown("#d-help")
    page.keys(Keys.ESCAPE)
    page.wait("return !document.querySelector('#d-help').open")
    assert page.text("#state-text") == "Speaking"
    page.keys(Keys.ESCAPE)
    page.wait_state("Stopped")


def test_screen_readers_are_told_states_and_not_words(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 3.0
    page = gpu_page.open().ready()
    page.watch("#live")
    page.speak(FOX)
    page.wait_state("Done")
    assert page.watched == ["Speaking.", "Done. 3 seconds of audio."]
    assert page.run("return document.querySelector('#reading').closest('[aria-live]')") is None


@pytest.mark.usefixtures("still")
def test_reduced_motion_moves_nothing(gpu_page: Page, plan: Plan) -> None:
    plan.pace = 2.0
    page = gpu_page.open().ready()
    page.speak(FOX)
    page.wait_state("Speaking")
    assert page.run("return document.getAnimations().length") == 0


def test_the_theme_goes_from_dark_to_light_to_the_systems(gpu_page: Page) -> None:
    page = gpu_page.open()
    theme = "return document.documentElement.dataset.theme"
    page.driver.get(f"{page.url}/static/icon.svg")  # the page itself would remember what it is now
    page.run("localStorage.clear()")
    page.visit()
    assert page.run(theme) == "dark"
    page.click("#b-theme")
    assert page.run(theme) == "light"
    page.click("#b-theme")
    light = page.run("return matchMedia('(prefers-color-scheme: light)').matches")
    assert page.run(theme) == ("light" if light else "dark")
    page.visit()
    assert page.run(theme) == ("light" if light else "dark"), "remembered"
