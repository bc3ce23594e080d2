"""The whole service over HTTP: listeners, first sound, gaps, pace, steps; memory from load to the worker's end.

python -m benchmarks.gpu.serve CHECKPOINT --listeners 1 8 32 64
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.gpu.common import CUDA, DEVICE, OUT, driver_mb, save
from benchmarks.listeners import Crowd, Listener, summary
from tests.live_server import LiveServer, live_server
from tests.speech.engines.kyutai.checkpoint import VOICES, lay_out_cache

SHORT = "The boats came home before the storm."
LONG = " ".join(["The old man walked slowly through the garden and closed the heavy door behind him."] * 2)
IDLE_S = 5
RESULTS: dict[str, Any] = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="serve")
    parser.add_argument("--listeners", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--slots", type=int, default=0, help="MAX_SLOTS")
    parser.add_argument("--brief", action="store_true", help="only the listeners, no release")
    options = parser.parse_args()
    RESULTS["name"] = options.name
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "server.log"
        keep("driver_before_mb", driver_mb())
        started = time.perf_counter()
        try:
            with live_server(Path(place), **settings(options, Path(place))) as server:
                keep("answers_after_s", time.perf_counter() - started)
                measure(server, options)
        finally:
            (OUT / "logs").mkdir(parents=True, exist_ok=True)
            (OUT / "logs" / f"{options.name}.server.log").write_text(log.read_text()[-200_000:])


def settings(options: argparse.Namespace, place: Path) -> dict[str, str]:
    hub = place / "hub-cache"
    lay_out_cache(options.folder, hub, listed=1000)
    return {
        "ENGINE": "kyutai",
        "DEVICE": DEVICE.partition(":")[0],
        "HF_HOME": str(hub),
        "HF_HUB_OFFLINE": "1",
        "VOICES_DIR": str(place / "own-voices"),
        "DEFAULT_VOICE": VOICES[0],
        "MAX_SLOTS": str(options.slots),
        "GPU_IDLE_TIMEOUT": "-1" if options.brief else str(IDLE_S),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH", "")])),
    }


def measure(server: LiveServer, options: argparse.Namespace) -> None:
    crowd = Crowd(server.port)
    keep("start", lives(server))
    (cold,) = crowd.together(SHORT, 1)
    keep("cold_first_sound_s", cold.first_s if cold.reads else cold.error)
    status = server.get("/api/gpu/status")
    keep("status", {key: status[key] for key in ("load_seconds", "slots_total", "model_memory_gb", "last_error")})
    if cold.error:
        return
    keep("loaded", lives(server))
    for number in options.listeners:
        speak(server, crowd, number)
    if not options.brief:
        keep("after_speech", lives(server))
        release(server, crowd)


def speak(server: LiveServer, crowd: Crowd, number: int) -> None:
    if number == 1:
        keep("1 listener", timed(server, lambda: [crowd.together(SHORT, 1)[0] for _ in range(10)]))
        return
    for title in (f"{number} listeners at once, first round", f"{number} listeners at once"):
        keep(title, timed(server, lambda: crowd.together(LONG, number)))
    beside: list[Listener] = []

    def come() -> list[Listener]:
        came, others = crowd.newcomers(SHORT, LONG, number - 1, 10)
        beside.extend(others)
        return came

    title = f"a newcomer beside {number - 1}"
    keep(title, timed(server, come))
    others = summary(beside, RESULTS[title]["wall_s"])
    keep(f"those {number - 1}", {k: others[k] for k in ("failed", "pace_least", "listeners_with_a_gap") if k in others})


def timed(server: LiveServer, listen: Any) -> dict[str, Any]:
    before, started = steps_made(server), time.perf_counter()
    listeners = listen()
    wall_s = time.perf_counter() - started
    after = steps_made(server)
    count, spent_s = after[0] - before[0], after[1] - before[1]
    return summary(listeners, wall_s) | {
        "steps_a_second": count / wall_s,
        "step_ms_mean": 1000 * spent_s / count if count else None,
        "engine_busy_share": spent_s / wall_s,
    }


def steps_made(server: LiveServer) -> tuple[float, float]:
    """How many so far, and the seconds in them."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = dict(re.findall(r"^(py_model_step_duration_(?:count|sum)) (\S+)$", text, re.M))
    return float(found.get("py_model_step_duration_count", 0)), float(found.get("py_model_step_duration_sum", 0))


def keep(name: str, value: Any) -> None:
    RESULTS[name] = value
    save(RESULTS["name"], RESULTS)
    if isinstance(value, dict) and "first_sound_ms" in value:
        first = value["first_sound_ms"]
        value = (
            f"first sound {first['p50']:.0f} / {first['p95']:.0f} / {first['p99']:.0f} ms, pace at least "
            f"{value['pace_least']:.2f}, gaps {value['listeners_with_a_gap']}, {value['steps_a_second']:.0f} steps/s, "
            f"step {value['step_ms_mean'] or 0:.1f} ms, failed {value['failed']} {value['errors']}"
        )
    print(f"{name}: {value}", flush=True)


def lives(server: LiveServer) -> dict[str, Any]:
    """What the worker and the GPU hold now."""
    try:
        worker = server.worker()
        return {"driver_mb": driver_mb(), "worker": worker.pid, "worker_rss_mb": worker.memory_info().rss / 1e6}
    except Exception as error:  # between two workers there is none
        return {"driver_mb": driver_mb(), "worker": None, "error": repr(error)}


def release(server: LiveServer, crowd: Crowd) -> None:
    started = time.perf_counter()
    server.post("/api/gpu/offload", {})
    keep("release_s", time.perf_counter() - started)
    time.sleep(3)
    server.wait_until(server.answers)
    keep("released_by_hand", lives(server))
    started = time.perf_counter()
    server.post("/api/gpu/load", {}, timeout=120)
    keep("load_again_s", time.perf_counter() - started)
    keep("loaded_again", lives(server))
    worker, started = server.worker().pid, time.perf_counter()
    while time.perf_counter() - started < IDLE_S + 25 and not gone(server, worker):
        time.sleep(0.1)
    keep("idle_release_and_new_worker_s", time.perf_counter() - started)
    server.wait_until(server.answers)
    time.sleep(1)
    keep("after_the_worker_retired", lives(server) | {"old_worker": worker})
    (again,) = crowd.together(SHORT, 1)
    keep("cold_first_sound_again_s", again.first_s if again.reads else again.error)


def gone(server: LiveServer, worker: int) -> bool:
    """The worker was replaced; without a GPU it stays, and lets the model go."""
    try:
        return server.worker().pid != worker if CUDA else server.get("/api/gpu/status")["state"] == "unloaded"
    except Exception:  # between two workers
        return False


if __name__ == "__main__":
    main()
