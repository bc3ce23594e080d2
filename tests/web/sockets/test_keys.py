"""Keys, the drain and a full house, on sockets of the real service."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import websocket

from tests.live_server import LiveServer, live_server
from tests.web.sockets.moshi_client import NO_STATUS, MoshiClient

KEY = {"kyutai-api-key": "public_token"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    settings = {"ENGINE": "hibari", "API_KEYS": "public_token", "MAX_SLOTS": "2"}
    with live_server(tmp_path_factory.mktemp("locked"), **settings) as server:
        yield server


def status(server: LiveServer, path: str = "/api/tts_streaming", **given: object) -> int:
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        MoshiClient(server.url, path, **given)  # type: ignore[arg-type]
    code: int = refusal.value.status_code
    return code


@pytest.mark.parametrize("path", ["/api/tts_streaming", "/api/tts-streaming", "/api/stream"])
def test_no_key_or_a_wrong_one(locked: LiveServer, path: str) -> None:
    assert status(locked, path) == 401
    assert status(locked, path, header={"kyutai-api-key": "wrong"}) == 401
    assert status(locked, path, auth_id="wrong") == 401


def test_the_header_counts_alone(locked: LiveServer) -> None:
    assert status(locked, header={"kyutai-api-key": "wrong"}, auth_id="public_token") == 401
    with MoshiClient(locked.url, header=KEY, auth_id="wrong") as client:
        assert client.next() == {"type": "Ready"}


def test_a_key_in_the_address(locked: LiveServer) -> None:
    with MoshiClient(locked.url, auth_id="public_token") as client:
        client.say("Yes.")
        assert client.hear_all().words == ["Yes."]
    assert "public_token" not in locked.log


@pytest.mark.parametrize(("key", "expected"), [("public_token", 200), ("wrong", 401), ("", 401)])
def test_whole_texts_need_the_header(locked: LiveServer, key: str, expected: int) -> None:
    body = json.dumps({"text": "Yes.", "voice": ""})
    headers = {"content-type": "application/json", "kyutai-api-key": key}
    with closing(http.client.HTTPConnection("127.0.0.1", locked.port, timeout=60)) as connection:
        connection.request("POST", "/api/tts_streaming?auth_id=public_token", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected


@pytest.mark.parametrize("path", ["/api/build_info", "/api/modules_info"])
def test_what_unmute_asks_before_it_shows_a_key(locked: LiveServer, path: str) -> None:
    assert locked.get(path)


def nobody_is_connected(server: LiveServer) -> bool:
    (module,) = server.get("/api/modules_info")
    return module["used_slots"] == "0"


def test_a_full_house(locked: LiveServer) -> None:
    locked.wait_until(lambda: nobody_is_connected(locked))
    with MoshiClient(locked.url, header=KEY) as first, MoshiClient(locked.url, header=KEY) as second:
        assert first.next() == second.next() == {"type": "Ready"}
        with MoshiClient(locked.url, header=KEY) as third:
            got = third.hear_all()
            assert got.messages == [{"type": "Error", "message": "no free channels"}]
            assert got.close_code == NO_STATUS
        socket = websocket.create_connection(f"ws://127.0.0.1:{locked.port}/api/stream", header=KEY, timeout=60)
        with closing(socket.sock):
            socket.send(json.dumps({"type": "start"}))
            assert json.loads(socket.recv())["type"] == "ready"  # it takes no channel, and may wait for a slot


def test_sigterm(tmp_path: Path) -> None:
    """What was begun is said to its end; who has said nothing is let go at once, and the time-out is not waited for."""
    with live_server(tmp_path, ENGINE="hibari", DRAIN_TIMEOUT="600") as server:
        with MoshiClient(server.url) as idle, MoshiClient(server.url) as begun:
            assert idle.next() == begun.next() == {"type": "Ready"}
            begun.text("Here is a sentence. And half")
            begun.until("Audio")
            server.process.send_signal(signal.SIGTERM)
            assert idle.hear_all().close_code == NO_STATUS
            got = begun.hear_all()
            assert got.words[-2:] == ["And", "half"]
            assert got.close_code == NO_STATUS
        assert server.process.wait(30) == 0
