"""ClientWatch over real socket pairs: who left, who stopped reading."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from web.http.clients import ClientWatch

WAIT_S = 10.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


def test_a_client_that_leaves_is_noticed_while_nothing_is_sent(pair: Pair) -> None:
    ours, theirs = pair
    gone = threading.Event()
    with ClientWatch(60).watch(ours, gone.set):
        assert not gone.is_set()
        theirs.close()
        assert gone.wait(WAIT_S)


def test_a_client_that_sends_ahead_is_still_there(pair: Pair) -> None:
    ours, theirs = pair
    gone = threading.Event()
    watch = ClientWatch(0.05)
    with watch.watch(ours, gone.set) as client:
        theirs.sendall(b"GET / HTTP/1.1\r\n")
        assert client is not None
        assert not gone.wait(0.2)
        assert ours.recv(3) == b"GET"  # the next request is the server's to read


def test_a_client_is_watched_on_after_a_report_that_was_not_its_own() -> None:
    """Under load a report comes late: its bytes are read by then, or its number belongs to the next connection."""
    watch = ClientWatch(60)
    (first, first_end), (leaver, leaver_end), (ours, theirs) = (socket.socketpair() for _ in range(3))
    at_first, at_leaver = Stop(), Stop()
    gone = threading.Event()
    with watch.watch(first, at_first), watch.watch(leaver, at_leaver), watch.watch(ours, gone.set):
        first_end.close()
        at_first.reached.wait(WAIT_S)
        leaver_end.close()  # while the watching thread stands still: both are reported at once
        theirs.sendall(b"x")
        at_first.go_on.set()
        assert at_leaver.reached.wait(WAIT_S)
        assert ours.recv(1) == b"x"
        at_leaver.go_on.set()
        _round(watch)
        theirs.close()
        assert gone.wait(WAIT_S)
    for sock in (first, leaver, ours):
        sock.close()


def _round(watch: ClientWatch) -> None:
    """Return when the watching thread has looked at everything that was reported before."""
    ours, theirs = socket.socketpair()
    gone = threading.Event()
    with ours, watch.watch(ours, gone.set):
        theirs.close()
        assert gone.wait(WAIT_S)


class Stop:
    """Holds the thread that calls it."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.go_on.wait(WAIT_S)


def test_a_client_that_does_not_read_is_cut_off(pair: Pair) -> None:
    ours, theirs = pair
    gone = threading.Event()
    with ClientWatch(0.05).watch(ours, gone.set) as client:
        assert client is not None
        with client.reading():
            assert gone.wait(WAIT_S)
        assert theirs.recv(1) == b""


def test_a_client_that_waits_for_us_is_not_cut_off(pair: Pair) -> None:
    ours, _ = pair
    gone = threading.Event()
    with ClientWatch(1.0).watch(ours, gone.set) as client:  # longer than a busy machine leaves a thread waiting
        assert client is not None
        with client.reading():
            pass
        assert not gone.wait(1.5)


def test_nobody_is_told_after_the_watch_has_ended(pair: Pair) -> None:
    ours, theirs = pair
    gone, other_gone = threading.Event(), threading.Event()
    watch = ClientWatch(60)
    with watch.watch(ours, gone.set):
        pass
    theirs.close()
    a, b = socket.socketpair()
    with a, b, watch.watch(a, other_gone.set):
        b.close()
        assert other_gone.wait(WAIT_S)  # the watching thread has been round since
    assert not gone.is_set()


def test_many_clients_at_once() -> None:
    watch = ClientWatch(60)
    pairs = [socket.socketpair() for _ in range(50)]
    gone = [threading.Event() for _ in pairs]
    watches = [watch.watch(ours, event.set) for (ours, _), event in zip(pairs, gone, strict=True)]
    for each in watches:
        each.__enter__()
    for _, theirs in pairs[::2]:
        theirs.close()
    assert all(event.wait(WAIT_S) for event in gone[::2])
    assert not any(event.is_set() for event in gone[1::2])
    for each in watches:
        each.__exit__(None, None, None)
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def test_without_a_socket_nothing_is_watched() -> None:
    with ClientWatch(60).watch(None, lambda: None) as client:
        assert client is None
