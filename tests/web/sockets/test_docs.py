"""The examples of docs/streaming.md, as they stand there, against the real service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.ear import heard, pcm16, word_errors
from tests.live_server import ROOT, LiveServer, live_server

PAGE = (ROOT / "docs" / "streaming.md").read_text()
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


def example(name: str, server: LiveServer) -> str:
    found = re.search(rf"<!-- test: {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found
    code = found[1].replace("localhost:8900", f"127.0.0.1:{server.port}")
    assert str(server.port) in code
    return code


def test_the_python_example(server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(example("python", server))
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +\d+\.\d\d s {2}Text$", done.stdout, re.MULTILINE)
    with wave.open(str(tmp_path / "hello.wav")) as file:
        samples = pcm16(file.readframes(file.getnframes()))
    said = "Hello there. Text may be cut anywhere, and audio comes at once."
    assert word_errors(said, heard(samples, 24_000)) <= 3


@pytest.fixture
def open_to_files(tmp_path: Path) -> Iterator[LiveServer]:
    """A service that pages opened as files may use: their origin is called null."""
    folder = tmp_path / "server"
    folder.mkdir()
    with live_server(folder, ENGINE="hibari", CORS_ORIGINS="null") as running:
        yield running


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    yield driver
    driver.quit()


@pytest.mark.browser
def test_the_browser_example(open_to_files: LiveServer, chromium: webdriver.Chrome, tmp_path: Path) -> None:
    server = open_to_files
    page = tmp_path / "example.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{example('browser', server)}")
    chromium.get(page.as_uri())
    chromium.find_element(By.ID, "speak").click()
    words = chromium.find_element(By.ID, "words")
    WebDriverWait(chromium, 30).until(lambda _: " s)" in words.text)
    found = re.fullmatch(r"Hello there\. Text may be cut anywhere\. \((\d\.\d+) s\)", words.text)
    assert found
    assert 1.5 < float(found[1]) < 5
