"""Thousands of short requests with releases between: does anything grow?

    python -m benchmarks soak [--requests 5000] [--clients 8]

Of a hundred requests ten are left midway and five are nonsense. After each round of a tenth the engine is released and
the worker is looked at when it is silent. Slopes are least squares over all rounds but the first, for 1,000 requests.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ENGINE, SENTENCE, SHORT, options, service, tell
from tests.live_server import LiveServer

LONG = " ".join([SENTENCE] * 6)
LEAVE, NONSENSE = 0.10, 0.05
ROUNDS = 10
JSON = {"content-type": "application/json"}
BAD = (b"{", b"\xff\xfe", b'{"text": 7}', b'{"text": ""}', b'{"text": "x", "format": "8-track"}')
FORMATS = ("wav", "pcm", "mp3", "opus", "flac", "aac")
KINDS = ("spoken", "left", "refused", "busy", "wrong")
FIGURES = ("MB", "threads", "descriptors")


def main() -> None:
    told = options(
        __doc__, ENGINE, ("--requests", {"type": int, "default": 5000}), ("--clients", {"type": int, "default": 8})
    )
    number = 40 if told.quick else told.requests
    with service(told.engine) as server:
        rows = [soak_round(server, number // ROUNDS, told.clients, index) for index in range(ROUNDS)]
    tell(f"soak, {told.engine}, {number} requests", rows, told.json)
    print("\nslopes for 1,000 requests: " + ", ".join(f"{key} {slope(rows, key):+.2f}" for key in FIGURES))
    if wrong := sum(row["wrong"] for row in rows):
        raise SystemExit(f"{wrong} wrong answers")


def soak_round(server: LiveServer, requests: int, clients: int, index: int) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    started = time.perf_counter()
    shares = [requests // clients + (number < requests % clients) for number in range(clients)]
    threads = [
        threading.Thread(target=client, args=(server.port, share, random.Random(1000 * index + number), outcomes))
        for number, share in enumerate(shares)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row: dict[str, Any] = {"round": index + 1, "seconds": time.perf_counter() - started}
    server.wait_until(lambda: server.get("/api/gpu/status")["streams_open"] == 0)
    server.post("/api/gpu/offload", {})
    worker = server.worker()
    row |= {
        "load of the machine": os.getloadavg()[0],
        "MB": settled_mb(worker),
        "threads": worker.num_threads(),
        "descriptors": worker.num_fds(),
    }
    row |= {kind: outcomes[kind] for kind in KINDS}
    print(row, flush=True)  # a run that is cut off leaves what it had
    return row


def settled_mb(worker: psutil.Process) -> float:
    """The least within some seconds: memory goes back to the system a little after the release."""
    seen = []
    for _ in range(30):
        seen.append(worker.memory_info().rss / 1e6)
        time.sleep(0.1)
    return min(seen)


def client(port: int, requests: int, chance: random.Random, outcomes: Counter[str]) -> None:
    for _ in range(requests):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            kind = ask(connection, chance)
        except (OSError, http.client.HTTPException):
            kind = "wrong"
        finally:
            connection.close()
        outcomes[kind] += 1


def ask(connection: http.client.HTTPConnection, chance: random.Random) -> str:
    """One request, and what became of it."""
    which = chance.random()
    if which < LEAVE:
        connection.request(
            "POST", "/api/tts/stream", json.dumps({"text": " ".join([SENTENCE] * 6), "format": "pcm"}), JSON
        )
        connection.getresponse().read(1)
        return "left"
    if which < LEAVE + NONSENSE:
        connection.request("POST", "/api/tts", chance.choice(BAD), JSON)
        return "refused" if connection.getresponse().status == 400 else "wrong"
    path = chance.choice(("/api/tts", "/api/tts/stream"))
    connection.request("POST", path, json.dumps({"text": SHORT, "format": chance.choice(FORMATS)}), JSON)
    answer = connection.getresponse()
    size = len(answer.read())
    if answer.status == 429:
        return "busy"
    return "spoken" if answer.status == 200 and size > 1000 else "wrong"


def slope(rows: list[dict[str, Any]], key: str) -> float:
    """Growth for 1,000 requests."""
    done = np.cumsum([sum(row[kind] for kind in KINDS) for row in rows])
    return float(1000 * np.polyfit(done[1:], [row[key] for row in rows[1:]], 1)[0])


if __name__ == "__main__":
    main()
