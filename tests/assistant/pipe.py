"""mcp_server.py behind a real pipe: with the SDK's client (connected), and byte by byte (RawPipe)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.live_server import ROOT, free_port

SERVER = ROOT / "mcp_server.py"
TALKER = ROOT / "tests/assistant/talker_server.py"


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """What a host passes: little. No service is found unless KYUTAI_TTS_URL is among the settings."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "PYTHONPYCACHEPREFIX") if name in os.environ}
    return {
        **kept,
        "ENGINE": "hibari",
        "OMP_NUM_THREADS": "1",
        "KYUTAI_TTS_OUTPUT_DIR": str(folder),
        "KYUTAI_TTS_URL": f"http://127.0.0.1:{free_port()}",
        **settings,
    }


@asynccontextmanager
async def connected(
    folder: Path, script: Path = SERVER, mode: str = "auto", **settings: str
) -> AsyncIterator[tuple[Client, Path]]:
    """A client of a server of its own, and the file with the server's standard error."""
    log = folder.parent / "stderr.log"
    parameters = StdioServerParameters(
        command=sys.executable, args=[str(script)], env=environment(folder, **settings), cwd=str(folder.parent)
    )
    with log.open("w") as errlog:
        async with Client(stdio_client(parameters, errlog=errlog), mode=mode) as client:
            yield client, log


class RawPipe:
    """Requests and answers as lines. Every line that comes is kept."""

    def __init__(self, folder: Path, script: Path = SERVER, **settings: str) -> None:
        self.lines: list[bytes] = []
        self.log = folder.parent / "raw-stderr.log"
        pipe = subprocess.PIPE
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(script)],
                stdin=pipe,
                stdout=pipe,
                stderr=errors,
                env=environment(folder, **settings),
                cwd=folder.parent,
            )

    def send(self, message: dict[str, Any] | bytes) -> None:
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        self.send({"id": number, "method": method, "params": params})
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == number:
                return answer
        raise AssertionError(f"no answer; the server's log:\n{self.log.read_text()}")

    def shake_hands(self, version: str = "2025-06-18") -> dict[str, Any]:
        me = {"name": "a test", "version": "1"}
        answer = self.ask(0, "initialize", protocolVersion=version, capabilities={}, clientInfo=me)
        self.send({"method": "notifications/initialized"})
        return answer

    def close(self) -> int:
        """Close the pipe as a host does that ends; the exit code. What was written until then is kept too."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.lines += self.process.stdout.readlines()
        return self.process.wait(30)

    def __enter__(self) -> RawPipe:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
