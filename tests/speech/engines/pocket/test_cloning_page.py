"""A voice of one's own, from the page to the service that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu_manager import GPUManager
from speech.service import build_service
from speech.settings import Settings
from tests.page.browser import Page, browser, missing
from tests.page.site import site
from tests.speech.engines.pocket.test_cloning import RECORDING

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def page(checkpoint: Path, tmp_path: Path) -> Iterator[Page]:
    if missing():
        pytest.skip(f"missing: {', '.join(missing())}")
    names = {"ENGINE": "pocket", "MODEL_DIR": str(checkpoint), "POCKET_QUANTIZE": "false"}
    service = build_service(Settings.load(names | {"VOICES_DIR": str(tmp_path / "voices")}), GPUManager())
    try:
        with site(service) as at, browser(tmp_path) as driver:
            yield Page(driver, at.url, tmp_path).open().ready()
    finally:
        service.close()


def test_a_recording_becomes_a_voice_that_speaks_and_is_deleted(page: Page, tmp_path: Path) -> None:
    recording = tmp_path / "mum.wav"
    recording.write_bytes(RECORDING)
    page.click("#b-clone")
    page.wait("return document.querySelector('#d-clone').open")
    page.find("#c-file").send_keys(str(recording))
    page.wait("return document.querySelector('#c-heard').checkVisibility()")
    page.find("#c-name").send_keys("Mum")
    page.click("#c-consent")
    page.click("#b-make")
    page.wait("return !document.querySelector('#d-clone').open", timeout_s=60)
    assert page.text("#chosen b") == "Mum"
    page.speak("Hello there.")
    page.wait_state("Done", timeout_s=60)
    page.click("#b-clone")
    for _ in range(2):  # the second press is the answer to the question
        page.click("#c-own button")
    page.wait("return document.querySelector('#c-yours').hidden")
    assert "Mum" not in page.text("#vlist")
