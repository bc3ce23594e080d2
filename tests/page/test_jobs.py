"""Long documents are jobs of the service: it makes them without the page, and any browser finds them."""

from __future__ import annotations

import wave
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest

from tests.ear import heard, word_errors
from tests.page.browser import Page
from tests.page.site import Site
from tests.page.stand_in import Plan
from tests.page.test_document import BROOK, FOX, MARKET, put

BOOK = f"# The fox\n\n{FOX}\n\n# The boats\n\n{BROOK}\n\n{MARKET}"
LONG = BOOK + f"\n\n{FOX} {MARKET}" * 21
JOBS = "const done = arguments[arguments.length - 1]; fetch('api/jobs').then((r) => r.json()).then(done)"
LINE = "#jlist .h small"


def jobs(page: Page) -> list[dict[str, object]]:
    return list(page.driver.execute_async_script(JOBS)["jobs"])


def give(page: Page, text: str) -> None:
    """The document, to the service; it is short, and the button is for long ones."""
    put(page, text)
    page.run("document.querySelector('#b-server').click()")
    page.wait("return document.querySelector('#jlist .h') !== null")


def done(page: Page) -> None:
    page.wait("return document.querySelector('#jlist [data-do=play]')?.disabled === false", timeout_s=60)
    page.wait("return document.querySelector('#jlist progress') === null", timeout_s=60)


def opened(page: Page) -> None:
    page.click("#jlist [data-do=open]")
    page.wait("return document.querySelector('#j-parts .jp') !== null")


def test_a_long_document_can_be_left_to_the_service_and_another_browser_finds_it(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    put(page, FOX)
    assert not page.shown("#b-server")
    put(page, LONG)
    page.wait("return document.querySelector('#b-server').checkVisibility()")
    page.double_click("#b-server")
    page.wait("return document.querySelector('#jlist .h') !== null")
    page.wait("return document.querySelector('#jlist .h').getBoundingClientRect().top < innerHeight")  # in sight
    page.open().ready()  # with nothing that this browser had kept
    page.wait("return document.querySelector('#jlist .h p')?.textContent.startsWith('The fox')")
    (job,) = jobs(page)
    assert str(job["title"]).startswith("The fox")
    page.click("#jlist [data-do=delete]")


def test_a_job_has_the_chapters_and_voices_of_the_document(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.run(
        "const ask = fetch; window.asked = []; window.fetch = (path, what) => {"
        " if (path === 'api/jobs') asked.push(JSON.parse(what.body)); return ask(path, what); }"
    )
    put(page, BOOK)
    page.run("document.querySelectorAll('.pb')[3].click()")
    page.click("#pmenu [data-do=voice]")
    page.find("#q").send_keys("p231")
    page.click("[data-id='vctk/p231_023.wav'] label")
    give(page, BOOK)
    (asked,) = page.run("return asked")
    assert asked["chapters"] == [
        {"title": "The fox", "paragraphs": [{"text": FOX}]},
        {"title": "The boats", "paragraphs": [{"text": BROOK, "voice": "vctk/p231_023.wav"}, {"text": MARKET}]},
    ]
    assert asked["voice"] == "vctk/p228_023.wav"


def test_the_list_follows_a_job_without_asking_again(gpu_page: Page, plan: Plan) -> None:
    page = gpu_page.open().ready()
    plan.hold_at_s = 0.5
    plan.go_on.clear()
    page.run(
        "const ask = fetch; let told = false; window.fetch = async (path, what) => {"
        " if (!path.startsWith('api/jobs?')) return ask(path, what);"
        " if (told) return new Promise(() => {});"  # from now on there are only its news
        " const answer = await ask(path, what); told = (await answer.clone().json()).jobs.length > 0; return answer; }"
    )
    give(page, BOOK)
    page.wait("return document.querySelector('#jlist progress') !== null")
    plan.go_on.set()
    done(page)


@pytest.mark.slow
def test_a_job_is_heard_in_the_player(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    give(page, BOOK)
    done(page)
    page.click("#jlist [data-do=play]")
    page.wait_state("Speaking")
    assert page.find("#text").get_attribute("value") == BOOK
    page.wait_state("Done", timeout_s=40)
    _, got = page.sound()
    assert word_errors(f"The fox. {FOX} The boats. {BROOK} {MARKET}", heard(got, page.rate)) <= 3


@pytest.mark.slow
def test_one_passage_is_made_again_with_another_text(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    give(page, BOOK)
    done(page)
    opened(page)
    page.click("#j-parts [data-do=edit][data-n='1']")  # the title is the one before
    page.find("#j-parts textarea").clear()
    page.find("#j-parts textarea").send_keys(f"{MARKET}\ue007")
    page.wait(
        "return [...document.querySelectorAll('#j-parts p')].some((p) => p.textContent === arguments[0])",
        MARKET,
        timeout_s=40,
    )
    page.wait("return !document.querySelector('#j-save button').disabled", timeout_s=40)
    page.click("#j-save [data-file=wav]")
    wav = page.downloaded("wav")
    with wave.open(str(wav)) as file:
        got = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        assert word_errors(f"The fox. {MARKET} The boats. {BROOK} {MARKET}", heard(got, file.getframerate())) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_job_is_saved_with_its_chapters(gpu_page: Page, language: str) -> None:
    page = gpu_page.open(language=language).ready()
    give(page, BOOK)
    done(page)
    opened(page)
    assert page.run("return [...document.querySelectorAll('#j-parts h3')].map((h) => h.textContent)") == [
        "The fox",
        "The boats",
    ]
    page.click("#j-save [data-file=m4b]")
    assert chapters(page.downloaded("m4b")) == ["The fox", "The boats"]
    page.wait("return !document.querySelector('#j-save button').disabled")
    page.click("#j-save [data-file=zip]")
    with zipfile.ZipFile(page.downloaded("zip")) as archive:
        assert archive.namelist() == ["001 The fox.mp3", "002 The boats.mp3"]
    page.wait("return !document.querySelector('#j-save button').disabled")
    page.click("#j-save [data-file=srt]")
    assert "fox" in page.downloaded("srt").read_text()


def chapters(file: Path) -> list[str]:
    """As FFmpeg sees them."""
    with av.open(str(file)) as container:
        return [str(chapter["metadata"]["title"]) for chapter in container.chapters()]


@pytest.mark.slow
def test_a_job_rests_and_goes_on_and_is_deleted_with_undo(gpu_page: Page, plan: Plan) -> None:
    page = gpu_page.open().ready()
    plan.pace = 4.0
    give(page, LONG)
    page.click("#jlist [data-do=cancel]")
    page.wait_text(LINE, "paused")
    plan.pace = None
    page.click("#jlist [data-do=resume]")
    done(page)
    page.click("#jlist [data-do=delete]")
    page.click("#jlist [data-do=undo]")
    assert page.shown("#jlist [data-do=open]")
    assert len(jobs(page)) == 1


def test_what_the_service_refuses_is_told_in_place(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    gpu_site.service.settings = gpu_site.service.settings.model_copy(update={"max_job_chars": 10})
    put(page, FOX)
    page.run("document.querySelector('#b-server').click()")
    page.wait_text("#j-note", "longer than the server takes")


def test_a_passage_that_is_damaged_on_the_disk_is_told_and_said_again(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open().ready()
    give(page, FOX)
    done(page)
    (sound,) = (gpu_site.service.settings.output_dir / "jobs").glob("*/*.flac")
    sound.write_bytes(b"")
    opened(page)
    page.click("#j-save [data-file=wav]")
    page.wait_text("#j-wrong", "Passage 1 is damaged on the server")
    page.click("#j-parts [data-do=again]")
    page.wait("return !document.querySelector('#j-wrong').checkVisibility()")  # the job is as it is now
    page.wait("return !document.querySelector('#j-save button').disabled", timeout_s=40)
    page.click("#j-save [data-file=wav]")
    with wave.open(str(page.downloaded("wav"))) as file:
        assert file.getnframes() > file.getframerate()
