"""Thousands of short requests with releases between: does anything grow?

    python -m benchmarks soak [--requests 5000] [--clients 8] [--only left nonsense]

Of a hundred requests ten are left midway and five are nonsense; the others go over all doors and formats. After each
round of a tenth the engine is released, and the worker is looked at when its idle threads have ended. Slopes are least
squares over the second half of the rounds, for 1,000 requests: before it, memory fills up that is used again. So do
the first loads: of the dictionaries' arenas each release leaves some that a few small blocks hold, until as many stay
as a load takes. The rounds come after these loads.
--only: one of the ways of benchmarks/asking.py, to see which of them makes it grow.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from typing import Any

import numpy as np
import psutil

from benchmarks.asking import KINDS, WAYS, ask
from benchmarks.common import ENGINE, SHORT, options, service, tell
from tests.live_server import LiveServer
from web.process.threads import IDLE_S

ROUNDS = 10
FIGURES = {"MB": 3.0, "threads": 1.0, "descriptors": 1.0}  # and the growth for 1,000 requests that is called flat
LOADS = 40  # each with its release, until what stays behind grows no more
SETTLED_S = 1.5 * IDLE_S  # until idle threads have ended


def main() -> None:
    told = options(
        __doc__,
        ENGINE,
        ("--requests", {"type": int, "default": 5000}),
        ("--clients", {"type": int, "default": 8}),
        ("--only", {"nargs": "+", "choices": list(WAYS), "default": list(WAYS), "metavar": "WAY"}),
    )
    number, settled_s = (40, 1.0) if told.quick else (told.requests, SETTLED_S)
    with service(told.engine) as server:
        for _ in range(2 if told.quick else LOADS):
            load_and_release(server)
        rows = [
            soak_round(server, number // ROUNDS, told.clients, index, told.only, settled_s) for index in range(ROUNDS)
        ]
    tell(f"soak, {told.engine}, {number} requests", rows, told.json)
    slopes = {key: slope(rows, key) for key in FIGURES}
    print("\nslopes for 1,000 requests: " + ", ".join(f"{key} {value:+.2f}" for key, value in slopes.items()))
    print("flat" if flat(slopes) else "NOT FLAT")
    if wrong := sum(row["wrong"] for row in rows):
        raise SystemExit(f"{wrong} wrong answers")


def load_and_release(server: LiveServer) -> None:
    server.post("/api/tts", {"text": SHORT})
    release(server)


def release(server: LiveServer) -> None:
    server.wait_until(lambda: server.get("/api/gpu/status")["streams_open"] == 0)
    server.post("/api/gpu/offload", {})


def soak_round(
    server: LiveServer, requests: int, clients: int, index: int, ways: list[str], settled_s: float
) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    started = time.perf_counter()
    shares = [requests // clients + (number < requests % clients) for number in range(clients)]
    threads = [
        threading.Thread(target=client, args=(server.port, ways, share, random.Random(1000 * index + number), outcomes))
        for number, share in enumerate(shares)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row: dict[str, Any] = {"round": index + 1, "seconds": time.perf_counter() - started}
    release(server)
    worker = server.worker()
    row |= {"load of the machine": os.getloadavg()[0], "MB": settled_mb(worker, settled_s)}
    row |= {"threads": worker.num_threads(), "descriptors": worker.num_fds()}
    row |= {kind: outcomes[kind] for kind in KINDS}
    print(row, flush=True)  # a run that is cut off leaves what it had
    return row


def settled_mb(worker: psutil.Process, seconds: float) -> float:
    """The least within that time: memory goes back to the system when threads have ended."""
    seen, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        seen.append(worker.memory_info().rss / 1e6)
        time.sleep(0.2)
    return min(seen)


def client(port: int, ways: list[str], requests: int, chance: random.Random, outcomes: Counter[str]) -> None:
    for _ in range(requests):
        outcomes[ask(ways, port, chance)] += 1


def slope(rows: list[dict[str, Any]], key: str) -> float:
    """Growth for 1,000 requests, over the second half of the rounds."""
    done = np.cumsum([sum(row[kind] for kind in KINDS) for row in rows])
    later = len(rows) // 2
    return float(1000 * np.polyfit(done[later:], [row[key] for row in rows[later:]], 1)[0])


def flat(slopes: dict[str, float]) -> bool:
    """Nothing grows by more than FIGURES says."""
    return all(slopes[key] <= most for key, most in FIGURES.items())


if __name__ == "__main__":
    main()
