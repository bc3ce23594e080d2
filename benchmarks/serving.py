"""How the real service behaves under load, on this machine, with the embedded voice.

    python -m benchmarks.serving [--streams 30]

Prints: seconds until /health answers after the start; its latency while the streams run; time to first sound of each
stream; how soon a client that left has lost its stream; how soon a killed worker is replaced; CPU of an idle service.
Figures of ours are in docs/experiments.md with the machine they were taken on.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import statistics
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tests.live_server import LiveServer, live_server

TEXT = " ".join(["The old man walked slowly through the garden and closed the heavy door behind him."] * 12)
IDLE_S = 20.0
POLL_S = 0.02


def stream(server: LiveServer, first_sound_s: list[float], audio_s: list[float]) -> None:
    """One listener, who reads as fast as it comes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    started = time.monotonic()
    body = json.dumps({"text": TEXT, "format": "pcm"})
    connection.request("POST", "/api/tts/stream", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    size = len(answer.read(1))
    first_sound_s.append(time.monotonic() - started)
    while part := answer.read(65_536):
        size += len(part)
    audio_s.append(size / 48_000)
    connection.close()


def health_ms(server: LiveServer, until: threading.Event) -> list[float]:
    """Latency of /health over new connections until told to stop."""
    taken = []
    while not until.is_set():
        started = time.perf_counter()
        server.get("/health")
        taken.append(1000 * (time.perf_counter() - started))
        time.sleep(POLL_S)
    return taken


def under_load(server: LiveServer, streams: int) -> None:
    first_sound_s: list[float] = []
    audio_s: list[float] = []
    done, latencies = threading.Event(), []
    poller = threading.Thread(target=lambda: latencies.extend(health_ms(server, done)))
    listeners = [threading.Thread(target=stream, args=(server, first_sound_s, audio_s)) for _ in range(streams)]
    started = time.monotonic()
    for thread in (poller, *listeners):
        thread.start()
    for thread in listeners:
        thread.join()
    took = time.monotonic() - started
    done.set()
    poller.join()
    print(f"{streams} streams: {sum(audio_s):.0f} s of audio in {took:.1f} s ({sum(audio_s) / took:.1f} x real time)")
    print(f"  first sound: median {statistics.median(first_sound_s):.2f} s, last {max(first_sound_s):.2f} s")
    worst = sorted(latencies)[int(0.99 * len(latencies))]
    print(
        f"  /health, {len(latencies)} times: median {statistics.median(latencies):.1f} ms, 99 % {worst:.1f} ms, "
        f"most {max(latencies):.1f} ms"
    )


def leaving(server: LiveServer) -> None:
    """How long a stream outlives its client."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"text": TEXT * 10, "format": "pcm"})
    connection.request("POST", "/api/tts/stream", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read(4096)
    left = time.monotonic()
    answer.close()
    connection.close()
    server.wait_until(lambda: server.get("/api/gpu/status")["streams_open"] == 0)
    print(f"a client that left: its stream ended within {time.monotonic() - left:.2f} s")


def killed(server: LiveServer) -> None:
    worker = server.worker()
    started = time.monotonic()
    worker.send_signal(signal.SIGKILL)
    server.wait_until(lambda: not worker.is_running() and server.answers())
    print(f"kill -9 of the worker: /health answers again after {time.monotonic() - started:.2f} s")


def idle(server: LiveServer) -> None:
    processes = [psutil.Process(server.process.pid), server.worker()]
    before = sum(sum(p.cpu_times()[:2]) for p in processes)
    time.sleep(IDLE_S)
    used = sum(sum(p.cpu_times()[:2]) for p in processes) - before
    memory = ", ".join(f"{p.memory_info().rss / 1e6:.0f} MB" for p in processes)
    print(f"idle for {IDLE_S:.0f} s: {100 * used / IDLE_S:.2f} % of one core; memory of master and worker: {memory}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=30)
    streams = parser.parse_args().streams
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with live_server(Path(folder), ENGINE="hibari", GPU_IDLE_TIMEOUT="5") as server:
            print(f"/health answers {time.monotonic() - started:.2f} s after the start")
            stream(server, [], [])
            under_load(server, streams)
            leaving(server)
            killed(server)
            idle(server)


if __name__ == "__main__":
    main()
