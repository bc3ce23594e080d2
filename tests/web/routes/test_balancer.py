"""What a load balancer asks, and how an instance says that it is about to go."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from speech.request import SpeechRequest
from speech.service import SpeechService
from tests.fakes import Gate, fake_service
from tests.live_server import LiveServer, live_server
from tests.test_live import LONG, read_all, stream_socket
from web.routes.balancer import forget_announcement

WAIT_S = 20.0


def test_a_fresh_instance_and_one_with_a_failed_load_take_speech() -> None:
    gate = Gate(fail_with="The GPU is out of memory.")
    service = fake_service(gate)
    client = create_app(service.settings, service).test_client()
    assert client.get("/lb").status_code == 200
    gate.open.set()
    assert client.post("/api/tts", json={"text": "Hello."}).status_code == 503
    assert client.get("/ready").json["failed"] is True  # type: ignore[index]
    assert client.get("/lb").status_code == 200
    service.close()


def test_full_is_not_down(client: FlaskClient, service: SpeechService) -> None:
    held = [service.open(SpeechRequest("")) for _ in range(service.max_streams)]
    assert client.post("/api/tts", json={"text": "Hello."}).status_code == 429
    assert client.get("/lb").status_code == 200
    for speech in held:
        speech.close()


def test_draining_says_404(client: FlaskClient, service: SpeechService) -> None:
    service.drain()
    answer = client.get("/lb")
    assert (answer.status_code, answer.json) == (404, {"draining": True})


def test_the_file_announces_and_takes_it_back(service: SpeechService, tmp_path: Path) -> None:
    file = tmp_path / "drain"
    service.settings = service.settings.model_copy(update={"drain_file": file})
    client = create_app(service.settings, service).test_client()
    assert client.get("/lb").status_code == 200
    file.touch()
    assert (client.get("/lb").status_code, client.get("/ready").status_code) == (404, 503)
    assert client.post("/api/tts", json={"text": "Late."}).status_code == 200  # what still arrives is spoken
    file.unlink()
    assert (client.get("/lb").status_code, client.get("/ready").status_code) == (200, 200)


def test_an_announcement_of_an_earlier_life_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "drain"
    file.touch()
    forget_announcement(file)
    assert not file.exists()
    forget_announcement(file)
    forget_announcement(tmp_path)  # a folder by mistake: left alone
    forget_announcement(None)
    assert tmp_path.is_dir()


def test_waiting_for_silence_ends_with_the_last_stream(service: SpeechService) -> None:
    assert service.wait_until_silent(0)
    first, second = service.open(SpeechRequest("")), service.open(SpeechRequest(""))
    silent = threading.Event()
    threading.Thread(target=lambda: service.wait_until_silent(WAIT_S) and silent.set()).start()
    first.close()
    assert not service.wait_until_silent(0.01)
    assert not silent.is_set()
    second.close()
    assert silent.wait(WAIT_S)


@pytest.fixture
def drained_by_file(tmp_path: Path) -> Path:
    file = tmp_path / "drain"
    file.touch()
    return file


def status(server: LiveServer, path: str) -> int:
    try:
        with urllib.request.urlopen(server.url + path, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_while_streams_end_after_sigterm_the_balancer_still_gets_its_answer(
    tmp_path: Path, drained_by_file: Path
) -> None:
    with live_server(tmp_path, ENGINE="hibari", DRAIN_FILE=str(drained_by_file)) as server:
        assert status(server, "/lb") == 200  # the file is of an earlier life
        with stream_socket(server, LONG, receive_buffer=4096) as sock:
            first = sock.recv(16)
            server.process.terminate()
            server.wait_until(lambda: status(server, "/lb") == 404)
            assert (status(server, "/ready"), status(server, "/health")) == (503, 200)
            body = json.dumps({"text": "Hello."}).encode()
            request = urllib.request.Request(server.url + "/api/tts", body, {"content-type": "application/json"})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=60)
            with refused.value:
                assert (refused.value.code, refused.value.headers["Retry-After"]) == (503, "5")
            assert (first + read_all(sock)).endswith(b"0\r\n\r\n")
        assert server.process.wait(WAIT_S) == 0
