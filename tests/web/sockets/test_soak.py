"""Fifty sockets opened, fed and dropped at random moments: nothing is left behind, and who speaks beside hears no harm.

SOAK_S: for how long, in seconds; the full minute is 60.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import websocket

from tests.live_server import LiveServer, live_server
from tests.web.sockets.moshi_client import MoshiClient
from web.process.server import SPARE_THREADS
from web.process.worker import URGENT_THREADS

SOAK_S = float(os.environ.get("SOAK_S", "4"))
SOCKETS = 50
SPEAKERS = 2
SLOTS = 2 * SOCKETS  # a client that has just been dropped may still count for a moment
SENTENCE = {"text": "Here speaks somebody who should notice nothing of it all.", "format": "pcm", "seed": 1}
WORDS = ("the", "quick", "brown", "fox.", "It", "jumps", "over", "a", "dog;", "and", "then?", "It", "barks!", "Yes,")
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, with a reset


@pytest.fixture(scope="module")
def busy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, int]]:
    """And how many threads it may have."""
    settings = {"ENGINE": "hibari", "MAX_SLOTS": str(SLOTS), "MAX_QUEUE": "0", "GPU_IDLE_TIMEOUT": "-1"}
    with live_server(tmp_path_factory.mktemp("soak"), **settings) as server:
        server.post("/api/tts", SENTENCE)
        yield server, most_threads(server)


def most_threads(server: LiveServer) -> int:
    """As many as it has now, and all that its pools may still start."""
    return server.worker().num_threads() + SLOTS + SPARE_THREADS + URGENT_THREADS


def one_life(server: LiveServer, dice: random.Random) -> str:
    """Open, feed, perhaps listen, and leave in one of the ways there are."""
    with MoshiClient(server.url, format=dice.choice(["Pcm", "PcmMessagePack"])) as client:
        for _ in range(dice.randrange(12)):
            client.text(dice.choice(WORDS))
            if dice.random() < 0.3:
                time.sleep(dice.random() * 0.05)
        if dice.random() < 0.4:
            client.eos()
        for _ in range(dice.choice([0, 0, 1, 3])):
            client.socket.settimeout(0.2)
            try:
                client.socket.recv()
            except websocket.WebSocketTimeoutException:
                break
        return leave(client, dice)


def leave(client: MoshiClient, dice: random.Random) -> str:
    way = dice.choice(["drop", "reset", "close", "half", "nonsense"])
    if way == "reset":
        client.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    elif way == "close":
        client.socket.send_close()
    elif way == "half":
        client.half_close()
    elif way == "nonsense":
        client.binary(b"\xc1")
    return way


def lives(server: LiveServer, seed: int, end: float) -> Counter[str]:
    dice, ways = random.Random(seed), Counter[str]()
    while time.monotonic() < end:
        try:
            ways[one_life(server, dice)] += 1
        except (OSError, websocket.WebSocketException):
            ways["refused or cut"] += 1
    return ways


def speaks(server: LiveServer, end: float) -> list[bytes]:
    heard = []
    while time.monotonic() < end:
        heard.append(server.post("/api/tts/stream", SENTENCE, timeout=60))
    return heard


def figures(server: LiveServer) -> dict[str, int]:
    status, worker = server.get("/api/gpu/status"), server.worker()
    return {
        "slots": int(str(status["slots_used"])),
        "queue": int(str(status["queue_depth"])),
        "streams": int(str(status["streams_open"])),
        "threads": worker.num_threads(),
        "files": worker.num_fds(),
    }


@pytest.mark.timeout(60 + 3 * SOAK_S)
def test_nothing_is_left_behind(busy_server: tuple[LiveServer, int]) -> None:
    server, threads = busy_server
    with ThreadPoolExecutor(SOCKETS + SPEAKERS) as pool:
        alone = server.post("/api/tts/stream", SENTENCE)
        server.wait_until(lambda: figures(server)["streams"] == 0)
        before = figures(server)
        end = time.monotonic() + SOAK_S
        sockets = [pool.submit(lives, server, seed, end) for seed in range(SOCKETS)]
        speakers = [pool.submit(speaks, server, end) for _ in range(SPEAKERS)]
        ways = sum((each.result() for each in sockets), Counter[str]())
        heard = [audio for each in speakers for audio in each.result()]
    server.wait_until(lambda: figures(server)["streams"] == figures(server)["slots"] == 0)
    server.wait_until(lambda: figures(server)["files"] <= before["files"])
    server.wait_until(lambda: figures(server)["threads"] <= threads)
    after = figures(server)
    print(f"{SOAK_S:g} s, lives: {dict(ways)}, speakers: {len(heard)}\nbefore: {before}\nafter:  {after}")
    assert sum(ways.values()) >= SOCKETS
    assert heard
    assert set(heard) == {alone}
    assert (after["slots"], after["queue"], after["streams"]) == (0, 0, 0)
    assert "Traceback" not in server.log
