"""A hundred clients at once on four slots and a queue of twenty: the right audio or an honest 429, for each of them."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.live_server import LiveServer, live_server

CLIENTS, SLOTS, QUEUE = 100, 4, 20
POOL = SLOTS + QUEUE + 32  # the server's own threads; web/process/server.py
OTHERS = 24  # the engine's, the main thread, the watch over clients, libraries'
TEXTS = [
    "One bird sings.",
    "Two dogs run along the river.",
    "Three men carry a long table into the house.",
    "Four ships came back to the harbour before the storm began.",
    "Five o'clock is tea time.",
]


def body(index: int) -> dict[str, object]:
    return {"text": TEXTS[index % len(TEXTS)], "format": "pcm", "seed": index % len(TEXTS)}


def ask(server: LiveServer, index: int, start: threading.Barrier) -> tuple[int, bytes, str | None]:
    request = urllib.request.Request(
        f"{server.url}/api/tts/stream", json.dumps(body(index)).encode(), {"content-type": "application/json"}
    )
    start.wait(60)
    try:
        with urllib.request.urlopen(request, timeout=240) as answer:
            return answer.status, answer.read(), None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["Retry-After"]


def test_a_hundred_clients(tmp_path: Path) -> None:
    with live_server(
        tmp_path, ENGINE="hibari", MAX_SLOTS=str(SLOTS), MAX_QUEUE=str(QUEUE), QUEUE_TIMEOUT="600"
    ) as server:
        alone = [server.post("/api/tts", body(index)) for index in range(len(TEXTS))]
        assert len(set(alone)) == len(TEXTS)
        start = threading.Barrier(CLIENTS)
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda index: ask(server, index, start), range(CLIENTS)))
        counts = Counter(status for status, _, _ in answers)
        assert set(counts) == {200, 429}
        assert counts[200] >= SLOTS + QUEUE
        for index, (status, data, retry_after) in enumerate(answers):
            if status == 200:
                assert data == alone[index % len(TEXTS)]
            else:
                assert json.loads(data)["error"]["code"] == "queue_full"
                assert 1 <= int(retry_after or 0) <= 60
        server.wait_until(lambda: server.get("/api/gpu/status")["streams_open"] == 0)
        status = server.get("/api/gpu/status")
        assert (status["slots_used"], status["queue_depth"]) == (0, 0)
        assert server.worker().num_threads() <= POOL + OTHERS
        print(counts)
