"""A connection to a running service that another thread may cut at any time (Line)."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from socket import SHUT_RDWR, socket

from speech.errors import Cancelled


class Line:
    """`cut` may be called from any thread; the rest belongs to one, which must call `close`."""

    def __init__(self, connection: HTTPConnection) -> None:
        """connection: not open yet."""
        self.connection = connection
        self.lock = threading.Lock()  # of `socket` and `was_cut`
        self.socket: socket | None = None
        self.was_cut = False
        self._response: HTTPResponse | None = None

    def open(self, silent_s: float | None = None) -> None:
        """Connect. silent_s: after so long without a byte reading fails; None: never; a caller that will not wait cuts.

        Raises Cancelled after `cut`, and OSError.
        """
        self.connection.connect()
        with self.lock:
            self.socket = self.connection.sock
            if self.was_cut:
                raise Cancelled("The speech was cancelled.")
        self.socket.settimeout(silent_s)

    def ask(self, path: str, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        """POST, and the answer without its body. Raises OSError and HTTPException."""
        self.connection.request("POST", path, body, headers)
        self._response = self.connection.getresponse()
        return self._response

    def cut(self) -> None:
        """The service sees the connection close, and reading here comes to an end."""
        with self.lock:
            self.was_cut = True
            if self.socket is not None:
                with suppress(OSError):
                    self.socket.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """Hang up. A second call does nothing."""
        self.cut()
        if self._response is not None:
            self._response.close()  # it may have the socket to itself
        self.connection.close()
