"""The command kyutai-tts: which parts it has, and what it says of others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kyutai_tts_service import COMMANDS, main
from speech import VERSION
from tests import strangers
from tests.live_server import ROOT

Captured = pytest.CaptureFixture[str]


def test_without_a_command_it_lists_them(capsys: Captured) -> None:
    assert main([]) == 0
    usage = capsys.readouterr().out
    assert all(f"  {name}" in usage for name in ("serve", "say", "prefetch", "mcp"))


def test_a_command_that_there_is_not(capsys: Captured) -> None:
    assert main(["sing"]) == 2
    assert "'sing'" in capsys.readouterr().err


def test_its_version(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == VERSION


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "kyutai", "--help"] if name == "prefetch" else [name, "--help"])
    assert ended.value.code == 0
    said = capfd.readouterr()
    assert f"kyutai-tts {name}" in said.out + said.err  # that of mcp keeps standard output for the protocol


def test_the_embedded_voice_needs_no_fetching(capsys: Captured) -> None:
    assert main(["prefetch", "hibari", "--voice", "heart"]) == 0
    assert capsys.readouterr().out.startswith("heart: ")


def test_an_engine_that_there_is_not(capsys: Captured) -> None:
    assert main(["prefetch", "festival"]) == 2
    assert "festival is none of auto, kyutai, pocket, hibari" in capsys.readouterr().err


def test_ctrl_c_while_it_fetches(tmp_path: Path) -> None:
    asked, ended = threading.Event(), threading.Event()

    def talk(client: socket.socket) -> None:
        strangers.read_request(client)
        asked.set()
        ended.wait()

    command = [sys.executable, "-P", str(ROOT / "kyutai_tts_service.py"), "prefetch", "hibari", "--voice", "fenrir"]
    with strangers.listening(talk) as url:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": url, "HIBARI_HOME": str(tmp_path)}
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE)
        try:
            assert asked.wait(60)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            ended.set()
            process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
