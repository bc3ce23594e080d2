"""Floods over one socket."""

from __future__ import annotations

from contextlib import closing

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st

from tests.live_server import LiveServer
from tests.web.sockets.moshi_client import PONG, MoshiClient
from web.sockets.rate import FrameRate
from web.sockets.websocket import CONTROLS_BURST

POLICY_VIOLATION = 1008


@given(st.lists(st.floats(0, 2), max_size=200), st.floats(0.5, 50), st.integers(1, 20))
def test_never_more_than_the_rate(waits: list[float], per_s: float, burst: int) -> None:
    rate, now, taken = FrameRate(per_s, burst, 0.0), 0.0, 0
    for wait in waits:
        now += wait
        taken += rate.take(now)
    assert taken <= burst + per_s * now + 1e-6


@given(st.integers(1, 100))
def test_so_many_at_once(burst: int) -> None:
    rate = FrameRate(1.0, burst, 0.0)
    assert [rate.take(0.0) for _ in range(burst + 1)] == [True] * burst + [False]


def test_a_flood_of_pings_ends_the_socket(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        for _ in range(2 * CONTROLS_BURST):
            client.socket.ping(b"x")
        got = client.hear_all()
    assert got.close_code == POLICY_VIOLATION


def test_many_pings_get_few_pongs_and_the_last_gets_one(server: LiveServer) -> None:
    count = CONTROLS_BURST // 2
    with MoshiClient(server.url) as client:
        for number in range(count):
            client.socket.ping(str(number).encode())
        pongs = []
        while not pongs or pongs[-1] != str(count - 1).encode():
            opcode, data = next(client.frames())
            if opcode == PONG:
                pongs.append(data)
        assert len(pongs) < count / 2


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\xfe\x00\x02" + bytes(4) + b"{}", 1002),  # two bytes with the length of a long message
        (b"\x89\x80\0\0\0\0" * 2 * CONTROLS_BURST, POLICY_VIOLATION),
    ],
)
def test_a_socket_that_is_misused_before_its_first_message(server: LiveServer, sent: bytes, code: int) -> None:
    with closing(websocket.create_connection(f"ws://127.0.0.1:{server.port}/api/stream", timeout=20)) as client:
        client.sock.sendall(sent)
        frames = iter(client.recv_frame, None)
        closing_frame = next(frame for frame in frames if frame.opcode == websocket.ABNF.OPCODE_CLOSE)
    assert int.from_bytes(closing_frame.data[:2], "big") == code
