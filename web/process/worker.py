"""gunicorn's worker with threads, for clients that are slow or many: waiting for one costs a descriptor, not a thread.

gunicorn gives each new connection a thread, which then waits for the request. Here the thread that accepts looks at
what has arrived (arrival.py), and a request gets a thread when its head and a short body are whole. Health checks have
threads of their own. When there are as many connections as there may be, the one that has waited longest for its
request makes room. With TLS, each connection comes from tls.py as a plain one.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import selectors
import socket
import time
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from web.http.bodies import body_is_here
from web.process.arrival import Arrival, Whole
from web.process.memory import give_memory_back
from web.process.refusals import answer, refusal
from web.process.threads import Threads
from web.process.tls import Certificate, Terminator

log = logging.getLogger("kyutai_tts.server")

URGENT = frozenset({b"/health", b"/ready", b"/lb"})  # answered while every other thread is taken
URGENT_THREADS = 4
PAUSE_S = 0.5  # without accepting, when the system has no descriptor left
LOOK_AGAIN_S = 1.0  # how often the deadlines are looked at
_PASSING = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK, errno.EINTR)
_SPENT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Worker(ThreadWorker):  # type: ignore[misc]
    head_timeout_s = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arrivals: dict[Any, Arrival] = {}  # connections without a whole request, the oldest first
        self._heads: dict[Any, float] = {}  # connection on a thread -> monotonic time by which its head must be here
        self._accept_from = 0.0  # monotonic; before it nothing is accepted
        self._looked_at = 0.0
        self._urgent = Threads(URGENT_THREADS, "urgent")
        self._tls: Terminator | None = None
        self._server_name: Any = None

    def get_thread_pool(self) -> Threads:
        """For requests. A crowd's memory goes back to the system when its threads have ended."""
        return Threads(self.cfg.threads, "request", on_quiet=give_memory_back)

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._urgent.shutdown(wait=False)
        if self._tls:
            self._tls.close()

    def handle_quit(self, sig: int, frame: Any) -> None:
        self._urgent.shutdown(wait=False)
        super().handle_quit(sig, frame)

    # -- coming in (the thread that accepts) ----------------------------------------------------------------------

    def accept(self, listener: Any) -> None:
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno in _SPENT:
                self._pause_accepting(error)
            elif error.errno not in _PASSING:
                raise
            return
        self.nr_conns += 1
        self._server_name = listener.getsockname()
        if self._tls:
            self._tls.take(sock, address)
        else:
            self._taken(sock, address)
        self._make_room()

    def use_tls(self, certificate: Certificate) -> None:
        """Speak TLS with every client from now on."""
        self._tls = Terminator(
            certificate,
            self.head_timeout_s,
            lambda sock, address: self.method_queue.defer(self._taken, sock, address),
            lambda: self.method_queue.defer(self._untaken),
        )

    def _taken(self, sock: socket.socket, address: Any) -> None:
        """A connection whose bytes are plain."""
        self._await_request(TConn(self.cfg, sock, address, self._server_name))

    def _untaken(self) -> None:
        self.nr_conns -= 1

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """A kept connection begins another request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_request(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """gunicorn asks for it at each turn of its loop."""
        if not enabled or time.monotonic() >= self._accept_from:
            super().set_accept_enabled(enabled)

    def _await_request(self, conn: Any) -> None:
        arrival = Arrival(conn.sock, time.monotonic() + self.head_timeout_s)
        self._arrivals[conn] = arrival
        if (whole := arrival.look()) is not Whole.NOT_YET:
            self._arrived(conn, whole)
        else:
            self._register(conn)

    def _register(self, conn: Any) -> None:
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_more, conn))

    def _on_more(self, conn: Any, sock: Any) -> None:
        if conn not in self._arrivals:
            return  # it was dropped earlier in the same turn
        whole = self._arrivals[conn].look()
        if whole is not Whole.NOT_YET or self._arrivals[conn].stalled:
            self.poller.unregister(sock)
        if whole is not Whole.NOT_YET:
            self._arrived(conn, whole)

    def _arrived(self, conn: Any, whole: Whole) -> None:
        """Nothing more is waited for; the connection is not registered any longer."""
        arrival = self._arrivals.pop(conn)
        if whole is Whole.GONE:
            self._close(conn)
        elif whole is Whole.TOO_LONG:
            self._refuse(conn, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too long.")
        else:
            conn.data_ready = True
            conn.urgent, conn.whole = arrival.path in URGENT, whole is Whole.ALL
            self.enqueue_req(conn)

    def enqueue_req(self, conn: Any) -> None:
        if not getattr(conn, "urgent", False):
            super().enqueue_req(conn)
            return
        future = self._urgent.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    # -- bounds (the thread that accepts) -------------------------------------------------------------------------

    def notify(self) -> None:
        """Called at each turn of the loop, at least once a second."""
        super().notify()
        now = time.monotonic()
        if now < self._looked_at + LOOK_AGAIN_S:
            return
        self._looked_at = now
        for conn in [conn for conn, deadline in list(self._heads.items()) if deadline < now]:
            with contextlib.suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)
        for conn, arrival in list(self._arrivals.items()):
            if arrival.deadline < now:
                self._give_up(conn)
            elif arrival.stalled:
                self._look_again(conn)

    def _look_again(self, conn: Any) -> None:
        self._arrivals[conn].stalled = False
        self._register(conn)

    def _give_up(self, conn: Any) -> None:
        """Its request did not come in time."""
        self._drop(conn)
        if self._arrivals.pop(conn).seen:
            self._refuse(
                conn, HTTPStatus.REQUEST_TIMEOUT, f"The request did not come within {self.head_timeout_s:g} s."
            )
        else:
            self._close(conn)

    def _make_room(self) -> None:
        """One connection more must always be taken: a stranger who opens many must not keep the others out."""
        if self._tls and self.nr_conns >= self.worker_connections and self._tls.drop_oldest():
            return
        while self.nr_conns >= self.worker_connections and (self._arrivals or self.keepalived_conns):
            if self._arrivals:
                conn = next(iter(self._arrivals))
                self._drop(conn)
                del self._arrivals[conn]
            else:
                conn = self.keepalived_conns.popleft()
                self._drop(conn)
            self._close(conn)

    def _pause_accepting(self, error: OSError) -> None:
        """The system has no descriptor left: let one connection go and accept again a little later."""
        log.warning("no connection can be accepted for %g s: %s", PAUSE_S, error.strerror)
        self._accept_from = time.monotonic() + PAUSE_S
        self.set_accept_enabled(False)
        if self._arrivals:
            conn = next(iter(self._arrivals))
            self._drop(conn)
            del self._arrivals[conn]
            self._close(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops: what has no whole request by then is closed."""
        super()._cap_keepalive(deadline)
        if self._tls:
            self._tls.drop_all()
        for arrival in self._arrivals.values():
            arrival.deadline = min(arrival.deadline, time.monotonic() + STOP_KEEPALIVE_LINGER)

    def _drop(self, conn: Any) -> None:
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def _refuse(self, conn: Any, status: HTTPStatus, message: str) -> None:
        with contextlib.suppress(OSError):
            conn.sock.recv(1 << 18, socket.MSG_DONTWAIT)  # unread bytes would make the close a reset
            conn.sock.send(answer(status, message), socket.MSG_DONTWAIT)
        self._close(conn)

    # -- one request (a thread of a pool) -------------------------------------------------------------------------

    def handle(self, conn: Any) -> Any:
        """One request of a connection. True, or something like it, if the connection stays."""
        self._heads[conn] = time.monotonic() + self.head_timeout_s
        try:
            stays = super().handle(conn)
        finally:
            self._heads.pop(conn, None)
        if not stays:
            _see_off(conn.sock, wait=not getattr(conn, "urgent", False))
        return stays

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """gunicorn's own words would be HTML."""
        told = refusal(exc)
        if told is None:
            super().handle_error(req, client, addr, exc)
            return
        log.warning("a request that cannot be read, from %s: %r", addr[0] if addr else "-", str(exc))
        with contextlib.suppress(OSError):
            util.write_nonblock(client, told)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Its head is here."""
        self._heads.pop(conn, None)
        whole, conn.whole = getattr(conn, "whole", False), False  # of the connection's next request nothing is known
        if self._tls:
            req.scheme = "https"
        if not whole:
            req.force_close()  # or gunicorn would wait for the rest of a body that was refused
        token = body_is_here.set(whole)
        try:
            return super().handle_request(req, conn)
        finally:
            body_is_here.reset(token)


def _see_off(sock: socket.socket, wait: bool) -> None:
    """Say that no more comes; wait until the client has closed, two seconds at most: what is on its way still arrives.

    gunicorn would wait on the thread that accepts; after this it finds that there is nothing to wait for.
    """
    with contextlib.suppress(OSError):
        if wait:
            util.close_graceful(sock.dup())
        sock.shutdown(socket.SHUT_RDWR)
