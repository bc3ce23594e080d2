"""Speech at an address: as players, browsers and curl ask for it."""

from __future__ import annotations

import re
import subprocess
import threading
from urllib.parse import urlencode

import imageio_ffmpeg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from speech.service import SpeechService
from speech.settings import Settings
from tests.live_server import LiveServer
from tests.speech.encoders.test_encoders import RATE, SENTENCE, decode
from tests.stage import StageEngine
from tests.waiting import wait_until
from web.http.recordings import Recordings

PATH = "/api/tts?text=Good+evening.&seed=1"
PAUSE = "text=%3Cbreak+time%3D%221s%22/%3E"
KEYS = {"api_keys": "anna:secret-of-anna"}


def client_with(service: SpeechService, **settings: object) -> FlaskClient:
    service.settings = Settings.model_validate({"engine": "hibari", "gpu_idle_timeout": -1, **settings})
    return create_app(service.settings, service).test_client()


def spoken(service: SpeechService) -> float:
    """How often it was spoken."""
    found = re.search(rb'^tts_requests_total\{outcome="ok"\} ([0-9.]+)', service.metrics.text(), re.MULTILINE)
    return float(found.group(1)) if found else 0


def ranged(client: FlaskClient, asked: str, **headers: str) -> TestResponse:
    return client.get(PATH, headers={"Range": f"bytes={asked}", **headers}, buffered=True)


def test_an_address_is_heard(client: FlaskClient) -> None:
    answer = client.get("/api/tts", query_string={"text": SENTENCE}, buffered=True)
    assert (answer.status_code, answer.content_type) == (200, "audio/mpeg")
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    assert len(decode("mp3", answer.data)) > 3 * RATE


def test_openais_names(client: FlaskClient) -> None:
    query = {"input": "Hello.", "voice": "alloy", "response_format": "wav", "model": "tts-1"}
    answer = client.get("/v1/audio/speech", query_string=query, buffered=True)
    assert (answer.status_code, answer.content_type) == (200, "audio/wav")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "text"),
        ("text=Hi.&format=exe", "format"),
        ("text=Hi.&x=1", "x"),
        (PAUSE, "text"),
        ("text=caf%E9", "text"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_bad_input_is_refused(client: FlaskClient, query: str, param: str, method: str) -> None:
    answer = client.open(f"/api/tts?{query}", method=method)
    assert answer.status_code == 400
    if method == "GET":
        assert answer.json["error"]["param"] == param  # type: ignore[index]


def test_ranges_are_those_of_one_speech(client: FlaskClient, service: SpeechService) -> None:
    """As Safari asks: two bytes, all of them, then from where somebody seeks to."""
    two = ranged(client, "0-1")
    total = int(two.headers["Content-Range"].removeprefix("bytes 0-1/"))
    assert (two.status_code, len(two.data), two.content_length) == (206, 2, 2)
    everything = ranged(client, f"0-{total - 1}")
    assert (everything.status_code, len(everything.data)) == (206, total)
    assert everything.data[:2] == two.data
    rest = ranged(client, f"{total // 2}-")
    assert rest.headers["Content-Range"] == f"bytes {total // 2}-{total - 1}/{total}"
    assert rest.data == everything.data[total // 2 :]
    assert ranged(client, "-10").data == everything.data[-10:]
    assert client.get(PATH, buffered=True).data == everything.data
    assert {two.headers["ETag"], everything.headers["ETag"]} == {rest.headers["ETag"]}
    assert spoken(service) == 1
    beyond = ranged(client, f"{total}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{total}")


def test_conditions(client: FlaskClient) -> None:
    first = client.get(PATH, buffered=True)
    etag = first.headers["ETag"]
    assert client.get(PATH, headers={"If-None-Match": etag}).status_code == 304
    assert ranged(client, "0-1", **{"If-Range": etag}).status_code == 206
    assert ranged(client, "0-1", **{"If-Range": '"another"'}).status_code == 200


def test_head_speaks_nothing(client: FlaskClient, service: SpeechService) -> None:
    before = client.head(PATH)
    assert (before.status_code, before.content_type, before.data) == (200, "audio/mpeg", b"")
    assert service.manager.status().loads == 0
    whole = client.get(PATH, buffered=True)
    assert client.head(PATH).content_length == len(whole.data)


def test_it_sounds_while_it_is_made_and_a_second_request_joins(app: Flask, service: SpeechService) -> None:
    stage = StageEngine()
    service.manager.configure(lambda _: stage, -1)
    service.load()
    client = app.test_client()
    threading.Thread(target=lambda: stage.play(stage.next(), "Good", frames=20, finish=False)).start()
    answer = client.get(PATH, headers={"Range": "bytes=0-"})
    assert (answer.status_code, "Content-Length" in answer.headers) == (200, False)
    first = next(iter(answer.response))
    (utterance,) = stage.speaking
    utterance.finish()
    joined = client.get(PATH, buffered=True)
    assert joined.data.startswith(first)  # type: ignore[arg-type]
    assert joined.data == first + b"".join(answer.response)  # type: ignore[arg-type]
    assert stage.taken.empty()
    answer.close()


def test_what_nobody_hears_is_stopped(app: Flask, service: SpeechService) -> None:
    app.extensions["recordings"] = Recordings(300, 1_000_000, grace_s=0.01)
    stage = StageEngine()
    service.manager.configure(lambda _: stage, -1)
    service.load()
    threading.Thread(target=lambda: stage.play(stage.next(), "Good", frames=5, finish=False)).start()
    answer = app.test_client().get(PATH)
    next(iter(answer.response))
    answer.close()
    wait_until(lambda: not stage.speaking)
    wait_until(lambda: service.streams_open == 0)


def test_an_engine_that_fails_at_once_is_a_status_and_is_not_kept(app: Flask, service: SpeechService) -> None:
    def broken(_progress: object) -> object:
        raise RuntimeError("out of order")

    service.manager.configure(broken, -1)  # type: ignore[arg-type]
    client = app.test_client()
    assert client.get(PATH).status_code >= 500
    stage = StageEngine()
    service.manager.configure(lambda _: stage, -1)
    threading.Thread(target=lambda: stage.play(stage.next(), "Good", frames=5)).start()
    assert client.get(PATH, buffered=True).status_code == 200


def test_the_bytes_kept_are_bounded(service: SpeechService) -> None:
    client = client_with(service, address_keep_mb=0)
    first, second = (client.get(PATH, buffered=True) for _ in range(2))
    assert first.headers["ETag"] != second.headers["ETag"]


def test_the_door_can_be_closed(service: SpeechService) -> None:
    client = client_with(service, speech_addresses=False)
    assert client.get(PATH).status_code == 405
    assert client.post("/api/links", json={"text": "Hi."}).status_code == 405
    assert client.post("/api/tts", json={"text": "Hi."}).status_code == 200


# -- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Referer": "http://localhost:3000/"},
        {"Referer": "https://elsewhere.example/"},
    ],
)
def test_a_foreign_pages_player_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get(PATH, headers=headers).status_code == 403
    assert client.head(PATH, headers=headers).status_code == 403


@pytest.mark.parametrize("origins", ["https://home.example", "*"])
def test_unless_cors_origins_names_it(service: SpeechService, origins: str) -> None:
    client = client_with(service, cors_origins=origins)
    headers = {"Sec-Fetch-Site": "cross-site", "Referer": "https://home.example/a"}
    assert client.get(PATH, headers=headers).status_code == 200


def test_with_keys_an_address_needs_one_or_a_signature(service: SpeechService) -> None:
    client = client_with(service, **KEYS)
    anna = {"Authorization": "Bearer secret-of-anna"}
    assert client.get(PATH).status_code == 401
    assert client.get(f"{PATH}&auth_id=secret-of-anna").status_code == 401
    assert client.get(PATH, headers=anna, buffered=True).status_code == 200
    assert client.post("/api/links", json={"text": "Hi."}).status_code == 401
    link = client.post("/api/links", json={"text": "Hi & bye, 50 %.", "seed": 2}, headers=anna).get_json()["url"]
    assert "secret-of-anna" not in link
    path = link.removeprefix("http://localhost")
    assert client.get(path, buffered=True).status_code == 200
    assert client.get(path, headers={"Range": "bytes=0-1"}, buffered=True).status_code == 206
    for changed in (path.replace("bye", "hello"), path + "&voice=heart", path.replace("by=anna", "by=otto")):
        assert client.get(changed).status_code == 401
    assert client.post(path.replace("/api/tts", "/api/tts/stream"), json={"text": "Hi."}).status_code == 401
    other = client_with(service, api_keys="anna:another")
    assert other.get(path).status_code == 401


@pytest.mark.parametrize("expires", ["0", "1", "x", "", "\u0663", "-1", pytest.param("9" * 5000, id="of 5,000 digits")])
def test_an_expired_or_odd_link_is_refused(service: SpeechService, expires: str) -> None:
    client = client_with(service, **KEYS)
    query = urlencode({"text": "Hi.", "by": "anna", "expires": expires, "signature": "x"})
    assert client.get(f"/api/tts?{query}").status_code == 401


def test_without_keys_a_link_is_a_plain_address(client: FlaskClient) -> None:
    answer = client.post("/api/links", json={"text": "Hello there."}).get_json()
    assert answer == {"url": "http://localhost/api/tts?text=Hello+there.", "expires_at": None}


def test_only_what_speaks_counts_against_the_limit(service: SpeechService) -> None:
    client = client_with(service, rate_limit=1, rate_burst=1)
    assert [ranged(client, "0-1").status_code for _ in range(3)] == [206, 206, 206]
    assert client.get("/api/tts?text=Another.").status_code == 429


# -- other programs -------------------------------------------------------------------------------------------------


def test_ffmpeg_reads_it(server: LiveServer) -> None:
    url = f"{server.url}/api/tts?{urlencode({'text': SENTENCE, 'seed': 5})}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", url, "-f", "f32le", "-ar", str(RATE), "pipe:1"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert len(done.stdout) / 4 / RATE > 3


def test_curl_reads_a_part_of_it(server: LiveServer) -> None:
    url = f"{server.url}/api/tts?{urlencode({'text': SENTENCE, 'seed': 6})}"
    part = subprocess.run(["curl", "-fsS", "-r", "100-199", url], capture_output=True, check=True).stdout
    whole = subprocess.run(["curl", "-fsS", url], capture_output=True, check=True).stdout
    assert part == whole[100:200]
