"""First sound and gaps when listeners come by chance, more and more of them, until it is too much.

    python -m benchmarks latency [--engine tiny] [--rates 1 2 4 8] [--seconds 20] [--first-ms 500]

Listeners come as a Poisson stream and never wait for each other. A gap: a player that began with the first bytes ran
dry. The limit is passed when the 95th percentile of the first sound exceeds --first-ms, one has a gap or is refused.
The queue and the service's own first sound are means of /metrics over the same time.
"""

from __future__ import annotations

import random
import time
from typing import Any

from benchmarks.common import ENGINE, SENTENCE, centiles, metrics, options, service, tell
from benchmarks.listeners import Crowd
from tests.live_server import LiveServer

QUEUE, FIRST = "tts_queue_seconds", "tts_first_audio_seconds"


def main() -> None:
    told = options(
        __doc__,
        ENGINE,
        ("--rates", {"type": float, "nargs": "+", "default": [1, 2, 4, 8, 16, 32, 64], "help": "listeners a second"}),
        ("--seconds", {"type": float, "default": 20.0, "help": "for each rate"}),
        ("--sentences", {"type": int, "default": 3, "help": "that each hears"}),
        ("--first-ms", {"type": float, "default": 500.0}),
    )
    rows: list[dict[str, Any]] = []
    with service(told.engine) as server:
        crowd = Crowd(server.port)
        crowd.together(SENTENCE, 1)  # loads
        for rate in told.rates[:2] if told.quick else told.rates:
            rows.append(measure(server, crowd, rate, 3.0 if told.quick else told.seconds, told.sentences))
            if too_much(rows[-1], told.first_ms):
                break
    tell(f"latency, {told.engine}", rows, told.json)
    held = [row["listeners a second"] for row in rows if not too_much(row, told.first_ms)]
    most = max(held, default=None)
    print(f"\nmost listeners a second with p95 of the first sound below {told.first_ms:g} ms and no gap: {most}")


def measure(server: LiveServer, crowd: Crowd, rate: float, seconds: float, sentences: int) -> dict[str, Any]:
    before, started = metrics(server), time.perf_counter()
    listeners = crowd.arrive(" ".join([SENTENCE] * sentences), moments(rate, seconds))
    wall_s, after = time.perf_counter() - started, metrics(server)
    well = [listener for listener in listeners if listener.error is None]
    first = centiles([listener.first_s for listener in well], 1000)
    return {
        "listeners a second": rate,
        "came": len(listeners),
        "first sound p50, ms": first.get("p50"),
        "p95": first.get("p95"),
        "p99": first.get("p99"),
        "in the service, mean": mean_ms(before, after, FIRST),
        "until a slot, mean": mean_ms(before, after, QUEUE),
        "with a gap": sum(listener.longest_gap_s > 0 for listener in well),
        "longest gap, ms": 1000 * max((listener.longest_gap_s for listener in well), default=0.0),
        "failed": len(listeners) - len(well),
        "audio s a second": sum(listener.audio_s for listener in well) / wall_s,
    }


def moments(rate: float, seconds: float) -> list[float]:
    """When each comes, in seconds from now; the same ones each time."""
    chance, at, found = random.Random(7), 0.0, []
    while (at := at + chance.expovariate(rate)) < seconds:
        found.append(at)
    return found or [0.0]


def too_much(row: dict[str, Any], first_ms: float) -> bool:
    return bool(row["failed"] or row["with a gap"] or (row["p95"] or 0.0) > first_ms)


def mean_ms(before: dict[str, float], after: dict[str, float], name: str) -> float | None:
    total, count = (after.get(f"{name}_{what}", 0.0) - before.get(f"{name}_{what}", 0.0) for what in ("sum", "count"))
    return 1000 * total / count if count else None


if __name__ == "__main__":
    main()
