"""What has arrived of a request, over real sockets, however it is cut."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from web.process.arrival import ENOUGH_BODY_BYTES, MOST_BODY_BYTES, MOST_HEAD_BYTES, Arrival, Whole

HEAD = b"POST /api/tts?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Arrival]]:
    """The client's end, and what the server sees at its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with client, accepted:
            yield client, Arrival(accepted, deadline=time.monotonic() + 30)


def arrives(arrival: Arrival, data: int) -> None:
    """Wait until so many bytes are here: loopback hands them over at once, but not in the same instant."""
    while len(arrival.sock.recv(1 << 20, socket.MSG_PEEK)) < data:
        pass


@pytest.mark.parametrize("cut", range(1, len(HEAD) + 5))
def test_cut_anywhere(pair: tuple[socket.socket, Arrival], cut: int) -> None:
    client, arrival = pair
    request = HEAD + b"hello"
    client.sendall(request[:cut])
    arrives(arrival, cut)
    assert arrival.look() is Whole.NOT_YET
    client.sendall(request[cut:])
    arrives(arrival, len(request))
    assert arrival.look() is Whole.ALL
    assert arrival.path == b"/api/tts"
    assert arrival.sock.recv(1000) == request  # nothing was read before


@pytest.mark.parametrize(
    ("head", "whole"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", Whole.ALL),
        (b"GET / HTTP/1.1\r\ncontent-length:0\r\n\r\n", Whole.ALL),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n", Whole.HEAD),
        (b"POST / HTTP/1.1\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n", Whole.HEAD),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY_BYTES + 1), Whole.HEAD),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", Whole.NOT_YET),
        (b"nonsense\r\n\r\n", Whole.ALL),  # the parser refuses it
    ],
)
def test_heads(pair: tuple[socket.socket, Arrival], head: bytes, whole: Whole) -> None:
    client, arrival = pair
    client.sendall(head)
    arrives(arrival, len(head))
    assert arrival.look() is whole


def test_of_a_body_that_may_not_fit_into_the_buffer_a_thread_reads_the_rest(
    pair: tuple[socket.socket, Arrival],
) -> None:
    client, arrival = pair
    head = b"POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"
    client.sendall(head + b"x" * (ENOUGH_BODY_BYTES - 1))
    arrives(arrival, len(head) + ENOUGH_BODY_BYTES - 1)
    assert arrival.look() is Whole.NOT_YET
    client.sendall(b"x")
    arrives(arrival, len(head) + ENOUGH_BODY_BYTES)
    assert arrival.look() is Whole.HEAD
    arrival.sock.settimeout(10)
    assert arrival.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1


def test_a_body_gets_more_time_by_its_length(pair: tuple[socket.socket, Arrival]) -> None:
    client, arrival = pair
    before = arrival.deadline
    client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 64000\r\n\r\n")
    arrives(arrival, 40)
    arrival.look()
    assert arrival.deadline == before + 2
    arrival.look()
    assert arrival.deadline == before + 2


def test_too_long(pair: tuple[socket.socket, Arrival]) -> None:
    client, arrival = pair
    client.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_HEAD_BYTES)
    arrives(arrival, MOST_HEAD_BYTES)
    assert arrival.look() is Whole.TOO_LONG


@pytest.mark.parametrize("begun", [b"", b"GET / HT", HEAD + b"he"])
def test_a_client_that_leaves(pair: tuple[socket.socket, Arrival], begun: bytes) -> None:
    client, arrival = pair
    client.sendall(begun)
    client.shutdown(socket.SHUT_WR)
    while arrival.look() is not Whole.GONE:
        pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(st.binary(min_size=1, max_size=2_000))
def test_nonsense_is_no_error(pair: tuple[socket.socket, Arrival], data: bytes) -> None:
    client, arrival = pair
    client.sendall(data)
    arrival.look()
    arrival.sock.setblocking(False)
    while _read(arrival.sock):
        pass


def _read(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except BlockingIOError:
        return b""
