"""What must be refused: endless and large bodies, headers, paths where none belongs; what browsers are told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from speech.errors import Unavailable
from speech.request import SpeechRequest
from speech.settings import Settings
from tests.live_server import LiveServer, live_server
from tests.services import make_service
from tests.stage import StageEngine
from web.http import forms
from web.routes import openai

PATHS = [
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\boot.ini",
    "file:///etc/passwd",
    "http://127.0.0.1:1/x",
    "%2e%2e%2f",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("field", [n for n in forms.SpeechForm.model_fields if n != "text"])
def test_a_path_in_any_field_of_ours_is_refused(client: FlaskClient, field: str, path: str) -> None:
    answer = client.post("/api/tts", json={"text": "Hello.", field: path})
    assert answer.status_code in (400, 404)
    assert answer.json["error"]["param"] == field  # type: ignore[index]
    assert "root:" not in answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("field", [n for n in openai.OpenAISpeechForm.model_fields if n != "input"])
def test_a_path_in_any_field_of_openais_is_refused(client: FlaskClient, field: str, path: str) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": "Hello."} | {field: path}
    answer = client.post("/v1/audio/speech", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json["error"]["param"] == field  # type: ignore[index]
    voice = client.post("/v1/audio/speech", json=body | {field: "x", "voice": {"id": path}})
    assert voice.status_code in (400, 404)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_as_a_models_name_is_unknown(client: FlaskClient, path: str) -> None:
    assert client.get(f"/v1/models/{path}").status_code in (308, 404)


def test_a_path_in_the_text_is_only_read_aloud(client: FlaskClient) -> None:
    assert client.post("/api/tts", json={"text": "/etc/passwd"}).status_code == 200


def test_a_body_that_is_too_large(client: FlaskClient) -> None:
    answer = client.post("/api/tts", data=b'{"text": "' + b"a" * 1_100_000 + b'"}', content_type="application/json")
    assert answer.status_code == 413
    form = client.post("/api/tts", data={"text": "a" * 1_100_000})
    assert form.status_code == 413


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b'{"text": NaN}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"text": "\\ud800"}', 400),
        (b'{"text": "a\\u0000b"}', 400),
        (b'{"text": "Hello.", "speed": "1"}', 400),
        (b'{"text": "Hello.", "speed": true}', 400),
        (b'{"text": "Hello.", "seed": 1.5}', 400),
        (b'{"text": null}', 400),
        (b'{"text": 5}', 400),
    ],
)
def test_bodies_that_are_none(client: FlaskClient, data: bytes, status: int) -> None:
    answer = client.post("/api/tts", data=data, content_type="application/json")
    assert answer.status_code == status
    assert set(answer.json["error"]) == {"message", "type", "param", "code"}  # type: ignore[index]


def test_browsers_are_told_what_to_refuse(client: FlaskClient) -> None:
    for answer in (client.get("/health"), client.get("/nowhere"), client.post("/api/tts", json={"text": "Hi."})):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        scripts = policy.partition("script-src")[2].partition(";")[0]
        assert "unsafe" not in scripts
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


# -- the real server ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder: Path = tmp_path_factory.mktemp("strict")
    with live_server(folder, ENGINE="hibari", MAX_BODY_BYTES="4096", READ_TIMEOUT="0.5") as running:
        yield running


def talk(server: LiveServer, *parts: bytes) -> bytes:
    """Send these and read until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        answer = b""
        with suppress(ConnectionError):  # it may have answered before it had read all
            for part in parts:
                sock.sendall(part)
        with suppress(ConnectionError):
            while data := sock.recv(65_536):
                answer += data
        return answer


HEAD = b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"


def test_an_endless_body_is_cut(strict: LiveServer) -> None:
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    answer = talk(strict, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 64)
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_is_not_waited_for(strict: LiveServer) -> None:
    answer = talk(strict, HEAD + b"Content-Length: 100\r\n\r\n", b'{"text": ')
    assert answer.startswith(b"HTTP/1.1 408")


def test_chunks_that_are_none_are_the_clients_fault(strict: LiveServer) -> None:
    answer = talk(strict, HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"type":"invalid_request_error"' in answer
    assert "Traceback" not in strict.log


def test_no_line_of_the_log_can_be_forged(strict: LiveServer) -> None:
    talk(strict, b"GET /%0D%0AFORGED%1B%5B31m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    strict.wait_until(lambda: "FORGED" in strict.log)
    (line,) = [line for line in strict.log.splitlines() if "FORGED" in line]
    assert "kyutai_tts.access" in line
    assert line.isprintable()


def test_a_body_that_says_it_is_too_large_is_not_read(strict: LiveServer) -> None:
    assert talk(strict, HEAD + b"Content-Length: 999999999\r\n\r\n").startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "extra", [b"X-Long: " + b"a" * 20_000 + b"\r\n", b"".join(b"X-%d: a\r\n" % i for i in range(200))]
)
def test_too_many_or_too_long_headers(strict: LiveServer, extra: bytes) -> None:
    answer = talk(strict, HEAD + extra + b"Content-Length: 2\r\n\r\n{}")
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert strict.answers()


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 10_000, '{"a": "b"}' + "]", '{"a": NaN}', "9" * 5000])
def test_a_lexicon_that_cannot_be_read_is_named(client: FlaskClient, deep: str) -> None:
    """In a form and in a query it is JSON in text."""
    asked = {"text": "Hello.", "lexicon": deep}
    for answer in (
        client.post("/api/tts", json=asked),
        client.post("/api/tts", data=asked),
        client.get("/api/tts", query_string=asked),
    ):
        assert answer.status_code == 400
        assert answer.json["error"]["param"] == "lexicon"  # type: ignore[index]


# -- waiting --------------------------------------------------------------------------------------------------------


def test_too_long_a_wait_for_a_slot_is_a_503() -> None:
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, queue_timeout=0.05)
    stage = StageEngine()
    service = make_service(lambda _: stage, settings)
    with service.speak(SpeechRequest("One.")) as first:
        reader = threading.Thread(target=first.start)
        reader.start()
        stage.next()
        with service.speak(SpeechRequest("Two.")) as second, pytest.raises(Unavailable) as caught:
            second.start()
        assert caught.value.code == "queue_timeout"
        assert caught.value.retry_after_s is not None
        assert caught.value.retry_after_s >= 1
        assert stage.status().queue_depth == 0
        stage.play(first.utterance)
        reader.join()
    assert stage.status().slots_used == 0
    service.close()
