"""The real service as people run it: a process, gunicorn, sockets."""

from __future__ import annotations

import json
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.ear import heard, pcm16, word_errors, words_of
from tests.live_server import LiveServer, live_server

SENTENCES = [
    "The quick brown fox jumped over the lazy dog.",
    "My brother wants to travel around the world.",
    "We went to the market this morning.",
    "Nobody was watching the house when the lights went out.",
    "She opened the window because the room was very hot.",
    "The children are playing in the garden behind the school.",
    "He forgot to bring his umbrella and it started to rain.",
    "There is a small river on the other side of the hill.",
    "I would like a cup of coffee and a piece of cake.",
    "The train to the city leaves at seven in the evening.",
]
LONG = " ".join(SENTENCES * 4)
ARENA = 64 * 1024 * 1024  # HEAP_MAX_SIZE of glibc, on 64 bits
HEAD = (
    b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n"
)
GARBAGE = (
    b"\0\xff" * 100 + b"\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /api/tts HTTP/1.1\r\nContent-Length: x\r\n\r\n",
)


def stream_socket(server: LiveServer, text: str, receive_buffer: int | None = None) -> socket.socket:
    """Ask for a stream over a bare socket; nothing is read."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(60)
    sock.connect(("127.0.0.1", server.port))
    body = json.dumps({"text": text, "format": "pcm"}).encode()
    sock.sendall(HEAD % (b"/api/tts/stream", len(body)) + body)
    return sock


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while part := sock.recv(65_536):
        data += part
    return data


def further_arenas(pid: int) -> int:
    """How many of malloc's arenas a process has beside the first: each lies in 64 MB of addresses of its own."""
    rows = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    areas = [(*(int(end, 16) for end in row[0].split("-")), row[1]) for row in rows if len(row) == 5]  # of no file
    return sum(
        begin % ARENA == 0 and used == "rw-p" and rest == "---p" and (begin + ARENA, end) == (last, beyond)
        for (begin, end, used), (beyond, last, rest) in pairwise(areas)
    )


def streams_open(server: LiveServer) -> int:
    return int(str(server.get("/api/gpu/status")["streams_open"]))


def test_ten_sentences_are_heard(server: LiveServer) -> None:
    errors = sum(
        word_errors(said, heard(pcm16(server.post("/api/tts", {"text": said, "format": "pcm"})), 24_000))
        for said in SENTENCES
    )
    words = sum(len(words_of(said)) for said in SENTENCES)
    assert errors / words <= 0.05, f"{errors} errors in {words} words"


def test_thirty_clients_each_get_their_own_text(server: LiveServer) -> None:
    texts = [SENTENCES[i % 10] for i in range(30)]
    with ThreadPoolExecutor(30) as pool:
        audio = list(pool.map(lambda text: server.post("/api/tts/stream", {"text": text, "format": "pcm"}), texts))
    answers = set(zip(texts, audio, strict=True))
    assert len(answers) == len(SENTENCES)  # the voice reads a sentence the same way each time: three of each agree
    errors = [word_errors(said, heard(pcm16(data), 24_000)) for said, data in answers]
    assert sum(errors) <= 0.05 * sum(len(words_of(text)) for text in SENTENCES)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="not Linux")
def test_a_crowd_leaves_no_arenas_behind(server: LiveServer) -> None:
    """What lies free at the end of glibc's further arenas never goes back; an import may have begun one of them."""
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda said: server.post("/api/tts", {"text": said, "format": "mp3"}), SENTENCES))
    assert further_arenas(server.worker().pid) <= 1


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_client_that_leaves_frees_its_stream(server: LiveServer, reset: bool) -> None:
    with stream_socket(server, LONG * 4, receive_buffer=4096) as sock:
        assert sock.recv(1)
        server.wait_until(lambda: streams_open(server) == 1)
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.wait_until(lambda: streams_open(server) == 0)


def test_a_client_that_stops_reading_holds_nobody_up_and_is_cut_off(tmp_path: Path) -> None:
    with (
        live_server(tmp_path, ENGINE="hibari", READ_TIMEOUT="1") as server,
        stream_socket(server, LONG * 4, receive_buffer=4096) as sock,
    ):
        assert sock.recv(1)
        audio = server.post("/api/tts", {"text": SENTENCES[0], "format": "pcm"})
        assert word_errors(SENTENCES[0], heard(pcm16(audio), 24_000)) <= 1
        server.wait_until(lambda: streams_open(server) == 0)
        with suppress(ConnectionError):
            assert not read_all(sock).endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_before_the_first_sound_costs_nothing(tmp_path: Path) -> None:
    with live_server(tmp_path, ENGINE="hibari", MAX_SLOTS="1") as server:
        server.post("/api/tts", {"text": "Ready.", "format": "pcm"})
        with stream_socket(server, LONG * 4, receive_buffer=4096) as first:
            assert first.recv(1)
            with stream_socket(server, SENTENCES[0]):
                server.wait_until(lambda: server.get("/api/gpu/status")["queue_depth"] == 1)
            server.wait_until(lambda: server.get("/api/gpu/status")["queue_depth"] == 0)
            assert streams_open(server) == 1


def test_the_first_chunk_is_on_the_wire_before_the_last_is_made(server: LiveServer) -> None:
    with stream_socket(server, LONG * 4, receive_buffer=4096) as sock:
        assert sock.recv(1)
        status = server.get("/api/gpu/status")
        assert int(str(status["slots_used"])) >= 1  # a long text may hold more


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[LiveServer]:
    """A service of its own, for tests that do it harm."""
    with live_server(tmp_path, ENGINE="hibari", GPU_IDLE_TIMEOUT="0") as server:
        yield server


@pytest.mark.slow
def test_twenty_cycles_of_speak_and_release_lose_nothing(lonely: LiveServer) -> None:
    sizes = set()
    for cycle in range(20):
        sizes.add(len(lonely.post("/api/tts", {"text": "Hello there.", "format": "pcm"})))
        lonely.wait_until(lambda cycle=cycle: lonely.get("/api/gpu/status")["releases"] == cycle + 1)
    assert len(sizes) == 1
    assert lonely.get("/health")["model_loaded"] is False


def test_a_killed_worker_is_replaced_and_the_port_stays(lonely: LiveServer) -> None:
    killed = lonely.worker()
    killed.send_signal(signal.SIGKILL)
    lonely.wait_until(lambda: not killed.is_running() and lonely.answers())
    assert lonely.post("/api/tts", {"text": "Hello there.", "format": "pcm"})


def test_sigterm_lets_streams_finish_and_ends_with_zero(lonely: LiveServer) -> None:
    whole = lonely.post("/api/tts", {"text": LONG, "format": "pcm"})
    stopped = threading.Event()
    code: list[int] = []

    def stop() -> None:
        code.append(lonely.stop(60))
        stopped.set()

    with stream_socket(lonely, LONG, receive_buffer=4096) as sock:
        first = sock.recv(16)
        threading.Thread(target=stop).start()
        data = first + read_all(sock)
    assert stopped.wait(60)
    assert code == [0]
    assert data.endswith(b"0\r\n\r\n")
    assert len(data) > len(whole)
    assert "Traceback" not in lonely.log


def test_bad_input_leaves_no_exception_in_the_log(server: LiveServer) -> None:
    for raw in GARBAGE:
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(raw)
            sock.settimeout(10)
            sock.recv(1024)
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(HEAD % (b"/api/tts", 10_000_000))
        sock.settimeout(10)
        assert b" 413 " in sock.recv(1024)
    assert server.answers()
    assert "Traceback" not in server.log
