"""<audio src> in a browser: played while it is made, and sought in when it is there."""

from __future__ import annotations

from typing import Any

from tests.page.browser import Page

PLAY = """new Promise((done) => {
  const audio = new Audio(ADDRESS);
  audio.addEventListener("error", () => done("failed: " + audio.error.message));
  audio.addEventListener("timeupdate", () => { if (audio.currentTime > 0.2) { audio.pause(); done("playing"); } });
  audio.play().catch((error) => done("refused: " + error));
})"""
SEEK = """new Promise((done) => {
  const audio = new Audio(ADDRESS);
  audio.addEventListener("error", () => done("failed: " + audio.error.message));
  audio.addEventListener("seeked", () => done(audio.currentTime));
  audio.addEventListener("loadedmetadata", () => { audio.currentTime = 2; });
  audio.load();
})"""
ADDRESS = "'api/tts?seed=1&text=The+train+leaves+at+seven+in+the+morning+from+the+old+station.'"


def run(page: Page, script: str) -> Any:
    """As after a click: browsers let no page play before one."""
    asked = {
        "expression": script.replace("ADDRESS", ADDRESS),
        "awaitPromise": True,
        "userGesture": True,
        "returnByValue": True,
    }
    return page.driver.execute_cdp_cmd("Runtime.evaluate", asked)["result"]["value"]


def test_audio_plays_and_seeks(page: Page) -> None:
    page.driver.get(page.url)
    assert run(page, PLAY) == "playing"
    assert run(page, SEEK) == 2
