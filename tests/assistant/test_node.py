"""Clients that are not ours: the MCP Inspector's command line and the TypeScript SDK.

They come from npm into tests/assistant/node/node_modules, once. Without npm these tests fail and say so; leave them out
with `-m "not node"`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.pipe import SERVER, TALKER, environment

NODE = Path(__file__).parent / "node"
TOOL_IS_ERROR = 5  # the Inspector's exit codes
REQUEST_TIMED_OUT = -32001

pytestmark = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "speech"


@pytest.fixture(scope="session")
def modules() -> Path:
    """Install what package.json names, unless it is there."""
    npm = shutil.which("npm")
    assert npm, 'npm is missing: install Node 20 or later, or leave these tests out with -m "not node"'
    installed = NODE / "node_modules"
    done = installed / ".package-lock.json"
    if not done.is_file() or done.stat().st_mtime < (NODE / "package.json").stat().st_mtime:
        install = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(install, cwd=NODE, check=True, timeout=540)
    return installed


def inspect(modules: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The Inspector passes to the server only what -e names, as hosts do."""
    inspector = str(modules / ".bin/mcp-inspector")
    env = environment(folder, MCP_CATALOG_PATH=str(folder.parent / "catalog.json"))
    passed = [part for name, value in env.items() for part in ("-e", f"{name}={value}")]
    command = [inspector, "--cli", sys.executable, str(SERVER), *passed, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture(params=["legacy", "modern"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_inspector_finds_nothing_wrong_with_the_schemas(modules: Path, folder: Path, era: str) -> None:
    done = inspect(modules, folder, "--method", "tools/list", "--strict", "--protocol-era", era, "--format", "json")
    assert done.returncode == 0, done.stderr
    names = [tool["name"] for tool in json.loads(done.stdout)["result"]["tools"]]
    assert names == ["text_to_speech", "get_speech_job", "get_gpu_status", "offload_gpu", "list_voices"]


def test_the_inspector_speaks_and_reads_the_file_back(modules: Path, folder: Path, era: str) -> None:
    call = json.dumps({"text": "Hello there.", "output_path": "i.wav"})
    speak = ("--method", "tools/call", "--tool-name", "text_to_speech", "--tool-args-json", call)
    done = inspect(modules, folder, *speak, "--protocol-era", era, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["structuredContent"]["output_path"] == str(folder / "i.wav")
    back = folder.parent / "back.wav"
    read = ("--method", "resources/read", "--uri", "kyutai-tts://audio/i.wav", "--output", str(back))
    done = inspect(modules, folder, *read, "--output-format", "raw", "--protocol-era", era)
    assert done.returncode == 0, done.stderr
    assert back.read_bytes() == (folder / "i.wav").read_bytes()


def test_the_inspector_sees_errors_as_errors(modules: Path, folder: Path, era: str) -> None:
    call = json.dumps({"text": "x", "output_path": "/etc/x.wav"})
    speak = ("--method", "tools/call", "--tool-name", "text_to_speech", "--tool-args-json", call)
    done = inspect(modules, folder, *speak, "--protocol-era", era)
    assert done.returncode == TOOL_IS_ERROR, done.stdout + done.stderr


def script(modules: Path, folder: Path, scenario: str, **settings: str) -> Any:
    """What the TypeScript client saw."""
    command = ["node", str(NODE / "client.mjs"), sys.executable, str(TALKER), scenario]
    env = environment(folder, **settings)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_progress_keeps_the_typescript_client_waiting(modules: Path, folder: Path) -> None:
    """Five seconds of patience, some eight of work."""
    seen = script(modules, folder, "progress", TALKER_LOAD_S="3", TALKER_FRAMES="250")
    assert seen["result"]["duration_seconds"] == pytest.approx(250 * 0.08)
    assert all(a[0] < b[0] for a, b in pairwise(seen["told"]))
    assert any(message.startswith("Speaking") for _, message in seen["told"])


def test_without_progress_the_typescript_client_gives_up_and_the_slot_is_freed(modules: Path, folder: Path) -> None:
    seen = script(modules, folder, "patience", TALKER_FRAMES="100000")
    assert seen == {"code": REQUEST_TIMED_OUT, "released": True}
    assert list(folder.glob("*")) == []


def test_the_typescript_client_aborts(modules: Path, folder: Path) -> None:
    seen = script(modules, folder, "abort", TALKER_FRAMES="100000")
    assert "abort" in seen["error"].lower()
    assert seen["released"] is True
    assert list(folder.glob("*")) == []


def test_the_typescript_client_reads_errors_and_links(modules: Path, folder: Path) -> None:
    seen = script(modules, folder, "refusal")
    assert seen["isError"] is True
    assert "outside the folders" in seen["text"]
    seen = script(modules, folder, "link")
    assert b64decode(seen["blob"]) == (folder / "x.wav").read_bytes()
    assert seen["mimeType"] == "audio/wav"
