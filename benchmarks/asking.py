"""One request over each door of the service, and what became of it. Knows no crowd and no clock.

WAYS: name -> (what asks, how many of a hundred requests go this way).
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import socket
from collections.abc import Callable
from contextlib import closing

from benchmarks.common import SENTENCE, SHORT

SPOKEN, LEFT, REFUSED, BUSY, WRONG = KINDS = ("spoken", "left", "refused", "busy", "wrong")
FORMATS = ("wav", "pcm", "mp3", "opus", "flac", "aac")
LONG = " ".join([SENTENCE] * 6)
JSON = {"content-type": "application/json"}
BAD = (b"{", b"\xff\xfe", b'{"text": 7}', b'{"text": ""}', b'{"text": "x", "format": "8-track"}')
PATIENCE_S = 120

Way = Callable[[int, random.Random], str]  # the port, what chooses -> one of KINDS


def whole(port: int, chance: random.Random) -> str:
    """A file of any format."""
    return _spoken(*post(port, "/api/tts", {"text": SHORT, "format": chance.choice(FORMATS)}))


def stream(port: int, chance: random.Random) -> str:
    return _spoken(*post(port, "/api/tts/stream", {"text": SHORT, "format": chance.choice(FORMATS)}))


def events(port: int, _: random.Random) -> str:
    return _spoken(*post(port, "/api/tts/stream", {"text": SHORT, "format": "pcm", "stream_format": "sse"}))


def openai(port: int, chance: random.Random) -> str:
    sent = {"model": "tts-1", "input": SHORT, "voice": "alloy", "response_format": chance.choice(FORMATS)}
    return _spoken(*post(port, "/v1/audio/speech", sent))


def over_a_socket(port: int, _: random.Random) -> str:
    sock = web_socket(port)
    if sock is None:
        return BUSY
    with sock:
        for message in ({"type": "start", "format": "pcm"}, {"type": "text", "text": SHORT}, {"type": "end"}):
            send(sock, message)
        got = b"".join(iter(lambda: sock.recv(65_536), b""))
    return SPOKEN if len(got) > 48_000 and b"done" in got else WRONG


def leaves(port: int, _: random.Random) -> str:
    """Midway: after the first byte of six sentences."""
    with closing(_connect(port)) as connection:
        connection.request("POST", "/api/tts/stream", json.dumps({"text": LONG, "format": "pcm"}), JSON)
        connection.getresponse().read(1)
    return LEFT


def nonsense(port: int, chance: random.Random) -> str:
    status, _ = post(port, "/api/tts", chance.choice(BAD))
    return REFUSED if status == 400 else WRONG


WAYS: dict[str, tuple[Way, int]] = {
    "whole": (whole, 40),
    "stream": (stream, 30),
    "events": (events, 5),
    "openai": (openai, 5),
    "socket": (over_a_socket, 5),
    "left": (leaves, 10),
    "nonsense": (nonsense, 5),
}


def ask(ways: list[str], port: int, chance: random.Random) -> str:
    """One request by one of these ways. A broken connection is WRONG."""
    (name,) = chance.choices(ways, [WAYS[way][1] for way in ways])
    try:
        return WAYS[name][0](port, chance)
    except (OSError, http.client.HTTPException):
        return WRONG


def post(port: int, path: str, body: object) -> tuple[int, int]:
    """The status and how many bytes came. body: JSON, or bytes as they are."""
    with closing(_connect(port)) as connection:
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body), JSON)
        answer = connection.getresponse()
        return answer.status, len(answer.read())


def web_socket(port: int) -> socket.socket | None:
    """A connection of /api/stream after the handshake; None: refused."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    key = base64.b64encode(os.urandom(16)).decode()
    head = "GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    sock.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    if sock.recv(65_536).startswith(b"HTTP/1.1 101"):
        return sock
    sock.close()
    return None


def send(sock: socket.socket, message: object) -> None:
    """One text frame, masked with zeros, as RFC 6455 wants of clients; below 64 KB."""
    data = json.dumps(message).encode()
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    sock.sendall(b"\x81" + size + bytes(4) + data)


def _connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)


def _spoken(status: int, size: int) -> str:
    if status == 429:
        return BUSY
    return SPOKEN if status == 200 and size > 1000 else WRONG
