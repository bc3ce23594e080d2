"""Watches the other end of each stream: a client that left, or that stopped reading, must not keep a slot.

A server that only writes notices neither: nothing is written while a request waits for its first audio, and a write to
a client that does not read blocks without limit. One thread waits on all watched sockets and on the next deadline; with
no client to watch it sleeps.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

log = logging.getLogger("kyutai_tts.clients")


class Client:
    """One watched connection."""

    def __init__(self, sock: socket.socket, on_gone: Callable[[], None], read_timeout_s: float) -> None:
        self.sock, self.on_gone, self._read_timeout_s = sock, on_gone, read_timeout_s
        self.deadline: float | None = None  # monotonic; None while we owe the client, not it us

    def reading(self) -> AbstractContextManager[None]:
        """Around each hand-over of bytes to the server."""
        return self.owing(self._read_timeout_s)

    @contextmanager
    def owing(self, seconds: float) -> Iterator[None]:
        """While it lasts, the client is the one to act, and has so long."""
        self.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self.deadline = None

    def hang_up(self) -> None:
        """Cut the connection, so that a broken stream cannot be taken for a whole one. Unblocks a write, too."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class ClientWatch:
    def __init__(self, read_timeout_s: float) -> None:
        """read_timeout_s: how long a client may leave bytes unread."""
        self._read_timeout_s = read_timeout_s
        self._lock = threading.Lock()
        self._clients: set[Client] = set()
        self._selector: selectors.BaseSelector | None = None
        self._wake_in: socket.socket | None = None
        self._wake_out: socket.socket | None = None

    @contextmanager
    def watch(self, sock: socket.socket | None, on_gone: Callable[[], None]) -> Iterator[Client | None]:
        """Watch a socket for as long as the block runs. on_gone: called once, on the watching thread, if it closes.

        None where there is no socket (Flask's test client): nothing is watched.
        """
        if sock is None:
            yield None
            return
        client = Client(sock, on_gone, self._read_timeout_s)
        self._add(client)
        try:
            yield client
        finally:
            self._remove(client)

    def watches(self, sock: socket.socket) -> bool:
        with self._lock:
            return any(client.sock is sock for client in self._clients)

    # -- inside -------------------------------------------------------------------------------------------------

    def _add(self, client: Client) -> None:
        with self._lock:
            if self._selector is None:
                self._begin()
            self._clients.add(client)
            assert self._selector is not None
            self._selector.register(client.sock, selectors.EVENT_READ, client)
        self._poke()

    def _remove(self, client: Client) -> None:
        with self._lock:
            self._clients.discard(client)
            self._unregister(client)

    def _unregister(self, client: Client) -> None:
        assert self._selector is not None
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client.sock)

    def _begin(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, None)
        threading.Thread(target=self._run, name="client-watch", daemon=True).start()

    def _poke(self) -> None:
        assert self._wake_in is not None
        with contextlib.suppress(BlockingIOError):
            self._wake_in.send(b"\0")

    def _run(self) -> None:
        assert self._selector is not None
        while True:
            for key, _ in self._selector.select(self._seconds_to_look()):
                if key.data is None:
                    self._drain_pokes()
                else:
                    self._look(key.data)
            self._hang_up_on_stalled()

    def _seconds_to_look(self) -> float | None:
        """A deadline is looked at twice within its time; with no client to watch, sleep until poked."""
        return self._read_timeout_s / 2 if self._clients else None

    def _drain_pokes(self) -> None:
        assert self._wake_out is not None
        with contextlib.suppress(BlockingIOError):
            while self._wake_out.recv(1024):
                pass

    def _look(self, client: Client) -> None:
        """The system reported the socket: the client closed it, or sent more than one request ahead.

        Or neither: the bytes were read meanwhile, or an earlier connection that had the same number was meant.
        """
        ahead = _peek(client.sock)
        if ahead is None:
            return
        with self._lock:
            if client not in self._clients:
                return
            self._unregister(client)  # it would stay readable
        if not ahead:
            client.on_gone()

    def _hang_up_on_stalled(self) -> None:
        now = time.monotonic()
        with self._lock:
            stalled = [c for c in self._clients if c.deadline is not None and c.deadline < now]
            for client in stalled:
                self._clients.discard(client)
                self._unregister(client)
        for client in stalled:
            log.info("a client left its answer unread, or took too long over its body, and was disconnected")
            client.hang_up()
            client.on_gone()


def _peek(sock: socket.socket) -> bytes | None:
    """A byte that waits to be read; b"": the other end has closed; None: nothing has come."""
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def client_socket(environ: dict[str, Any]) -> socket.socket | None:
    """The connection behind a WSGI request, where the server tells (gunicorn, werkzeug)."""
    sock: socket.socket | None = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    return sock
