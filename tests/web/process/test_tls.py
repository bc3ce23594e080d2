"""TLS at the real server: it serves as without, and a handshake that is never finished holds nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import trustme
import websocket

from scripts.probe import engine_at
from speech.settings import Settings, SettingsError
from tests.live_server import ROOT, LiveServer, live_server
from web.process.tls import Certificate

LONG_S = 20
CROWD = 200  # more than there are threads
LONG_TEXT = "Good evening, and welcome to all of you. " * 60


class Authority:
    """Writes certificates for this machine into a folder, and knows how to verify them."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self._authority = trustme.CA()
        self.issue()

    def issue(self) -> None:
        issued = self._authority.issue_cert("127.0.0.1", "localhost")
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(str(self.cert), append=number > 0)
        issued.private_key_pem.write_to_path(str(self.key))

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def settings(self) -> dict[str, str]:
        return {"TLS_CERT": str(self.cert), "TLS_KEY": str(self.key)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("secured")
    with live_server(
        folder, tls=authority.context(), ENGINE="hibari", READ_TIMEOUT="2", **authority.settings()
    ) as made:
        yield made


def plain(server: LiveServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=LONG_S)


def connect(server: LiveServer) -> ssl.SSLSocket:
    assert server.tls is not None
    return server.tls.wrap_socket(plain(server), server_hostname="127.0.0.1")


def request(text: str, path: str = "/api/tts/stream") -> bytes:
    body = json.dumps({"text": text, "format": "pcm"}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def rest(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65_536):
        data += piece
    return data


def test_it_speaks(secured: LiveServer) -> None:
    assert secured.post("/api/tts", {"text": "Good evening."})[:4] == b"RIFF"
    link = json.loads(secured.post("/api/links", {"text": "Hello."}))
    assert link["url"].startswith("https://127.0.0.1")


def test_the_scripts_know_it(secured: LiveServer) -> None:
    assert engine_at(secured.url) == "hibari"
    command = ["bash", str(ROOT / "test_api.sh"), "-k", secured.url]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "no_proxy": "*"}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_kept_connection_serves_again(secured: LiveServer) -> None:
    with connect(secured) as sock:
        for _ in range(3):
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}\n"):
                answer += sock.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")


def test_a_websocket(secured: LiveServer, authority: Authority) -> None:
    url = f"wss://127.0.0.1:{secured.port}/api/stream"
    with closing(websocket.create_connection(url, timeout=LONG_S, sslopt={"context": authority.context()})) as sock:
        for message in ({"type": "start"}, {"type": "text", "text": "Good evening."}, {"type": "end"}):
            sock.send(json.dumps(message))
        sound, kinds = 0, []
        while not kinds or kinds[-1] != "done":
            message = sock.recv()
            if isinstance(message, bytes):
                sound += len(message)
            else:
                kinds.append(json.loads(message)["type"])
    assert sound > 10_000
    assert kinds[0] == "ready"


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silence", "half a hello"])
def test_half_a_handshake_holds_no_thread(secured: LiveServer, begun: bytes) -> None:
    with ExitStack() as crowd:
        for _ in range(CROWD):
            crowd.enter_context(plain(secured)).sendall(begun)
        assert secured.get("/health")["status"] == "ok"
        assert secured.post("/api/tts", {"text": "Good evening."}, timeout=LONG_S)[:4] == b"RIFF"
        assert secured.worker().num_threads() < CROWD / 2


def test_half_a_head_holds_no_thread_and_is_not_waited_for(secured: LiveServer) -> None:
    with ExitStack() as crowd:
        held = [crowd.enter_context(connect(secured)) for _ in range(50)]
        for sock in held:
            sock.sendall(b"GET /health HT")
        assert secured.worker().num_threads() < 50
        assert secured.get("/health")["status"] == "ok"
        assert rest(held[0]).startswith(b"HTTP/1.1 408")


def test_a_handshake_that_is_not_finished_is_not_waited_for(secured: LiveServer) -> None:
    with plain(secured) as sock:
        assert rest(sock) == b""


def test_who_speaks_plain_http_is_cut_off(secured: LiveServer) -> None:
    with plain(secured) as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in rest(sock)


def test_a_refusal_reaches_a_client_that_still_sends(secured: LiveServer) -> None:
    with connect(secured) as sock:
        sock.sendall(b"POST /api/tts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + bytes(100_000))
        assert sock.recv(64).startswith(b"HTTP/1.1 4")


def test_a_client_that_leaves_frees_its_slot(secured: LiveServer) -> None:
    with connect(secured) as sock:
        sock.sendall(request(LONG_TEXT))
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    secured.wait_until(lambda: secured.get("/api/gpu/status")["streams_open"] == 0)


def test_clients_that_come_and_go_leave_nothing(secured: LiveServer) -> None:
    secured.wait_until(lambda: _sockets(secured) < 20)
    for _ in range(20):
        with ExitStack() as crowd:
            for _ in range(10):
                crowd.enter_context(connect(secured)).sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    secured.wait_until(lambda: _sockets(secured) < 20)


def _sockets(server: LiveServer) -> int:
    folder = f"/proc/{server.worker().pid}/fd"
    return sum(os.readlink(f"{folder}/{name}").startswith("socket:") for name in os.listdir(folder))


def test_a_renewed_certificate_is_shown_at_once(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with live_server(tmp_path, tls=authority.context(), ENGINE="hibari", **authority.settings()) as server:
        with connect(server) as sock:
            first = sock.getpeercert(True)
        authority.issue()
        with connect(server) as sock:
            assert sock.getpeercert(True) != first
            renewed = sock.getpeercert(True)
        authority.cert.write_text("nonsense")
        with connect(server) as sock:
            assert sock.getpeercert(True) == renewed
        with connect(server) as sock:
            sock.sendall(request(LONG_TEXT))
            answer = sock.recv(4096)
            server.process.terminate()
            answer += rest(sock)  # what it had begun to say is said to the end
        assert answer.endswith(b"\r\n0\r\n\r\n")
        assert server.process.wait(LONG_S) == 0
        assert server.log.count("TLS_CERT and TLS_KEY cannot be used") == 1


@pytest.mark.parametrize("broken", ["cert", "key"])
def test_a_broken_file_is_named_at_the_start(tmp_path: Path, broken: str) -> None:
    authority = Authority(tmp_path)
    settings = Settings.load(authority.settings())
    Certificate(settings).context()
    shutil.move(tmp_path / f"{broken}.pem", tmp_path / "elsewhere.pem")
    with pytest.raises(SettingsError, match=rf"TLS_CERT and TLS_KEY cannot be used: .*{broken}\.pem"):
        Certificate(settings)
    (tmp_path / f"{broken}.pem").write_text("nonsense")
    with pytest.raises(SettingsError, match="TLS_CERT and TLS_KEY cannot be used"):
        Certificate(settings)


def test_one_of_the_two_is_not_enough() -> None:
    with pytest.raises(SettingsError, match=r"^TLS_CERT and TLS_KEY belong together; one of them is unset$"):
        Settings.load({"TLS_CERT": "cert.pem"})
