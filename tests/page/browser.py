"""Debian's Chromium without a window (Page): what is seen, pressed and heard."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
WAIT_S = 20.0
POLL_S = 0.03
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--lang=en-US",
    "--autoplay-policy=document-user-activation-required",
)


def missing() -> list[str]:
    """What the tests of the page need and this machine has not."""
    wanted = {
        "chromium (apt-get install chromium)": shutil.which("chromium"),
        "chromedriver (apt-get install chromium-driver)": shutil.which("chromedriver"),
        "axe-core (npm install --prefix tests/page --no-package-lock)": AXE.is_file(),
    }
    return [name for name, there in wanted.items() if not there]


@contextmanager
def browser(folder: Path, *flags: str, tapped: bool = True) -> Iterator[webdriver.Chrome]:
    """A browser with a profile of its own.

    tapped: what it plays is recorded, for which the policy of the page is set aside.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        driver.set_script_timeout(90)
        if tapped:
            driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
            driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": (HERE / "tap.js").read_text()})
        yield driver
    finally:
        driver.quit()


class Page:
    """The page as people use it."""

    def __init__(self, driver: webdriver.Chrome, url: str, downloads: Path) -> None:
        self.driver, self.url, self.downloads = driver, url, downloads
        self._said: list[dict[str, Any]] = []  # by the console while the page came up

    # -- going there --------------------------------------------------------------------------------------------

    def open(
        self, *, width: int = 1280, height: int = 800, language: str = "en", theme: str = "dark", **prefs: Any
    ) -> Page:
        """A first visit, with what this browser is to remember; wait until the voices are there."""
        self.driver.get("about:blank")
        origin = "/".join(self.url.split("/")[:3])
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        kept = json.dumps({"lang": language, "theme": theme, **prefs})
        self.size(width, height)
        self.driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.downloads)}
        )
        self.driver.get(f"{origin}/static/icon.svg")  # the same origin, without the page
        self.driver.execute_script("localStorage.setItem('kyutai-tts', arguments[0])", kept)
        self.driver.get_log("browser")
        self.visit()
        return self

    def visit(self) -> None:
        """Come back, remembering what this browser remembers.

        When a network interface of the machine comes or goes (a container's), Chromium drops all requests under way.
        """
        lost = "net::ERR_NETWORK_CHANGED"
        for _ in range(10):
            self.driver.get(self.url + "/")  # returns when all modules have come, or failed
            self._said = self.driver.get_log("browser")
            if not any(lost in entry["message"] for entry in self._said):
                break
        self.wait("return document.readyState === 'complete' && document.title !== 'Kyutai TTS'")

    def ready(self) -> Page:
        self.wait("return document.querySelector('#vlist input:checked') !== null")
        return self

    def size(self, width: int, height: int) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )

    def leave(self) -> None:
        """Nothing of this page goes on asking."""
        self.offline(False)
        self.driver.get("about:blank")

    # -- looking ------------------------------------------------------------------------------------------------

    def run(self, script: str, *args: Any) -> Any:
        return self.driver.execute_script(script, *args)

    def wait(self, script: str, *args: Any, timeout_s: float = WAIT_S) -> Any:
        """Until the script returns something true; what it returned."""
        try:
            return WebDriverWait(self.driver, timeout_s, POLL_S).until(lambda d: d.execute_script(script, *args))
        except TimeoutException:
            state = self.run("return document.querySelector('#state-text')?.textContent")
            says = f"state: {state}; console: {self.complaints()}"
            raise AssertionError(f"not true in time: {script} {args}; {says}") from None

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def shown(self, selector: str) -> bool:
        return bool(self.run("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector))

    def wait_text(self, selector: str, part: str, timeout_s: float = WAIT_S) -> None:
        self.wait(
            "return document.querySelector(arguments[0])?.textContent.includes(arguments[1])",
            selector,
            part,
            timeout_s=timeout_s,
        )

    def wait_state(self, text: str, timeout_s: float = WAIT_S) -> None:
        self.wait_text("#state-text", text, timeout_s)

    def watch(self, selector: str) -> None:
        """Note every text that the element gets from now on: `watched` tells."""
        self.run(
            "const e = document.querySelector(arguments[0]); window.watched = [];"
            "new MutationObserver(() => watched.push(e.textContent)).observe(e, { childList: true })",
            selector,
        )

    @property
    def watched(self) -> list[str]:
        return list(self.run("return watched"))

    @property
    def focus(self) -> str:
        return str(self.run("return document.activeElement.id"))

    def complaints(self) -> list[str]:
        """What the browser's console says: errors and refused resources."""
        lines = [
            entry["message"] for entry in self._said + self.driver.get_log("browser") if entry["level"] == "SEVERE"
        ]
        # The first is said on every origin that is not secure; the second is asked for by `open` and not by the page.
        harmless = ("Cross-Origin-Opener-Policy", "/favicon.ico")
        return [line for line in lines if not any(part in line for part in harmless)]

    # -- doing --------------------------------------------------------------------------------------------------

    def click(self, selector: str) -> None:
        """What is drawn anew between finding and pressing is found again."""
        for _ in range(3):
            with suppress(StaleElementReferenceException):
                self.find(selector).click()
                return
        self.find(selector).click()

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, modifier: str, key: str) -> None:
        ActionChains(self.driver).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def write(self, text: str) -> None:
        box = self.find("#text")
        box.clear()
        box.send_keys(text.replace("\n", Keys.ENTER))

    def speak(self, text: str) -> None:
        self.write(text)
        self.click("#b-go")

    def offline(self, on: bool) -> None:
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {"offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )

    def downloaded(self, ending: str) -> Path:
        """The file that a press has brought, once it is whole."""
        WebDriverWait(self.driver, WAIT_S, POLL_S).until(lambda _: list(self.downloads.glob(f"*.{ending}")))
        return next(self.downloads.glob(f"*.{ending}"))

    # -- hearing ------------------------------------------------------------------------------------------------

    @property
    def rate(self) -> int:
        return int(self.run("return tap.rate"))

    def sound(self, context: int = 0) -> tuple[int, NDArray[np.float32]]:
        """What the audio graph has played: the frame of the first sample, and the samples."""
        now = self.run("return tap.contexts[arguments[0]].currentTime * tap.rate", context)
        self.wait(
            "return tap.contexts[arguments[0]].state !== 'running'"
            " || tap.blocks.some(([i, at]) => i === arguments[0] && at > arguments[1])",
            context,
            now,
        )
        taken = self.run("return tap.take(arguments[0])", context)
        return int(taken["from"]), np.frombuffer(base64.b64decode(taken["base64"]), np.float32)

    def double_click(self, selector: str) -> None:
        """As the browser hands it to the page, however late the second click comes on a busy machine."""
        place = self.find(selector).rect
        at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2, "button": "left"}
        for count in (1, 2):
            for kind in ("mousePressed", "mouseReleased"):
                self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "clickCount": count, **at})

    def marked(self) -> list[dict[str, Any]]:
        """Which words were marked, and when on the audio clock."""
        return list(self.run("return tap.words"))

    def drawn(self) -> list[float]:
        """When the browser drew a frame, on the audio clock."""
        return list(self.run("return tap.frames"))
