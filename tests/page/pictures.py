"""Pictures of the page for the README: python -m tests.page.pictures FOLDER [NAME ...]

Voices, card and figures in them are the stand-in's; the words and the sound are real.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from speech.engines.hibari.voice import HibariVoice
from speech.errors import QueueFull
from speech.gpus import GPU
from tests.page.browser import Page, browser
from tests.page.site import Site, site
from tests.page.stand_in import GB, Plan, stand_in_service

STORY = (
    "# The night train\n\n"
    "Good evening, and welcome aboard the night train to the coast. We leave the city in a few minutes, and the lights "
    "outside will fade one by one.\n\nIf you hear the wind against the glass, do not worry. It is only the river, "
    "running beside us in the dark, all the way down to the sea."
)
FAVOURITES = ["expresso/ex04_happy_1.wav", "cml-tts/fr/1406_1.wav", "vctk/p231_023.wav"]
KEPT = {"voice": FAVOURITES[0], "favourites": FAVOURITES, "recent": ["vctk/p228_023.wav"], "text": STORY}
SIZES = {390: 844, 740: 360, 820: 1180, 1280: 800, 1920: 1080}


def speaking(page: Page, plan: Plan, at: Site) -> None:
    plan.pace, plan.slots_used = 3.0, 2
    page.click("#b-go")
    page.wait("return document.querySelectorAll('.reading .said').length >= 9")


def done(page: Page, plan: Plan, at: Site) -> None:
    page.click("#b-go")
    page.wait("return Number(document.querySelector('#seek').max) > 15")
    page.run("const s = document.querySelector('#seek'); s.value = 16.8; s.dispatchEvent(new Event('input'))")
    page.wait("return document.querySelector('#state').dataset.tone === 'ok'")


def download(page: Page, plan: Plan, at: Site) -> None:
    done(page, plan, at)
    page.click("#b-dl")


def edited(page: Page, plan: Plan, at: Site) -> None:
    """One paragraph was changed after all were made; its menu is open."""
    done(page, plan, at)
    page.run(
        "const b = document.querySelector('#text'); b.value = b.value.replace('a few minutes', 'ten minutes');"
        "b.dispatchEvent(new Event('input'))"
    )
    page.click(".block:nth-child(2) .pb")


def status(page: Page, plan: Plan, at: Site) -> None:
    plan.slots_used = 3
    done(page, plan, at)
    page.click("#chip")


def queued(page: Page, plan: Plan, at: Site) -> None:
    plan.position, plan.slots_used, plan.queue_depth = 3, 8, 3
    plan.seated.clear()
    page.click("#b-go")
    page.wait("return document.querySelector('#msg .rank') !== null")
    page.wait("return document.querySelectorAll('.cells .on').length === 8")


def loading(page: Page, plan: Plan, at: Site) -> None:
    at.service.release()
    plan.load_progress = ("loading the model", 2.1 * GB, 3.4 * GB, 8.2)
    plan.loaded.clear()
    page.click("#b-go")
    page.wait("return document.querySelector('#msg .load') !== null")
    page.wait("return document.querySelector('#g-state').dataset.tone === 'warn'")


def slow(page: Page, plan: Plan, at: Site) -> None:
    plan.pace = 0.7
    page.click("#b-go")
    page.wait("return document.querySelector('#state').dataset.tone === 'warn'")
    page.wait("return !document.querySelector('#notice').hidden")


def full(page: Page, plan: Plan, at: Site) -> None:
    plan.refuse, plan.slots_used, plan.queue_depth = QueueFull("Full.", retry_after_s=9), 8, 20
    page.wait("return document.querySelector('#g-queue').textContent.includes('20')")
    page.click("#b-go")
    page.wait("return document.querySelector('#msg button') !== null")


def broken(page: Page, plan: Plan, at: Site) -> None:
    plan.pace, plan.fail_at_s = 4.0, 6.2
    page.click("#b-go")
    page.wait("return document.querySelector('#notice').dataset.tone === 'bad'")


def voices(page: Page, plan: Plan, at: Site) -> None:
    page.click("#b-voices")


def search(page: Page, plan: Plan, at: Site) -> None:
    page.find("#q").send_keys("whisper female")


def key(page: Page, plan: Plan, at: Site) -> None:
    page.run("document.querySelector('#b-key').click()")


def nothing(page: Page, plan: Plan, at: Site) -> None:
    """As it comes up."""


def jobs(page: Page, plan: Plan, at: Site) -> None:
    """Two jobs of the service: one is made, one is under way."""
    plan.pace = 6.0
    for count in (1, 2):
        page.run("document.querySelector('#b-server').click()")
        page.wait("return document.querySelectorAll('#jlist .h').length === arguments[0]", count)
    page.wait("return document.querySelectorAll('#jlist progress').length < 2", timeout_s=60)
    page.run("document.querySelector('#jlist').scrollIntoView({ block: 'center' })")


def job(page: Page, plan: Plan, at: Site) -> None:
    """One that is made, open."""
    jobs(page, plan, at)
    page.run("document.querySelector('#jlist .h:last-child [data-do=open]').click()")
    page.wait("return document.querySelector('#j-parts .jp') !== null")


STILL = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}  # no colour half way to another

Scene = Callable[[Page, Plan, Site], None]

PICTURES: dict[str, tuple[Scene, int, str, str]] = {
    "speaking-1280": (speaking, 1280, "en", "dark"),
    "speaking-1920": (speaking, 1920, "zh", "dark"),
    "speaking-390": (speaking, 390, "zh", "dark"),
    "done-1280": (done, 1280, "zh", "light"),
    "edited-1280": (edited, 1280, "en", "light"),
    "edited-390": (edited, 390, "zh", "dark"),
    "status-1280": (status, 1280, "zh", "dark"),
    "speaking-2560": (speaking, 2560, "en", "light"),
    "speaking-740": (speaking, 740, "en", "dark"),
    "download-820": (download, 820, "en", "dark"),
    "download-390": (download, 390, "zh", "light"),
    "queued-1280": (queued, 1280, "en", "dark"),
    "loading-1280": (loading, 1280, "zh", "dark"),
    "slow-390": (slow, 390, "en", "dark"),
    "full-1280": (full, 1280, "en", "light"),
    "full-390": (full, 390, "zh", "light"),
    "broken-1280": (broken, 1280, "zh", "light"),
    "voices-390": (voices, 390, "en", "dark"),
    "search-1280": (search, 1280, "zh", "dark"),
    "key-390": (key, 390, "zh", "dark"),
    "jobs-1280": (jobs, 1280, "en", "dark"),
    "jobs-1920": (jobs, 1920, "zh", "light"),
    "jobs-390": (jobs, 390, "zh", "dark"),
    "job-1280": (job, 1280, "en", "light"),
    "job-390": (job, 390, "zh", "dark"),
    "empty-390": (nothing, 390, "en", "light"),
    "empty-320": (nothing, 320, "en", "dark"),
    "empty-1920": (nothing, 1920, "en", "light"),
    "empty-3840": (nothing, 3840, "en", "dark"),
}


def take(folder: Path, names: list[str]) -> None:
    voice = HibariVoice()
    with tempfile.TemporaryDirectory() as temp, browser(Path(temp), "--hide-scrollbars") as driver:
        for name in names or PICTURES:
            scene, width, language, theme = PICTURES[name]
            plan = Plan()
            card = GPU(0, "GPU-0", "Example GPU", int(11.0 * GB), 24 * GB)
            with stand_in_service(plan, voice, gpu=card, idle_timeout_s=60) as service, site(service) as at:
                page = Page(driver, at.url, Path(temp))
                kept = KEPT | ({"text": ""} if scene is nothing else {})
                driver.execute_cdp_cmd("Emulation.setEmulatedMedia", STILL)
                page.open(width=width, height=SIZES.get(width, width * 9 // 16), language=language, theme=theme, **kept)
                page.ready()
                scene(page, plan, at)
                page.wait("return document.fonts.status === 'loaded'")
                png = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
                (folder / f"{name}.png").write_bytes(base64.b64decode(png))
                driver.get("about:blank")


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2:])
