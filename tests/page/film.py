"""The moving picture and the sound of the README, from a real run: python -m tests.page.film FOLDER

The service runs as users have it, with the embedded voice; Chromium shows its page. Leaves speaking.webp and
hibari.mp3 in FOLDER.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import imageio_ffmpeg

from tests.live_server import LiveServer, live_server
from tests.page.browser import Page, browser

TEXT = (
    "# The night train\n\nGood evening, and welcome aboard the night train to the coast. We leave the city in a few "
    "minutes, and the lights outside will fade one by one."
)
SAMPLE = (
    "Good evening. This is the embedded voice. It speaks on any computer, without a graphics card, "
    "an account or a key: on November 26th, 2026, for $0.00."
)
WIDTH, HEIGHT = 960, 600
LONGEST_S = 9.0
FRAMES_A_SECOND = 8


def frames(page: Page, folder: Path) -> float:
    """Pictures of the page while it speaks, as many as can be taken; how many came in a second."""
    page.click("#b-go")
    begun = time.monotonic()
    count = 0
    while time.monotonic() - begun < LONGEST_S:
        due = begun + count / FRAMES_A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        png = page.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
        (folder / f"{count:03}.png").write_bytes(base64.b64decode(png))
        count += 1
    return count / (time.monotonic() - begun)


def film(server: LiveServer, target: Path) -> None:
    with tempfile.TemporaryDirectory() as temp, browser(Path(temp), "--hide-scrollbars") as driver:
        folder = Path(temp) / "frames"
        folder.mkdir()
        page = Page(driver, server.url, Path(temp))
        page.open(width=WIDTH, height=HEIGHT, language="en", theme="dark", text=TEXT)
        page.ready()
        rate = frames(page, folder)
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-framerate", f"{rate:.2f}"]
        encoder = ["-c:v", "libwebp_anim", "-loop", "0", "-quality", "60", "-compression_level", "6"]
        subprocess.run([*ffmpeg, "-i", f"{folder}/%03d.png", *encoder, str(target)], check=True)


def sound(server: LiveServer, target: Path) -> None:
    body = json.dumps({"text": SAMPLE, "format": "mp3", "bitrate": 64}).encode()
    request = urllib.request.Request(f"{server.url}/api/tts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        target.write_bytes(answer.read())


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temp, live_server(Path(temp), ENGINE="hibari") as server:
        sound(server, folder / "hibari.mp3")
        film(server, folder / "speaking.webp")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
