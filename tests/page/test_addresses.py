"""<audio src> in a browser: played while it is made, and sought in."""

from __future__ import annotations

from typing import Any

from tests.page.browser import Page

PLAY_AND_SEEK = """new Promise((done) => {
  const audio = new Audio(ADDRESS), heard = [];
  audio.addEventListener("error", () => done("failed: " + audio.error.message));
  audio.addEventListener("seeked", () => { heard.push("seeks to " + audio.currentTime); audio.play(); });
  audio.addEventListener("timeupdate", () => {
    if (!heard.length && audio.currentTime > 0.2) { heard.push("plays"); audio.pause(); audio.currentTime = 2; }
    if (heard.length === 2 && audio.currentTime > 2.2) { audio.pause(); done([...heard, "plays on"]); }
  });
  audio.play().catch((error) => done("refused: " + error));
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
    """It began without a length, as speech does that is still being made."""
    page.driver.get(page.url)
    assert run(page, PLAY_AND_SEEK) == ["plays", "seeks to 2", "plays on"]
