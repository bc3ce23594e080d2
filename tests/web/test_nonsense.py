"""What strangers and broken clients send to the real server, byte by byte: refused in words, never a 500."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping

import pytest

from tests.live_server import LiveServer

JSON = {"Content-Type": "application/json"}
HELLO = b'{"text": "Hello."}'
LONG_SILENCE = json.dumps({"text": "Hi " + '<break time="10s"/>' * 1_050, "speed": 0.25}).encode()
NO_DATE = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


def answer(
    server: LiveServer, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    """Status and body; the headers are sent as they are, in Latin-1."""
    sent = {"Host": "localhost", "Connection": "close", **headers}
    if body and "Transfer-Encoding" not in sent:
        sent = {"Content-Length": str(len(body)), **sent}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
        got = b""
        while data := sock.recv(65_536):
            got += data
    head_sent, _, rest = got.partition(b"\r\n\r\n")
    return int(head_sent.split()[1]), rest


REFUSED = {  # what is sent -> status and code
    "hours of silence": (("POST", "/api/tts", JSON, LONG_SILENCE), 400, "speech_too_long"),
    "a stranger's form": (
        ("POST", "/api/gpu/offload", {"Sec-Fetch-Site": "cross-site"}, b"force=true"),
        403,
        "foreign_origin",
    ),
    "an origin that is no address": (("POST", "/api/tts", JSON | {"Origin": "http://["}, HELLO), 403, "foreign_origin"),
    "a stranger's name": (("GET", "/api/voices", {"Host": "evil.example"}), 403, "host_not_allowed"),
    "a name that is none": (("GET", "/api/voices", {"Host": "[::1"}), 403, "host_not_allowed"),
    "a number without end": (("POST", f"/api/jobs/x/passages/{'9' * 5000}", JSON, b"{}"), 404, "not_found"),
    "a lexicon without end": (
        ("POST", "/api/tts", JSON, json.dumps({"text": "Hi.", "lexicon": "[" * 100_000}).encode()),
        400,
        "invalid_value",
    ),
    "a length that is none": (("POST", "/api/tts", {"Content-Length": "+5"}, HELLO), 400, "bad_request"),
    "a line without end": (("GET", f"/api/voices?{'x' * 9000}", {}), 414, "bad_request"),
    "an expectation of its own": (("GET", "/api/voices", {"Expect": "x"}), 417, "bad_request"),
    "a coding that is none": (("POST", "/api/tts", {"Transfer-Encoding": "rot13"}, HELLO), 501, "not_supported"),
    "a condition that does not hold": (("GET", "/api/voices", {"If-Match": "x"}), 412, "bad_request"),
    "a WebSocket where there is none": (
        ("GET", "/api/gpu/status", {"Upgrade": "websocket", "Connection": "Upgrade"}),
        400,
        "bad_request",
    ),
    "a chunk without a size": (
        ("POST", "/api/tts", JSON | {"Transfer-Encoding": "chunked"}, b"zz\r\n{}\r\n0\r\n\r\n"),
        400,
        None,
    ),
    "a WebSocket of another version": (
        ("GET", "/api/stream", {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "8"}),
        426,
        None,
    ),
    "a WebSocket with odd bytes": (
        (
            "GET",
            "/api/stream",
            {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Protocol": "\xff",
            },
        ),
        400,
        None,
    ),
}


@pytest.mark.parametrize(("sent", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_in_words(
    server: LiveServer, sent: tuple[str, str, dict[str, str]], status: int, code: str | None
) -> None:
    got, body = answer(server, *sent)
    assert (got, json.loads(body)["error"]["code"]) == (status, code or json.loads(body)["error"]["code"]), body
    assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("header", ["If-Modified-Since", "If-Unmodified-Since", "If-Range", "Date"])
def test_what_means_nothing_is_left_aside(server: LiveServer, header: str) -> None:
    assert answer(server, "GET", "/apidocs/", {header: NO_DATE, "Range": "bytes=0-9"})[0] in (200, 206)


def test_none_of_it_is_in_the_log_as_a_fault(server: LiveServer) -> None:
    """Neither what came in this file, nor in another before it."""
    assert server.answers()
    assert "Traceback" not in server.log
