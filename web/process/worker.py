"""gunicorn's worker with threads, and two waits bounded by which one client could hold up the others.

A request's head (its first line and headers) is read on a thread that waits without limit: here it has so long. And a
connection that ends is seen off by the thread that accepts everybody's: two seconds during which nobody is answered,
for each client that is slow to close. Here the thread that served it does that.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]
    head_timeout_s = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heads: dict[Any, float] = {}  # connection -> time.monotonic() by which its request's head must be here

    def handle(self, conn: Any) -> Any:
        """One request of a connection, on a thread of the pool. True, or something like it, if the connection stays."""
        self._heads[conn] = time.monotonic() + self.head_timeout_s
        try:
            stays = super().handle(conn)
        finally:
            self._heads.pop(conn, None)
        if not stays:
            _see_off(conn.sock)
        return stays

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Its head is here."""
        self._heads.pop(conn, None)
        return super().handle_request(req, conn)

    def notify(self) -> None:
        """Called every second by the thread that accepts: wakes those that still wait for a head."""
        super().notify()
        now = time.monotonic()
        for conn in [conn for conn, deadline in list(self._heads.items()) if deadline < now]:
            with contextlib.suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)


def _see_off(sock: socket.socket) -> None:
    """Say that no more comes, wait until the client has closed, two seconds at most: what is on its way still arrives.

    gunicorn will do the same, and find that there is nothing to wait for.
    """
    with contextlib.suppress(OSError):
        util.close_graceful(sock.dup())
        sock.shutdown(socket.SHUT_RDWR)
