"""A voice of one's own: recorded or chosen, heard, agreed to, named; shown only where the service makes such voices."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from werkzeug.formparser import parse_form_data

from tests.page.browser import Page, browser
from tests.page.site import Site
from tests.page.test_accessibility import violations

FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


class Cloning:
    """A site whose service makes voices: answers as POST /api/voices/clone and DELETE do, of the contract of the API."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app, self.made, self.sent = app, [], []  # type: ignore[var-annotated]
        self.refusal: dict[str, object] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == "/api/voices/clone":
            return self._clone(environ, start_response)
        if method == "DELETE" and path.startswith("/api/voices/"):
            self.made = [voice for voice in self.made if voice["id"] != path.rpartition("/")[2]]
            start_response("204 No Content", [])
            return []
        if path in ("/api/info", "/api/voices"):
            return self._changed(environ, start_response)
        return self.app(environ, start_response)

    def _clone(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        _, form, files = parse_form_data(environ)
        self.sent.append((form.to_dict(), files["file"].read()))
        files["file"].close()
        if self.refusal:
            return _json(start_response, "501 Not Implemented", {"error": self.refusal})
        voice = {"id": "mum-1", "name": form["name"], "language": "en", "license": "own", "commercial": True}
        voice |= {"source": "made", "gender": None, "style": None, "cached": True, "made": True, "made_at": 1.0}
        self.made.append(voice)
        return _json(start_response, "201 Created", voice | {"seconds": 4.0, "warnings": []})

    def _changed(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ.pop("HTTP_ACCEPT_ENCODING", None)
        environ.pop("HTTP_IF_NONE_MATCH", None)
        told = json.loads(b"".join(self.app(environ, lambda *_: None)))
        if "voices" in told:
            told["voices"] += self.made
        return _json(start_response, "200 OK", told | {"cloning": True})


def _json(start_response: Callable[..., Any], status: str, told: object) -> list[bytes]:
    body = json.dumps(told).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def cloning(gpu_site: Site) -> Cloning:
    gpu_site.app = Cloning(gpu_site.app)
    return gpu_site.app


def recording(folder: Path, seconds: float) -> str:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * np.sin(np.arange(int(16_000 * seconds)) / 20)).astype("<i2").tobytes())
    path = folder / "mum.wav"
    path.write_bytes(buffer.getvalue())
    return str(path)


def opened(page: Page) -> None:
    page.click("#b-clone")
    page.wait("return document.querySelector('#d-clone').open")


def choose(page: Page, path: str) -> None:
    page.find("#c-file").send_keys(path)


def test_where_the_service_makes_none_nothing_is_offered(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    assert not page.shown("#b-clone")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_from_a_file_to_a_voice_that_is_chosen_and_deleted(
    gpu_page: Page, cloning: Cloning, tmp_path: Path, language: str
) -> None:
    page = gpu_page.open(language=language).ready()
    opened(page)
    page.click("#b-make")
    assert page.shown("#c-note"), "there is no recording"
    choose(page, recording(tmp_path, 4))
    page.wait("return document.querySelector('#c-heard').checkVisibility()")
    page.find("#c-name").send_keys("Mum")
    page.click("#b-make")
    assert page.focus == "c-consent", "without it no voice is made"
    assert cloning.sent == []
    assert violations(page) == []
    page.click("#c-consent")
    page.click("#b-make")
    page.wait("return !document.querySelector('#d-clone').open")
    assert page.text("#chosen b") == "Mum"
    ((form, sent),) = cloning.sent
    assert form == {"name": "Mum", "consent": "true"}
    with wave.open(io.BytesIO(sent)) as file:
        assert abs(file.getnframes() / file.getframerate() - 4) < 0.1
    opened(page)
    assert page.find("#c-name").get_attribute("value") == ""
    page.click("#c-own button")
    assert len(cloning.made) == 1, "asked twice"
    page.click("#c-own button")
    page.wait("return document.querySelector('#c-yours').hidden")
    assert cloning.made == []


@pytest.mark.parametrize("seconds", [1.0, 40.0])
def test_a_recording_of_another_length_is_told_before_it_is_sent(
    gpu_page: Page, cloning: Cloning, tmp_path: Path, seconds: float
) -> None:
    page = gpu_page.open().ready()
    opened(page)
    choose(page, recording(tmp_path, seconds))
    page.wait_text("#c-note", "3 to 30 seconds")
    assert not page.shown("#c-heard")


def test_what_the_service_refuses_is_told_in_the_dialog(gpu_page: Page, cloning: Cloning, tmp_path: Path) -> None:
    cloning.refusal = {"message": "Accept the terms first.", "code": "not_supported"}
    page = gpu_page.open().ready()
    opened(page)
    choose(page, recording(tmp_path, 4))
    page.wait("return document.querySelector('#c-heard').checkVisibility()")
    page.find("#c-name").send_keys("Mum")
    page.click("#c-consent")
    page.click("#b-make")
    page.wait_text("#c-note", "Accept the terms first.")


@pytest.fixture
def recorded(gpu_site: Site, cloning: Cloning, tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path, *FAKE_MICROPHONE, tapped=False) as driver:
        page = Page(driver, gpu_site.url, tmp_path)
        page.visit()
        yield page.ready()


def test_a_recording_from_the_microphone_is_heard_and_sent(recorded: Page, cloning: Cloning) -> None:
    page = recorded
    opened(page)
    page.click("#b-record")
    page.wait_text("#b-record", "Stop (4 s)")
    page.click("#b-record")
    page.wait("return document.querySelector('#c-heard').duration > 3")
    page.find("#c-name").send_keys("Me")
    page.click("#c-consent")
    page.click("#b-make")
    page.wait("return !document.querySelector('#d-clone').open")
    assert cloning.sent[0][1][:4] == b"RIFF"
