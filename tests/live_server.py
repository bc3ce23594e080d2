"""The real service as a process of its own: `python app.py` under gunicorn on a free port."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
START_S = 120.0  # against hanging only


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class LiveServer:
    """A running service. url: without a slash at the end. tls: how to verify it, where it speaks https."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def worker(self) -> psutil.Process:
        """The process that owns the model."""
        (worker,) = psutil.Process(self.process.pid).children()
        return worker

    def get(self, path: str) -> dict[str, object]:
        with urllib.request.urlopen(self.url + path, timeout=60, context=self.tls) as response:
            body: dict[str, object] = json.load(response)
            return body

    def post(self, path: str, body: object, timeout: float = 240) -> bytes:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=timeout, context=self.tls) as response:
            data: bytes = response.read()
            return data

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = START_S) -> None:
        """Until it is true of the server, whose log is shown when it ends or takes too long."""

        def settled() -> bool:
            assert self.process.poll() is None, "it has ended"
            return condition()

        try:
            wait_until(settled, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; the server's log:\n{self.log}") from None

    def answers(self) -> bool:
        try:
            return self.get("/health")["service"] == "kyutai-tts"
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def stop(self, timeout_s: float = 120) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


@contextmanager
def live_server(
    folder: Path, *, before: tuple[str, ...] = (), tls: ssl.SSLContext | None = None, **settings: str
) -> Iterator[LiveServer]:
    """Start the service with these settings, wait until it answers, and end it in any case.

    folder: where it runs and logs; a `.env` there counts. PORT: a free one unless given. before: a command that runs
    the service, such as prlimit. tls: what verifies it, where the settings have it speak https.
    """
    port = int(settings.get("PORT") or free_port())
    log_file = folder / "server.log"
    env = {k: v for k, v in os.environ.items() if k not in ("PORT", "HOST")}
    env |= {"PORT": str(port), "HOST": "127.0.0.1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **settings}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*before, sys.executable, str(ROOT / "app.py")], cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT
        )
    server = LiveServer(process, port, log_file, tls)
    try:
        server.wait_until(server.answers)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
