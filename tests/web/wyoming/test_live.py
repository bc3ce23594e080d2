"""The Wyoming door of the real service: beside HTTP, and with the same end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.tts import Synthesize

from speech.settings import Settings, SettingsError
from tests.live_server import ROOT, LiveServer, free_port, live_server

LONG_TEXT = "Good evening, and welcome to all of you. " * 40


async def _said(port: int, text: str, meanwhile: int | None = None) -> bool:
    """Whether it is said to its end. meanwhile: a process that is asked to end when the first sound is there."""
    async with AsyncTcpClient("127.0.0.1", port, read_timeout=30) as client:
        await client.write_event(Synthesize(text).event())
        while (event := await client.read_event()) is not None:
            if AudioChunk.is_type(event.type) and meanwhile is not None:
                os.kill(meanwhile, signal.SIGTERM)
                meanwhile = None
            if AudioStop.is_type(event.type):
                return True
    return False


def test_a_new_worker_opens_it_again_and_the_end_waits_for_the_last_word(tmp_path: Path) -> None:
    port = free_port()
    with live_server(tmp_path, ENGINE="hibari", WYOMING_PORT=str(port)) as server:
        old = server.worker().pid
        assert asyncio.run(_said(port, LONG_TEXT, meanwhile=old))  # by the worker that ends
        server.wait_until(lambda: _workers(server) not in ([], [old]))
        assert asyncio.run(_said(port, "Good evening."))
        _run_recipe(port, tmp_path)
        assert asyncio.run(_said(port, LONG_TEXT, meanwhile=server.process.pid))
        assert server.process.wait(30) == 0
        assert "Traceback" not in server.log


def _workers(server: LiveServer) -> list[int]:
    return [child.pid for child in psutil.Process(server.process.pid).children()]


def _run_recipe(port: int, folder: Path) -> None:
    """The one of docs/clients.md."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.DOTALL)
    (recipe,) = (block for block in blocks if "wyoming.client" in block)
    code = recipe.replace("10200", str(port))
    subprocess.run([sys.executable, "-c", code], cwd=folder, timeout=60, check=True)
    assert (folder / "evening.pcm").stat().st_size > 20_000


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {**os.environ, "ENGINE": "hibari", "PORT": str(free_port()), "WYOMING_PORT": str(port)}
        command = [sys.executable, str(ROOT / "app.py")]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"kyutai-tts: WYOMING_HOST=127.0.0.1, WYOMING_PORT={port}: ")


@pytest.mark.parametrize("others", [{}, {"WYOMING_PORT": "10200"}, {"WYOMING_HOST": "0.0.0.0"}])
def test_what_only_this_machine_reaches_is_not_announced(others: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="WYOMING_ZEROCONF needs WYOMING_PORT"):
        Settings.load({"WYOMING_ZEROCONF": "speech", **others})
    Settings.load({"WYOMING_ZEROCONF": "speech", "WYOMING_HOST": "0.0.0.0", "WYOMING_PORT": "10200"})
