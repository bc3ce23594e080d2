"""Many listeners of one service on one thread: what a listener costs is the service's, not the measurer's."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.common import centiles

BYTES_S = 48_000  # 16 bit, 24 kHz
PATIENCE_S = 180.0


@dataclass(eq=False)
class Listener:
    """One request for raw PCM, read as fast as it comes."""

    socket: socket.socket
    started: float
    reads: list[tuple[float, int]] = field(default_factory=list)  # when, and bytes of sound
    error: str | None = None
    done: bool = False
    _head: bytes | None = b""  # None when it is whole
    _left: int = 0  # bytes of the chunk under way, its end of line among them
    _rest: bytes = b""

    @property
    def first_s(self) -> float:
        return self.reads[0][0] - self.started

    @property
    def whole_s(self) -> float:
        """From the request to the last bytes."""
        return self.reads[-1][0] - self.started

    @property
    def audio_s(self) -> float:
        return sum(size for _, size in self.reads) / BYTES_S

    @property
    def pace(self) -> float:
        """Seconds of sound for each second between the first bytes and the last."""
        first, last = self.reads[0], self.reads[-1]
        return (self.audio_s - first[1] / BYTES_S) / max(1e-6, last[0] - first[0])

    @property
    def longest_gap_s(self) -> float:
        """By how much a player that began with the first bytes ran dry at worst."""
        had, late = 0.0, 0.0
        for (_, size), (at, _) in zip(self.reads, self.reads[1:], strict=False):
            had += size / BYTES_S
            late = max(late, at - self.reads[0][0] - had)
        return late

    def read(self) -> None:
        data = self.socket.recv(262_144)
        now = time.perf_counter()
        if not data:
            self.done, self.error = True, self.error or "the connection ended"
            return
        if self._head is not None:
            data = self._read_head(data)
        if size := self._sound_in(data):
            self.reads.append((now, size))

    def _read_head(self, data: bytes) -> bytes:
        head, end, rest = (self._head + data if self._head else data).partition(b"\r\n\r\n")
        if not end:
            self._head = head
            return b""
        self._head = None
        if not head.startswith(b"HTTP/1.1 200"):
            self.done, self.error = True, (head[:60] + rest[:200]).decode("latin-1")
        return rest

    def _sound_in(self, data: bytes) -> int:
        """Bytes of sound in a piece of a chunked body."""
        data, size = self._rest + data, 0
        self._rest = b""
        while data and not self.done:
            if not self._left:
                line, end, rest = data.partition(b"\r\n")
                if not end:
                    self._rest = data
                    break
                length, data = int(line, 16), rest
                self.done, self._left = length == 0, length + 2
            taken = min(self._left, len(data))
            size += max(0, taken - max(0, 2 - (self._left - taken)))
            self._left -= taken
            data = data[taken:]
        return size


def as_pcm(text: str) -> dict[str, Any]:
    return {"text": text, "format": "pcm"}


class Crowd:
    """Listeners of one service."""

    def __init__(
        self, port: int, path: str = "/api/tts/stream", wish: Callable[[str], dict[str, Any]] = as_pcm
    ) -> None:
        """wish: the request's JSON for a text; its answer must be raw PCM."""
        self._port, self._path, self._wish = port, path, wish
        self._selector = selectors.DefaultSelector()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S)

    def ask(self, text: str, connection: socket.socket | None = None) -> Listener:
        """Send a request; from then on it is read whenever `pump` runs."""
        connection = connection or self.connect()
        body = json.dumps(self._wish(text)).encode()
        head = f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
        listener = Listener(connection, time.perf_counter())
        connection.sendall(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        self._selector.register(connection, selectors.EVENT_READ, listener)
        return listener

    def pump(self, until: Callable[[], bool]) -> None:
        """Read what comes until that is true."""
        give_up = time.perf_counter() + PATIENCE_S
        while not until() and self._selector.get_map():
            if time.perf_counter() > give_up:
                raise TimeoutError("the service does not go on")
            self._read_what_came(0.05)

    def _read_what_came(self, within_s: float) -> None:
        for key, _ in self._selector.select(within_s):
            self._read(key.data)

    def _read(self, listener: Listener) -> None:
        try:
            listener.read()
        except OSError as error:
            listener.done, listener.error = True, repr(error)
        if listener.done:
            self._selector.unregister(listener.socket)
            listener.socket.close()

    def together(self, text: str, number: int) -> list[Listener]:
        """So many at once, until all have heard all."""
        connections = [self.connect() for _ in range(number)]
        listeners = [self.ask(text, connection) for connection in connections]
        self.pump(lambda: all(listener.done for listener in listeners))
        return listeners

    def arrive(self, text: str, moments: list[float]) -> list[Listener]:
        """One at each of these moments, in seconds from now; until all have heard all."""
        started, listeners = time.perf_counter(), []
        for moment in moments:
            while (left := started + moment - time.perf_counter()) > 0:
                self._read_what_came(left)
            listeners.append(self.ask(text))
        self.pump(lambda: all(listener.done for listener in listeners))
        return listeners

    def by_turns(self, texts: list[str], at_once: int) -> list[Listener]:
        """One for each text, so many of them at a time."""
        listeners: list[Listener] = []
        for text in texts:
            self.pump(lambda: len(listeners) - sum(listener.done for listener in listeners) < at_once)
            listeners.append(self.ask(text))
        self.pump(lambda: all(listener.done for listener in listeners))
        return listeners

    def newcomers(self, text: str, others: str, speakers: int, times: int) -> tuple[list[Listener], list[Listener]]:
        """So many, one after another, while others speak on and on; and these others."""
        beside = [self.ask(others) for _ in range(speakers)]
        came: list[Listener] = []

        def replace_the_done() -> None:
            for listener in [listener for listener in beside if listener.done and listener not in ended]:
                ended.add(listener)
                beside.append(self.ask(others))

        ended: set[Listener] = set()
        self.pump(lambda: sum(bool(listener.reads) for listener in beside) >= speakers)
        for _ in range(times):
            came.append(self.ask(text))
            while not came[-1].done:
                replace_the_done()
                self.pump(lambda: came[-1].done or any(x.done and x not in ended for x in beside))
        self.pump(lambda: all(listener.done for listener in beside))
        return came, beside


def summary(listeners: list[Listener], wall_s: float) -> dict[str, Any]:
    well = [x for x in listeners if x.error is None and len(x.reads) > 1]
    result: dict[str, Any] = {
        "listeners": len(listeners),
        "failed": len(listeners) - len(well),
        "errors": [x.error or "no sound" for x in listeners if x not in well][:3],
        "wall_s": wall_s,
    }
    if well:
        result |= {
            "first_sound_ms": centiles([x.first_s for x in well], 1000),
            "audio_s": sum(x.audio_s for x in well),
            "times_real_time_in_all": sum(x.audio_s for x in well) / wall_s,
            "pace": centiles([x.pace for x in well]),
            "pace_least": min(x.pace for x in well),
            "listeners_with_a_gap": sum(x.longest_gap_s > 0 for x in well),
            "longest_gap_ms": 1000 * max(x.longest_gap_s for x in well),
        }
    return result
