"""Clients that are slow on purpose, at the real server: none holds a thread for ever, none holds up the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live_server import LiveServer, live_server

LONG_S = 20  # far more than any wait in here
LAZY = 15  # clients; seen off one after the other they would take two seconds each
BODY = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 4000\r\n\r\n"
MULTIPART = b"multipart/form-data; boundary=x"
CONVERT = b"POST /api/convert?format=wav HTTP/1.1\r\nHost: x\r\nContent-Type: audio/pcm\r\nContent-Length: %d\r\n\r\n"
SAMPLES = bytes(8_000_000)  # more than the system takes of an answer that is not read
UNFINISHED = {
    "silence": b"",
    "half a line": b"GET /health HT",
    "half a head": b"GET /health HTTP/1.1\r\nHost: x\r\n",
    "JSON": BODY % (b"/api/tts", b"application/json"),
    "form": BODY % (b"/api/tts", b"application/x-www-form-urlencoded"),
    "upload": BODY % (b"/api/voices", MULTIPART) + b"--x\r\n",
    "samples": BODY % (b"/api/convert?format=wav", b"audio/pcm"),
}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder: Path = tmp_path_factory.mktemp("impatient")
    with live_server(folder, ENGINE="hibari", READ_TIMEOUT="0.5") as running:
        yield running


def connect(server: LiveServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=LONG_S)


@pytest.mark.parametrize("begun", UNFINISHED.values(), ids=UNFINISHED)
def test_a_request_that_is_never_finished_is_not_waited_for(impatient: LiveServer, begun: bytes) -> None:
    with connect(impatient) as sock:
        sock.sendall(begun)
        answer = b""
        while data := sock.recv(4096):
            answer += data
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")
    assert impatient.answers()


@pytest.mark.parametrize("begun", [b for name, b in UNFINISHED.items() if name != "silence"])
def test_a_request_that_comes_byte_by_byte_is_not_waited_for(impatient: LiveServer, begun: bytes) -> None:
    """Each byte comes in good time, all of them never would."""
    with connect(impatient) as sock:
        sock.sendall(begun)
        sock.settimeout(0.1)
        for _ in range(10 * LONG_S):
            try:
                sock.sendall(b"x")
                if not sock.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("it is waited for")
    assert impatient.answers()


def test_a_long_answer_that_is_not_read_keeps_no_thread(impatient: LiveServer) -> None:
    cut = impatient.log.count("was disconnected")
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", impatient.port))
        sock.sendall(CONVERT % len(SAMPLES) + SAMPLES)
        impatient.wait_until(lambda: impatient.log.count("was disconnected") > cut)
    assert impatient.answers()


@pytest.mark.parametrize(
    "request_line", [b"GET /health HTTP/1.0", b"GET /health HTTP/9.9"], ids=["answered", "refused"]
)
def test_clients_that_are_slow_to_close_hold_nobody_up(impatient: LiveServer, request_line: bytes) -> None:
    with ExitStack() as lazy:
        for _ in range(LAZY):
            lazy.enter_context(connect(impatient)).sendall(request_line + b"\r\n\r\n")
        assert impatient.get("/health")["status"] == "ok"  # gives up after ten seconds
