"""The server as hosts run it: a process behind a pipe. Levels 2 and 3 of the plan in docs: real pipe, raw bytes."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest
from mcp import Client, MCPError

from tests.assistant.pipe import SERVER, TALKER, RawPipe, connected
from tests.waiting import wait_until

HEAVY = {"torch", "moshi", "numpy", "hibari", "onnxruntime", "speech.service", "gpu_manager", "flask", "av"}
SLOW = {"TALKER_FRAMES": "100000"}  # longer than any test
ALWAYS_SOILED = ("a line of Python's", "half a line of Python's", "a line past Python", "a child's line")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "speech"


async def logged(log: Path, what: str) -> None:
    await anyio.to_thread.run_sync(wait_until, lambda: what in log.read_text())


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# -- with the SDK's own client -------------------------------------------------------------------------------------


def test_speech_with_progress(folder: Path, mode: str) -> None:
    told: list[tuple[float, str]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        told.append((progress, message or ""))

    async def work() -> None:
        async with connected(folder, TALKER, mode, TALKER_LOAD_S="2", TALKER_FRAMES="100") as (client, _):
            call = {"text": "Hello", "output_path": "hello.wav"}
            result = await client.call_tool("text_to_speech", call, progress_callback=on_progress)
            assert result.structured_content is not None
            assert result.structured_content["duration_seconds"] == pytest.approx(100 * 0.08)

    anyio.run(work)
    assert files_in(folder) == ["hello.wav"]
    assert all(a[0] < b[0] for a, b in pairwise(told))
    phases = [message for _, message in told]
    assert any(phase.startswith("Loading the model: reading the weights, 25%") for phase in phases)
    assert any(phase.startswith("Speaking: ") for phase in phases)


@pytest.mark.parametrize("phase", ["loading", "speaking", "queued"])
def test_cancelled_in_every_phase(folder: Path, mode: str, phase: str) -> None:
    load_s = "30" if phase == "loading" else "0"

    async def work() -> None:
        async with connected(folder, TALKER, mode, TALKER_LOAD_S=load_s, **SLOW) as (client, log):
            async with anyio.create_task_group() as calls:
                for index in range(4 if phase == "queued" else 1):  # two have a slot
                    arguments = {"text": "Hello", "output_path": f"{index}.wav"}
                    calls.start_soon(client.call_tool, "text_to_speech", arguments)
                await logged(log, "talker: loading" if phase == "loading" else "talker: begins")
                if phase == "queued":
                    await until_status(client, lambda: log.read_text().count("begins") >= 2)
                calls.cancel_scope.cancel()
            status = await client.call_tool("get_gpu_status", {})
            assert not status.is_error
            if phase != "loading":
                await logged(log, "talker: stopped after")
            assert "talker: finished" not in log.read_text()

    anyio.run(work)
    assert files_in(folder) == []


async def until_status(client: Client, condition: Callable[[], bool]) -> None:
    """The server goes on answering while it speaks."""
    with anyio.fail_after(20):
        while not condition():
            assert not (await client.call_tool("get_gpu_status", {})).is_error


def test_a_client_that_loses_patience_frees_the_slot(folder: Path, mode: str) -> None:
    async def work() -> None:
        async with connected(folder, TALKER, mode, **SLOW) as (client, log):
            await client.call_tool("get_gpu_status", {})  # what is imported at the first call may take its time
            with pytest.raises(MCPError):
                await client.call_tool("text_to_speech", {"text": "Hello"}, read_timeout_seconds=4)
            await logged(log, "talker: stopped after")

    anyio.run(work)
    assert files_in(folder) == []


def test_a_host_that_leaves_during_speech_leaves_nothing(folder: Path) -> None:
    with RawPipe(folder, TALKER, **SLOW) as pipe:
        pipe.shake_hands()
        call = {"name": "text_to_speech", "arguments": {"text": "Hello"}}
        pipe.send({"id": 1, "method": "tools/call", "params": call})
        wait_until(lambda: "talker: begins" in pipe.log.read_text())
        pipe.close()
    assert files_in(folder) == []


def test_a_killed_server_leaves_nothing(folder: Path) -> None:
    with RawPipe(folder, TALKER, **SLOW) as pipe:
        pipe.shake_hands()
        call = {"name": "text_to_speech", "arguments": {"text": "Hello"}}
        pipe.send({"id": 1, "method": "tools/call", "params": call})
        wait_until(lambda: "talker: begins" in pipe.log.read_text())
        pipe.process.kill()
        pipe.process.wait()
    assert files_in(folder) == []


def test_the_embedded_voice_speaks_when_no_service_runs(folder: Path, mode: str) -> None:
    async def work() -> None:
        async with connected(folder, SERVER, mode) as (client, _):
            result = await client.call_tool("text_to_speech", {"text": "Good morning.", "output_path": "x.flac"})
            assert result.structured_content is not None
            assert result.structured_content["backend"] == "this process"
            assert result.structured_content["duration_seconds"] > 0.5
            released = await client.call_tool("offload_gpu", {})
            assert released.structured_content is not None
            assert released.structured_content["released"] is True

    anyio.run(work)
    assert files_in(folder) == ["x.flac"]


# -- raw bytes -------------------------------------------------------------------------------------------------------


def test_nothing_but_the_protocol_is_on_standard_output(folder: Path) -> None:
    """Ordinary, buffered Python: what is printed without a line's end sits in a buffer until the process ends."""
    with RawPipe(folder, TALKER) as pipe:
        pipe.shake_hands()
        pipe.ask(1, "tools/list")
        answer = pipe.ask(2, "tools/call", name="text_to_speech", arguments={"text": "Hello"})
        assert answer["result"]["isError"] is False
        assert pipe.close() == 0
        for line in pipe.lines:
            assert json.loads(line)["jsonrpc"] == "2.0", line
        soiled = pipe.log.read_text()
    assert all(what in soiled for what in ALWAYS_SOILED)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        *((v, v) for v in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")),
        ("1999-01-01", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
    ],
)
def test_every_version_of_the_protocol(folder: Path, asked: str, answered: str) -> None:
    with RawPipe(folder) as pipe:
        assert pipe.shake_hands(asked)["result"]["protocolVersion"] == answered
        assert len(pipe.ask(1, "tools/list")["result"]["tools"]) == 5
        assert pipe.close() == 0


def test_junk_does_not_end_the_server(folder: Path) -> None:
    with RawPipe(folder) as pipe:
        pipe.shake_hands()
        for junk in (b"", b"not JSON", b"{}", b"[]", b"\xff\xfe", b'{"jsonrpc": "2.0", "method": 5}'):
            pipe.send(junk)
        assert "tools" in pipe.ask(7, "tools/list")["result"]
        assert pipe.close() == 0


def test_control_c_ends_it_at_once(folder: Path) -> None:
    with RawPipe(folder) as pipe:
        pipe.shake_hands()
        pipe.process.send_signal(signal.SIGINT)
        assert pipe.process.wait(20) == -signal.SIGINT
        assert "Traceback" not in pipe.log.read_text()


def test_the_list_of_tools_imports_nothing_heavy(folder: Path) -> None:
    """Start to the list of tools must take less than a second. What takes time is imports, so these are looked at."""
    with RawPipe(folder, PYTHONPROFILEIMPORTTIME="1") as pipe:
        pipe.shake_hands()
        pipe.ask(1, "tools/list")
        pipe.close()
        imported = {line.rsplit("|", 1)[1].strip() for line in pipe.log.read_text().splitlines() if "|" in line}
    assert "assistant.tools" in imported
    assert not HEAVY & imported


def test_the_status_and_the_release_import_no_torch(folder: Path) -> None:
    with RawPipe(folder, ENGINE="auto", PYTHONPROFILEIMPORTTIME="1") as pipe:
        pipe.shake_hands()
        for number, tool in enumerate(("get_gpu_status", "offload_gpu", "list_voices"), 1):
            answer = pipe.ask(number, "tools/call", name=tool, arguments={})
            assert answer["result"]["isError"] is False, answer
        libraries = {Path(m.path).name for m in psutil.Process(pipe.process.pid).memory_maps()}
        pipe.close()
        imported = {line.rsplit("|", 1)[1].strip() for line in pipe.log.read_text().splitlines() if "|" in line}
    assert "speech.service" in imported
    assert not {"torch", "moshi", "onnxruntime", "speech.engines.hibari.voice"} & imported
    assert not any("torch" in name or "cudart" in name for name in libraries)


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        ([], {"KYUTAI_TTS_BACKEND": "http"}, "KYUTAI_TTS_BACKEND"),
        ([], {"KYUTAI_TTS_OUTPUT_DIR": "${HOME}/x"}, "did not fill in"),
        (["--http", "8901"], {}, "HOST:PORT"),
        (["--http", "127.0.0.1:8901"], {}, "KYUTAI_TTS_MCP_TOKEN"),
    ],
)
def test_wrong_settings_end_it_with_one_line(
    folder: Path, arguments: list[str], settings: dict[str, str], told: str
) -> None:
    import subprocess
    import sys

    from tests.assistant.pipe import environment

    command = [sys.executable, str(SERVER), *arguments]
    done = subprocess.run(command, env=environment(folder, **settings), capture_output=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == b""
    assert told in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1
