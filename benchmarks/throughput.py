"""How much audio a second many listeners get together, through HTTP, against one after another.

    python -m benchmarks throughput [--engine mid] [--listeners 1 4 16 32]

Each listener reads raw PCM as fast as it comes. One thread reads for all of them.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.common import ENGINE, SENTENCE, cpu_s, metrics, options, service, tell
from benchmarks.listeners import Crowd, Listener
from tests.live_server import LiveServer

STEP_S = "py_model_step_duration_sum"


def main() -> None:
    told = options(__doc__, ENGINE, ("--listeners", {"type": int, "nargs": "+", "default": [1, 4, 16, 32]}))
    text = SENTENCE if told.quick or told.engine != "hibari" else " ".join([SENTENCE] * 12)
    numbers = told.listeners[:2] if told.quick else told.listeners
    with service(told.engine, MAX_SLOTS=str(max(numbers))) as server:
        crowd = Crowd(server.port)
        crowd.together(text, 1)  # loads
        alone = measure(server, crowd, text, 1, rounds=1 if told.quick else 3)
        rows = [alone] + [measure(server, crowd, text, number) for number in numbers if number > 1]
    for row in rows:
        row["times one at a time"] = row["audio s a second"] / alone["audio s a second"]
    tell(f"throughput, {told.engine}", rows, told.json)


def measure(server: LiveServer, crowd: Crowd, text: str, number: int, rounds: int = 1) -> dict[str, Any]:
    """So many at once; with several rounds, one after another."""
    cpu, steps, started = cpu_s(server), metrics(server).get(STEP_S, 0.0), time.perf_counter()
    listeners: list[Listener] = []
    for _ in range(rounds):
        listeners += crowd.together(text, number)
    wall_s = time.perf_counter() - started
    well = [listener for listener in listeners if listener.error is None]
    audio_s = sum(listener.audio_s for listener in well)
    return {
        "listeners": number,
        "audio s a second": audio_s / wall_s,
        "CPU ms for each s of audio": 1000 * (cpu_s(server) - cpu) / max(audio_s, 1e-9),
        "share of the time in steps": (metrics(server).get(STEP_S, 0.0) - steps) / wall_s or None,
        "failed": len(listeners) - len(well),
    }


if __name__ == "__main__":
    main()
