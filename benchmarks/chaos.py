"""Everything at once against the real service with the embedded voice, on loopback, for a bounded time.

    python -m benchmarks.chaos [--seconds 600] [--clients 100]

So many clients ask over all doors (whole files, streams, events, OpenAI's API, the WebSocket); of a hundred requests
ten leave midway and five are nonsense. Beside them: half heads, half bodies, floods of pings, two kills of the worker.
Every answer must be audio that decodes or an error in the service's own words; what is neither is printed and makes the
exit code 1. Prints /health's latency without the seconds around the kills, and memory, threads and descriptors before
and after. Figures of ours are in docs/experiments.md with the machine they were taken on.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from benchmarks.asking import BAD, JSON, send, web_socket
from tests.live_server import LiveServer, live_server
from web.process.threads import IDLE_S

TEXT = "The old man walked slowly through the garden. He closed the heavy door behind him. Then it rained."
HALVES = 40  # half heads, and as many half bodies, that are open at a time
FLOODS = 2
KILLS = (0.35, 0.7)  # of the time
AFTER_KILL_S = 15.0  # in which /health may be silent and connections may break
AFTERWARDS_S = 2 * IDLE_S  # until idle threads have ended
PING = b"\x89\x80\0\0\0\0"


@dataclass
class Chaos:
    """What the clients share."""

    server: LiveServer
    seconds: float
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)
    killed_at: float = -1e9
    started: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        return time.monotonic() - self.started > self.seconds

    @property
    def excused(self) -> bool:
        """A worker was killed so shortly before that connections may be broken."""
        return time.monotonic() - self.killed_at < AFTER_KILL_S

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)

    def judge(self, kind: str, problem: str | None) -> None:
        if problem and self.excused:
            kind, problem = "broken by a kill", None
        self.outcomes["wrong" if problem else kind] += 1
        if problem:
            self.wrong.append(f"{kind}: {problem}")


def speech_wav(chaos: Chaos, chance: random.Random) -> None:
    """A whole file, or one of OpenAI's API."""
    path, body = chance.choice(
        [("/api/tts", {"text": TEXT}), ("/v1/audio/speech", {"model": "tts-1", "input": TEXT, "voice": "alloy"})]
    )
    status, data = ask(chaos, path, body | {"response_format" if path[1] == "v" else "format": "wav"})
    chaos.judge(f"{path} {status}", bad_audio(data) if status == 200 else bad_refusal(status, data))


def speech_stream(chaos: Chaos, _: random.Random) -> None:
    status, data = ask(chaos, "/api/tts/stream", {"text": TEXT, "format": "pcm"})
    short = None if len(data) > 48_000 and len(data) % 2 == 0 else f"{len(data)} bytes of pcm"
    chaos.judge(f"stream {status}", short if status == 200 else bad_refusal(status, data))


def speech_events(chaos: Chaos, _: random.Random) -> None:
    status, data = ask(chaos, "/api/tts/stream", {"text": TEXT, "format": "pcm", "stream_format": "sse"})
    ends = any(mark in data for mark in (b"event: done", b"event: error"))
    chaos.judge(f"events {status}", bad_refusal(status, data) if status != 200 else None if ends else "no last event")


def leaves(chaos: Chaos, chance: random.Random) -> None:
    connection = chaos.connect()
    try:
        connection.request("POST", "/api/tts/stream", json.dumps({"text": TEXT * 4, "format": "pcm"}), JSON)
        time.sleep(chance.random())
        chaos.judge("left", None)
    finally:
        connection.close()


def nonsense(chaos: Chaos, chance: random.Random) -> None:
    status, data = ask(chaos, "/api/tts", chance.choice(BAD))
    chaos.judge(f"nonsense {status}", "was taken" if status == 200 else bad_refusal(status, data))


def ask(chaos: Chaos, path: str, body: object) -> tuple[int, bytes]:
    connection = chaos.connect()
    try:
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body), JSON)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def bad_audio(data: bytes) -> str | None:
    samples, rate = soundfile.read(io.BytesIO(data))
    return None if len(samples) > rate and abs(samples).max() > 0.01 else f"{len(samples)} samples"


def bad_refusal(status: int, data: bytes) -> str | None:
    """None for an error in our words; a 500 is never an honest refusal."""
    try:
        honest = bool(json.loads(data)["error"]["message"]) and status not in (500, 502)
    except (ValueError, KeyError, TypeError):
        honest = False
    return None if honest else f"{status} {data[:200]!r}"


def speaks_over_a_socket(chaos: Chaos, _: random.Random) -> None:
    """start, text, end; until the server closes. Audio, or a message that says why not."""
    if (sock := web_socket(chaos.server.port)) is None:
        chaos.judge("socket refused", None)
        return
    with sock:
        for message in ({"type": "start", "format": "pcm"}, {"type": "text", "text": TEXT}, {"type": "end"}):
            send(sock, message)
        got = b""
        while part := sock.recv(65_536):
            got += part
    spoke = len(got) > 48_000 and b"done" in got
    chaos.judge(
        "socket spoke" if spoke else "socket error",
        None if spoke or b"error" in got else f"{len(got)} bytes: {got[:60]!r}",
    )


DOORS: list[tuple[Callable[[Chaos, random.Random], None], int]] = [
    (speech_wav, 35),
    (speech_stream, 20),
    (speech_events, 15),
    (speaks_over_a_socket, 15),
    (leaves, 10),
    (nonsense, 5),
]


def client(chaos: Chaos, number: int) -> None:
    chance = random.Random(number)
    doors, weights = zip(*DOORS, strict=True)
    while not chaos.over:
        (door,) = chance.choices(doors, weights)
        try:
            door(chaos, chance)
        except (OSError, http.client.HTTPException) as error:
            chaos.judge(door.__name__, repr(error))
        time.sleep(chance.uniform(0.5, 2.0))


def halves(chaos: Chaos) -> None:
    """Connections that begin a head or a body and send no more; each is dropped after some seconds for another."""
    beginnings = (
        b"GET /health HTTP/1.1\r\nHost: x",
        b"POST /api/tts HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
    )
    while not chaos.over:
        held = []
        for number in range(2 * HALVES):
            try:
                held.append(socket.create_connection(("127.0.0.1", chaos.server.port), timeout=5))
                held[-1].sendall(beginnings[number % 2])
            except OSError:
                chaos.outcomes["half refused"] += 1
        time.sleep(5)
        for sock in held:
            sock.close()


def flood(chaos: Chaos) -> None:
    """Pings as fast as they go, until the socket is closed."""
    while not chaos.over:
        try:
            if (sock := web_socket(chaos.server.port)) is not None:
                with sock:
                    while not chaos.over:
                        sock.sendall(PING * 100)
        except OSError:
            chaos.outcomes["flood ended"] += 1
        time.sleep(1)


def watch_health(chaos: Chaos) -> None:
    while not chaos.over:
        started = time.perf_counter()
        try:
            chaos.server.get("/health")
        except (OSError, http.client.HTTPException) as error:
            chaos.judge("/health", repr(error))
            continue
        if not chaos.excused:
            chaos.health_ms.append(1000 * (time.perf_counter() - started))
        time.sleep(0.05)


def kill(chaos: Chaos) -> None:
    for part in KILLS:
        while time.monotonic() - chaos.started < part * chaos.seconds:
            time.sleep(0.1)
        chaos.killed_at = time.monotonic()
        chaos.server.worker().kill()
        print(f"{part * chaos.seconds:.0f} s: the worker was killed")


def figures(server: LiveServer) -> str:
    server.wait_until(lambda: server.get("/api/gpu/status")["streams_open"] == 0, 90)
    time.sleep(2)
    worker = server.worker()
    return f"{worker.memory_info().rss / 1e6:.0f} MB, {worker.num_threads()} threads, {worker.num_fds()} descriptors"


def run(server: LiveServer, seconds: float, clients: int) -> bool:
    server.post("/api/tts", {"text": TEXT})
    print("before:", figures(server))
    chaos = Chaos(server, seconds)
    jobs = [(client, (chaos, number)) for number in range(clients)] + [(flood, (chaos,))] * FLOODS
    jobs += [(halves, (chaos,)), (watch_health, (chaos,)), (kill, (chaos,))]  # type: ignore[list-item]
    threads = [threading.Thread(target=job, args=arguments) for job, arguments in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(chaos)
    return not chaos.wrong


def report(chaos: Chaos) -> None:
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for kind, count in sorted(chaos.outcomes.items()):
        print(f"  {count:6} {kind}")
    for line in chaos.wrong[:20]:
        print("  WRONG", line)
    latencies = sorted(chaos.health_ms)
    if latencies:
        print(
            f"/health, {len(latencies)} times: median {latencies[len(latencies) // 2]:.0f} ms, "
            f"99 % {latencies[int(0.99 * len(latencies))]:.0f} ms, most {latencies[-1]:.0f} ms"
        )
    print("after: ", figures(chaos.server))
    time.sleep(AFTERWARDS_S)
    print(f"{AFTERWARDS_S:.0f} s later:", figures(chaos.server))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, live_server(Path(folder), ENGINE="hibari") as server:
        return 0 if run(server, min(options.seconds, 3600), min(options.clients, 500)) else 1


if __name__ == "__main__":
    sys.exit(main())
