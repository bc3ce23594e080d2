"""A service from its start to its first sound, a load after a release, and what it costs idle.

    python -m benchmarks cold [--engine tiny] [--rounds 5]

The files are in the page cache from the second round on. Each round is a process of its own.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import psutil

from benchmarks.common import ENGINE, SHORT, options, service, tell
from benchmarks.listeners import Crowd
from tests.live_server import LiveServer

IDLE_S = 30.0


def main() -> None:
    told = options(__doc__, ENGINE, ("--rounds", {"type": int, "default": 5}))
    rounds = [one(told.engine, 2.0 if told.quick else IDLE_S) for _ in range(1 if told.quick else told.rounds)]
    rows = [
        {"what": key, "median": statistics.median(row[key] for row in rounds), "best": min(row[key] for row in rounds)}
        for key in rounds[0]
    ]
    tell(f"cold, {told.engine}", rows, told.json)


def one(engine: str, idle_s: float) -> dict[str, float]:
    """A round."""
    started = time.perf_counter()
    with service(engine) as server:
        figures = {"start to /health, s": time.perf_counter() - started}
        (first,) = Crowd(server.port).together(SHORT, 1)
        figures["start to first sound, s"] = first.reads[0][0] - started
        figures["first load, s"] = load_s(server)
        released = time.perf_counter()
        server.post("/api/gpu/offload", {})
        figures["release, s"] = time.perf_counter() - released
        server.post("/api/gpu/load", {})
        server.wait_until(lambda: server.get("/api/gpu/status")["state"] == "ready")
        figures["second load, s"] = load_s(server)
        return figures | idle(server, idle_s)


def load_s(server: LiveServer) -> float:
    value: Any = server.get("/api/gpu/status")["load_seconds"]
    return float(value)


def idle(server: LiveServer, seconds: float) -> dict[str, float]:
    processes = [psutil.Process(server.process.pid), server.worker()]
    before = sum(sum(process.cpu_times()[:2]) for process in processes)
    time.sleep(seconds)
    used = sum(sum(process.cpu_times()[:2]) for process in processes) - before
    memory = sum(process.memory_info().rss for process in processes) / 1e6
    return {"idle, % of a core": 100 * used / seconds, "memory of both processes, MB": memory}


if __name__ == "__main__":
    main()
