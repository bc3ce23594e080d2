"""How long a caller with single requests waits beside one with many, at the real service with the embedded voice.

    python -m benchmarks.fairness [--slots 4] [--many 50] [--singles 15]

Prints the median seconds to first audio of the single requests alone and beside the other caller, who keeps so many
requests open all the time. Figures of ours are in docs/experiments.md with the machine they were taken on.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.live_server import LiveServer, live_server

TEXT = " ".join(["The old man walked slowly through the garden and closed the heavy door behind him."] * 8)
MANY, SINGLE = "many-key", "single-key"
BETWEEN_S = 0.2  # pause between two single requests


def first_audio_s(server: LiveServer, key: str, done: threading.Event | None = None) -> float | None:
    """Seconds until the first byte of a stream that is then read to its end, or until done; None: it was refused."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        started = time.monotonic()
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        connection.request("POST", "/api/tts/stream", json.dumps({"text": TEXT, "format": "pcm"}), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            (done or threading.Event()).wait(float(answer.headers.get("retry-after", "1")))
            return None
        answer.read(1)
        taken = time.monotonic() - started
        while not (done and done.is_set()) and answer.read(65_536):
            pass
        return taken
    finally:
        connection.close()


def singles(server: LiveServer, count: int) -> list[float]:
    taken = []
    while len(taken) < count:
        if (seconds := first_audio_s(server, SINGLE)) is not None:
            taken.append(seconds)
        time.sleep(BETWEEN_S)
    return taken


def beside(server: LiveServer, many: int, count: int) -> list[float]:
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            first_audio_s(server, MANY, done)

    others = [threading.Thread(target=ask) for _ in range(many)]
    for thread in others:
        thread.start()
    try:
        time.sleep(2)
        return singles(server, count)
    finally:
        done.set()
        for thread in others:
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--many", type=int, default=50)
    parser.add_argument("--singles", type=int, default=15)
    options = parser.parse_args()
    settings = {"ENGINE": "hibari", "MAX_SLOTS": str(options.slots), "API_KEYS": f"many:{MANY},single:{SINGLE}"}
    with tempfile.TemporaryDirectory() as folder, live_server(Path(folder), **settings) as server:
        first_audio_s(server, SINGLE)  # loads
        alone = statistics.median(singles(server, options.singles))
        crowded = statistics.median(beside(server, options.many, options.singles))
    print(f"{options.slots} slots: {alone:.2f} s alone, {crowded:.2f} s beside {options.many}: {crowded / alone:.1f} x")


if __name__ == "__main__":
    main()
