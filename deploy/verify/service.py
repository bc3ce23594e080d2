"""What the checks of the containers share: asking the service, and hearing what it says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.ear import heard, pcm16, word_errors

ROOT = Path(__file__).resolve().parents[2]
RATE = 24_000  # Hz
WAIT_S = 120.0  # against hanging only


def shell(command: str, **environment: str) -> str:
    """Run it in the repository's folder; what it printed. Fails with all of that if the command does."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=os.environ | environment, text=True, capture_output=True, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(condition: Callable[[], bool], what: str) -> float:
    """Wait for other processes; the seconds that it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < WAIT_S, f"no {what} within {WAIT_S} s"
        time.sleep(0.05)
    return time.monotonic() - begin


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(json.load(answer)["service"] == "kyutai-tts")
    except (OSError, ValueError):
        return False


def say(port: int, text: str, host: str = "127.0.0.1", key: str = "", voice: str = "") -> bytes:
    """Signed 16-bit samples. Raises urllib.error.HTTPError, and http.client.IncompleteRead for a broken stream."""
    body = json.dumps({"text": text, "format": "pcm"} | ({"voice": voice} if voice else {})).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(f"http://{host}:{port}/api/tts/stream", body, headers)
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        data: bytes = answer.read()
        return data


def heard_in(data: bytes) -> str:
    return heard(pcm16(data), RATE)


def assert_heard(data: bytes, text: str) -> None:
    errors = word_errors(text, heard_in(data))
    assert errors <= 1, f"{errors} errors in: {heard_in(data)!r}"


class Stream:
    """A stream that is read only when told, so that the test decides how long it lasts."""

    def __init__(self, port: int, text: str) -> None:
        body = json.dumps({"text": text, "format": "pcm"}).encode()
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(WAIT_S)
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall(
            b"POST /api/tts/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
        )
        self.data = b""

    def begin(self) -> None:
        """Wait for the first bytes: it speaks now."""
        self.data = self.sock.recv(16)

    def rest(self) -> bool:
        """Read to the end; whether the stream was whole."""
        try:
            while part := self.sock.recv(65_536):
                self.data += part
        except OSError:
            return False
        finally:
            self.sock.close()
        return self.data.startswith(b"HTTP/1.1 200") and self.data.endswith(b"\r\n0\r\n\r\n")
