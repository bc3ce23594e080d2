"""What browsers are told to refuse on our behalf, and how long a body may take to come."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestTimeout

from web.clients import client_socket
from web.context import client_watch

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
SLOWEST_BYTES_PER_S = 32_000  # a body that comes more slowly than this from beginning to end is not waited for


def init_app(app: Flask) -> None:
    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


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
        with client_watch().watch(sock, _nobody) as client:
            assert client is not None
            with client.owing(seconds + size_bytes / SLOWEST_BYTES_PER_S):
                yield
    except (TimeoutError, ClientDisconnected):  # werkzeug makes the second of the first
        raise RequestTimeout(f"The body did not come within {seconds:g} s.") from None
    finally:
        with contextlib.suppress(OSError):
            sock.settimeout(before)


def _nobody() -> None:
    """Who is told that the client left: whoever reads the body sees it."""
