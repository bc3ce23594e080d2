"""GET / and the static files: types, caching, compression."""

from __future__ import annotations

import gzip
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from gpu_manager import State
from speech.settings import Settings
from tests.fakes import WAIT_S, Gate, fake_service
from web.routes.pages import digest

ZIP = {"Accept-Encoding": "gzip"}


def test_the_page_is_html_that_names_its_parts_relatively(client: FlaskClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert re.search(r'<script type="module" src="static/v-[0-9a-f]{12}/js/app.js">', answer.text)
    assert re.search(r'<link rel="modulepreload" href="static/v-[0-9a-f]{12}/js/player.js">', answer.text)


def test_opening_the_page_loads_an_engine_that_holds_no_gpu() -> None:
    gate = Gate()
    service = fake_service(gate)
    page = create_app(service.settings, service).test_client()
    assert page.get("/static/js/app.js", buffered=True).status_code == 200
    assert not gate.reached.is_set()
    assert page.get("/").status_code == 200  # while the gate is closed: it does not wait
    assert gate.reached.wait(WAIT_S)
    gate.open.set()
    service.load()
    assert service.manager.status().loads == 1
    service.close()


@pytest.mark.parametrize(
    ("needs_cuda", "idle_s", "draining"), [(True, -1, False), (False, 0, False), (False, -1, True)]
)
def test_opening_the_page_loads_nothing_else(needs_cuda: bool, idle_s: float, draining: bool) -> None:
    """A GPU stays free until speech is asked for. What would be released at once is not loaded, nor while draining."""
    gate = Gate()
    service = fake_service(gate, Settings(engine="hibari", gpu_idle_timeout=idle_s))
    service.choice = replace(service.choice, spec=replace(service.choice.spec, needs_cuda=needs_cuda))
    if draining:
        service.drain()
    assert create_app(service.settings, service).test_client().get("/").status_code == 200
    assert service.manager.status().state is State.UNLOADED
    service.close()


def test_every_part_that_the_page_names_is_there(client: FlaskClient) -> None:
    for line in client.get("/").text.splitlines():
        for attribute in ("src=", "href="):
            if f'{attribute}"static/' in line:
                name = line.split(f'{attribute}"')[1].split('"')[0]
                part = client.get(f"/{name}", buffered=True)
                assert part.status_code == 200, name
                assert part.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_page_of_another_version_gets_what_is_there_now(client: FlaskClient) -> None:
    """And no cache keeps it under that name."""
    now, then = (client.get(f"/static/{where}js/app.js", buffered=True) for where in ("", "v-0123456789ab/"))
    assert then.data == now.data
    assert then.headers["Cache-Control"] == "no-cache"


def test_another_file_is_another_address(tmp_path: Path) -> None:
    part = tmp_path / "a.js"
    part.write_text("1")
    before = digest([part])
    part.write_text("2")
    os.utime(part, ns=(1, 1))
    assert digest([part]) != before


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/static/js/app.js", "text/javascript; charset=utf-8"),
        ("/static/css/base.css", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_static_files_have_types_that_browsers_take(client: FlaskClient, path: str, kind: str) -> None:
    assert client.get(path, buffered=True).content_type == kind


@pytest.mark.parametrize("path", ["/", "/static/js/app.js", "/api/voices"])
def test_what_has_not_changed_is_not_sent_again(client: FlaskClient, path: str) -> None:
    first = client.get(path, headers=ZIP, buffered=True)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={**ZIP, "If-None-Match": first.headers["ETag"]}, buffered=True)
    assert again.status_code == 304
    assert again.data == b""


@pytest.mark.parametrize("path", ["/", "/static/js/player.js", "/static/css/stage.css"])
def test_text_is_zipped_for_those_who_take_it(client: FlaskClient, path: str) -> None:
    plain, zipped = client.get(path, buffered=True), client.get(path, headers=ZIP, buffered=True)
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert zipped.content_length == len(zipped.data) < len(plain.data) / 2
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in zipped.headers["Vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pages.py",
        "/static/%2e%2e/pages.py",
        "/static/v-0/../../pages.py",
        "/static/js/",
        "/static/v-0/",
        "/static/none.js",
    ],
)
def test_nothing_outside_of_the_folder_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers=ZIP, buffered=True).status_code == 404


def test_info_tells_what_the_engine_takes(client: FlaskClient) -> None:
    info = client.get("/api/info").get_json()
    assert info["engine"]["name"] == "hibari"
    assert info["engine"]["languages"] == ["en"]
    assert info["engine"]["cfg_coefs"] == []
    assert {f["name"] for f in info["formats"]} >= {"wav", "pcm", "mp3", "opus", "aac", "flac"}
    assert info["max_text_chars"] == 20_000


@pytest.mark.parametrize("path", ["/manifest.webmanifest", "/offline.js"])
def test_what_installs_the_page_needs_no_key(path: str) -> None:
    service = fake_service(settings=Settings.load({"API_KEYS": "anna:open-sesame-0123456789"}))
    keyed = create_app(service.settings, service).test_client()
    assert keyed.get("/api/info").status_code == 401
    assert keyed.get(path).status_code == 200


def test_the_service_worker_keeps_every_module_and_sheet(client: FlaskClient) -> None:
    script = client.get("/offline.js")
    assert script.content_type.startswith("text/javascript")
    page = client.get("/").text
    assert (parts := set(re.findall(r"static/v-[0-9a-f]{12}/(?:js|css)/[\w.]+", page)))
    assert parts - set(re.findall(r"static/v-[\w./-]+", script.text)) == set()
