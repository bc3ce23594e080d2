"""Clients that are slow on purpose, at the real server: none holds a thread for ever, none holds up the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from tests.live_server import LiveServer, live_server

LONG_S = 20  # far more than any wait in here
LAZY = 15  # clients; seen off one after the other they would take two seconds each
BODY = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 4000\r\n\r\n"
MULTIPART = b"multipart/form-data; boundary=x"
CONVERT_LINE = b"POST /api/convert?format=wav HTTP/1.1\r\n"
CONVERT = CONVERT_LINE + b"Host: localhost\r\nContent-Type: audio/pcm\r\nContent-Length: %d\r\n\r\n"
SAMPLES = bytes(8_000_000)  # more than the system takes of an answer that is not read
UNFINISHED = {
    "silence": b"",
    "half a line": b"GET /health HT",
    "half a head": b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
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
                if not sock.recv(4096):
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


# -- many of them -------------------------------------------------------------------------------------------------

CROWD = 200  # more than there are threads


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """It waits for slow clients as long as it does in production."""
    folder: Path = tmp_path_factory.mktemp("patient")
    with live_server(folder, ENGINE="hibari") as running:
        yield running


@pytest.mark.parametrize("begun", UNFINISHED.values(), ids=UNFINISHED)
def test_a_crowd_of_slow_clients_leaves_the_others_alone(patient: LiveServer, begun: bytes) -> None:
    with ExitStack() as crowd:
        for _ in range(CROWD):
            crowd.enter_context(connect(patient)).sendall(begun)
        assert patient.get("/health")["status"] == "ok"  # gives up after ten seconds
        assert patient.post("/api/tts", {"text": "Good evening."}, timeout=20)[:4] == b"RIFF"


@pytest.mark.slow
def test_a_crowd_that_has_gone_leaves_no_threads(patient: LiveServer) -> None:
    patient.post("/api/tts", {"text": "Good evening."})
    before = patient.worker().num_threads()
    with ThreadPoolExecutor(30) as crowd:
        for answer in crowd.map(lambda _: patient.post("/api/tts", {"text": "Good evening. " * 40}), range(30)):
            assert answer[:4] == b"RIFF"
    assert patient.worker().num_threads() > before
    patient.wait_until(lambda: patient.worker().num_threads() <= before)


def test_more_connections_than_there_may_be(patient: LiveServer) -> None:
    """The one that has waited longest makes room."""
    with ExitStack() as crowd:
        oldest = crowd.enter_context(connect(patient))
        oldest.sendall(b"GET /health HT")
        for _ in range(700):
            crowd.enter_context(connect(patient)).sendall(b"GET /health HT")
        assert patient.get("/health")["status"] == "ok"
        with suppress(ConnectionResetError):
            assert oldest.recv(1) == b""


def test_health_has_threads_of_its_own(patient: LiveServer) -> None:
    """Slow clients with long bodies hold threads, but only some; the rest are told to come back."""
    long_body = CONVERT % 1_000_000
    with ExitStack() as crowd:
        held = [crowd.enter_context(connect(patient)) for _ in range(CROWD)]
        for sock in held:
            sock.sendall(long_body)
        assert patient.get("/health")["status"] == "ok"
        refused = [sock for sock in held if _refused(sock)]
        assert len(refused) >= CROWD - 32
        with connect(patient) as sock:  # nor do they keep a place to encode in
            sock.sendall(CONVERT % 4 + b"\0\0\0\0")
            assert sock.recv(64).startswith(b"HTTP/1.1 200")


def _refused(sock: socket.socket) -> bool:
    sock.settimeout(0.2)
    try:
        return sock.recv(64).startswith(b"HTTP/1.1 503")
    except TimeoutError:
        return False


def test_few_descriptors(tmp_path: Path) -> None:
    """Accepting pauses or makes room; what speaks goes on."""
    with (
        live_server(tmp_path, before=("prlimit", "--nofile=128:128"), ENGINE="hibari") as server,
        ExitStack() as crowd,
        connect(server) as listener,
    ):
        listener.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert listener.recv(4096).startswith(b"HTTP/1.1 200")
        for _ in range(300):
            crowd.enter_context(connect(server))
        assert server.get("/health")["status"] == "ok"
        assert server.post("/api/tts", {"text": "Good evening."}, timeout=20)[:4] == b"RIFF"
        assert "128 open files" in server.log
        assert "Traceback" not in server.log


def test_the_soft_limit_is_raised(tmp_path: Path) -> None:
    with live_server(tmp_path, before=("prlimit", "--nofile=128:4096"), ENGINE="hibari") as server:
        assert server.worker().rlimit(psutil.RLIMIT_NOFILE) == (704, 4096)
        assert "open files" not in server.log


def test_a_head_without_end_is_refused(patient: LiveServer) -> None:
    with connect(patient) as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nX: " + b"x" * 40_000)
        assert sock.recv(64).startswith(b"HTTP/1.1 431")


def test_two_requests_at_once_on_one_connection(patient: LiveServer) -> None:
    with connect(patient) as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 2:
            answers += sock.recv(4096)


@pytest.mark.parametrize("size", [*range(60_000, 270_000, 20_000)])
def test_a_body_of_any_size_is_read(patient: LiveServer, size: int) -> None:
    """A receive buffer that holds less than the body would never hold all of it."""
    body = b'{"format": "nonsense", "text": "' + b"x" * size + b'"}'
    head = b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    for _ in range(5):
        with connect(patient) as sock:
            sock.sendall(head % len(body) + body)
            assert sock.recv(4096).startswith(b"HTTP/1.1 4")


def test_a_body_of_middle_size_in_pieces(patient: LiveServer) -> None:
    """It waits in the system's buffer until it is whole."""
    body = b'{"text": "' + b"Good evening. " * 1_000 + b'", "format": "nonsense"}'
    head = b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with connect(patient) as sock:
        for start in range(0, len(body), 2_000):
            sock.sendall((head % len(body) if not start else b"") + body[start : start + 2_000])
        answer = b""
        while b'"error"' not in answer:
            answer += sock.recv(4096)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"one of wav" in answer
