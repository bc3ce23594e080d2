"""A copy of the scripts in a folder of its own, with a small app.py and fakes for what they call on the machine."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT_S = 110  # against hanging only

# All that the scripts may rely on: no curl, no ss, no flock, no ps, no jq.
TOOLS = (
    *("awk", "basename", "bash", "cat", "chmod", "cksum", "cut", "dirname", "env", "find", "grep", "mkdir", "mktemp"),
    *("mv", "nohup", "rm", "setsid", "sed", "sh", "sleep", "sort", "tail", "timeout", "tr"),
)

FAKE_APP = """
import http.server, json, os, pathlib, signal, sys, threading

if "FAKE_LAST_WORDS" in os.environ:
    sys.exit(os.environ["FAKE_LAST_WORDS"])
if "FAKE_MUTE" in os.environ:
    signal.pause()

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        names = ("PORT", "ENGINE", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
        body = {"service": "kyutai-tts", "engine": os.environ["ENGINE"], "pid": os.getpid(),
                "environment": {name: os.environ[name] for name in names if name in os.environ}}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass

def drain(*_):
    print("draining", flush=True)
    threading.Thread(target=finish).start()

def finish():
    while not pathlib.Path(os.environ.get("FAKE_DRAINED", "app.py")).exists():
        threading.Event().wait(0.02)
    server.shutdown()

server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health)
signal.signal(signal.SIGTERM, drain)
signal.signal(signal.SIGQUIT, lambda *_: os._exit(0))
print("listening", flush=True)
server.serve_forever()
"""

FAKE_UV = '#!/bin/bash\nprintf "%s\\n" "uv $*" >>"$FAKE_LOG"\nexit "${FAKE_UV_EXIT:-0}"\n'


class Checkout:
    """The scripts as a user has them, on a machine that consists of TOOLS and what a test adds with `command`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commands = folder.parent / f"{folder.name}-bin"
        self.log = folder.parent / f"{folder.name}-commands.log"
        self.commands.mkdir(parents=True)
        for tool in TOOLS:
            (self.commands / tool).symlink_to(str(shutil.which(tool)))
        shutil.copytree(REPOSITORY / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("start.sh", "stop.sh", "test.sh", "verify_deployment.sh", "docker-compose.yml", ".env.example"):
            shutil.copy(REPOSITORY / name, folder)
        for name in ("speech/__init__.py", "speech/engines/__init__.py", "speech/engines/spec.py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
        shutil.copytree(REPOSITORY / "deploy/haproxy", folder / "deploy/haproxy")
        shutil.copy(REPOSITORY / "requirements.txt", folder)
        shutil.copytree(REPOSITORY / "requirements", folder / "requirements")
        (folder / "app.py").write_text(FAKE_APP)
        self.command("python3.11", f'#!/bin/bash\nexec "{sys._base_executable}" "$@"\n')  # type: ignore[attr-defined]
        self.command("uv", FAKE_UV)
        self.environment = {
            "PATH": str(self.commands),
            "HOME": str(folder),
            "FAKE_LOG": str(self.log),
            "HOST": "127.0.0.1",
            "PORT": "0",
        }

    def command(self, name: str, script: str) -> Path:
        """Put a fake on PATH."""
        path = self.commands / name
        path.write_text(script)
        path.chmod(0o755)
        return path

    def make_venv(self, name: str = ".venv") -> None:
        """What start.sh would make, without the seconds that pip takes."""
        venv.create(self.folder / name, with_pip=False, symlinks=True)

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ./script to its end; environment adds to the checkout's own."""
        return subprocess.run(
            self._call(script, arguments),
            **self._options(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
        )

    def begin(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Run ./script beside the test."""
        return subprocess.Popen(
            self._call(script, arguments),
            **self._options(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def source(self, code: str, **environment: str) -> str:
        """What bash prints for that code once the functions of scripts/ are there."""
        parts = "".join(f'. "$ROOT/scripts/{name}.sh"; ' for name in ("common", "python", "process", "gpu", "docker"))
        command = ["bash", "-euo", "pipefail", "-c", f"ROOT=$PWD; VENV=$PWD/.venv; RUN_DIR=$PWD/.run; {parts}{code}"]
        options = self._options(environment)
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command, **options, stdout=subprocess.PIPE, timeout=TIMEOUT_S, check=True
        )
        return done.stdout

    def installed(self) -> list[str]:
        """The commands of uv so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def pids(self) -> dict[int, int]:
        """Process id of each recorded instance, by port."""
        return {int(path.stem): int(path.read_text().split()[0]) for path in (self.folder / ".run").glob("*.pid")}

    def health(self, port: int) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=TIMEOUT_S) as answer:
            health: dict[str, Any] = json.load(answer)
            return health

    def only_port(self) -> int:
        """The port of the one instance that runs."""
        (port,) = self.pids()
        return port

    def _call(self, script: str, arguments: tuple[str, ...]) -> list[str]:
        return ["bash", str(self.folder / script), *arguments]

    def _options(self, environment: dict[str, str]) -> dict[str, Any]:
        return {"cwd": self.folder, "env": self.environment | environment, "stdin": subprocess.DEVNULL, "text": True}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class _Stranger(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(self.server.answer)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def stranger(answer: bytes, status: int = 200) -> Iterator[int]:
    """A server that answers every GET with that; gives its port."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Stranger) as server:
        server.answer, server.status = answer, status  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
