"""What browsers are told to refuse on our behalf; how long a body may take to come, and an answer to be read."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator

from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestTimeout

from web.http.bodies import SLOWEST_BYTES_PER_S
from web.http.clients import Client, client_socket
from web.http.context import body_readers, client_watch

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PIECE_BYTES = 16_384  # so much of an answer the system takes, whether or not the client reads it


def init_app(app: Flask) -> None:
    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.after_request
    def read_in_time(response: Response) -> Response:
        """A client that does not read a long answer must not keep its thread. Speech is watched already."""
        sock = client_socket(request.environ)
        size_bytes = response.content_length or (response.calculate_content_length() if response.is_sequence else 0)
        if sock is not None and size_bytes and size_bytes > PIECE_BYTES and not client_watch().watches(sock):
            response.content_length = size_bytes
            _watch(response, sock)
        return response


def _watch(response: Response, sock: socket.socket) -> None:
    held = contextlib.ExitStack()
    client = held.enter_context(client_watch().watch(sock, _nobody))
    assert client is not None
    if hasattr(response.response, "close"):
        held.callback(response.response.close)
    response.response = _handed_over(response.iter_encoded(), client)
    response.direct_passthrough = False  # or nothing would be told that it is over
    response.call_on_close(held.close)


def _handed_over(body: Iterable[bytes], client: Client) -> Iterator[bytes]:
    for data in body:
        for start in range(0, len(data), PIECE_BYTES):
            with client.reading():
                yield data[start : start + PIECE_BYTES]


@contextlib.contextmanager
def body_deadline(seconds: float) -> Iterator[None]:
    """While the body is read: a client that stops sending gets a 408 instead of a thread for ever.

    One that sends on, but so slowly that a body of its size would take hours, is cut off.
    """
    sock = client_socket(request.environ)
    if sock is None:
        yield
        return
    size_bytes = request.content_length or request.max_content_length or 0
    before = sock.gettimeout()
    sock.settimeout(seconds)
    try:
        with body_readers().reading(), client_watch().watch(sock, _nobody) as client:
            assert client is not None
            with client.owing(seconds + size_bytes / SLOWEST_BYTES_PER_S):
                yield
    except (TimeoutError, ClientDisconnected):  # werkzeug makes the second of the first
        raise RequestTimeout(f"The body did not come within {seconds:g} s.") from None
    except ParseException:
        raise BadRequest("The body's chunks are not well formed.") from None
    finally:
        with contextlib.suppress(OSError):
            sock.settimeout(before)


def _nobody() -> None:
    """Nothing need be told that the client left: the reader of the body sees it."""
