"""WebSockets to an app in this process: gunicorn's part is played by a thread, so that a test can hold the engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser

from flask import Flask
from gunicorn.util import close_graceful
from werkzeug.test import EnvironBuilder

URL = "http://inside"


class Inside:
    """Connections to one app."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._threads: list[threading.Thread] = []

    def connect(self) -> socket.socket:
        """The client's end of a new connection; its request is read and answered on a thread."""
        theirs, ours = socket.socketpair()
        thread = threading.Thread(target=self._serve, args=(ours,), name="inside")
        thread.start()
        self._threads.append(thread)
        return theirs

    def join(self, timeout_s: float = 20) -> None:
        """Wait until every connection has been served."""
        for thread in self._threads:
            thread.join(timeout_s)
        alive = [thread for thread in self._threads if thread.is_alive()]
        assert not alive, "a connection is still being served"

    def _serve(self, ours: socket.socket) -> None:
        method, target, headers = _request(ours)
        environ = EnvironBuilder(path=target, method=method, headers=dict(headers)).get_environ()
        environ["gunicorn.socket"] = ours
        try:
            body = b"".join(self._app(environ, lambda status, _: ours.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())))
            ours.sendall(body)
        except StopIteration:
            pass  # what gunicorn takes for: say nothing more
        close_graceful(ours)


def _request(ours: socket.socket) -> tuple[str, str, Message]:
    head = b""
    while b"\r\n\r\n" not in head:
        head += ours.recv(1)
    first, _, rest = head.partition(b"\r\n")
    method, target, _ = first.decode().split()
    return method, target, BytesParser().parsebytes(rest)


@contextmanager
def inside(app: Flask) -> Iterator[Inside]:
    connections = Inside(app)
    try:
        yield connections
    finally:
        connections.join()
