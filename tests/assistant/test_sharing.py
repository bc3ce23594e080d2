"""One model: the MCP server as a process of its own beside the real service under gunicorn."""

from __future__ import annotations

import signal
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest
from mcp import Client

from speech.errors import Unavailable
from speech.remote.client import ServiceClient
from tests import strangers
from tests.assistant.pipe import connected
from tests.live_server import LiveServer, free_port, live_server
from tests.waiting import wait_until

TEXT = "The quick brown fox jumps over the lazy dog."
LONG = " ".join([TEXT] * 80)  # minutes of speech, and short enough to be spoken at once

LIBRARIES = ("onnxruntime", "torch", "cudart")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "speech"


@pytest.fixture
def own_server(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A service that the test may kill."""
    with live_server(tmp_path, ENGINE="hibari") as running:
        yield running


def gpu(server: LiveServer) -> dict[str, object]:
    return server.get("/api/gpu/status")


def holds_a_model(process: psutil.Process) -> bool:
    return any(name in m.path for m in process.memory_maps() for name in LIBRARIES)


def mcp_processes() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if any("mcp_server.py" in part for part in child.cmdline())]


def kill(server: LiveServer) -> None:
    """At once, as a machine without memory does it; returns when the port is closed."""
    worker = server.worker()
    server.process.send_signal(signal.SIGSTOP)  # the master must not start another worker
    worker.kill()
    server.process.kill()
    server.process.wait()
    worker.wait(20)


async def say(client: Client, text: str, name: str):  # type: ignore[no-untyped-def]
    return await client.call_tool("text_to_speech", {"text": text, "output_path": name})


def test_one_load_in_all_and_the_same_sound(own_server: LiveServer, folder: Path, mode: str) -> None:
    """Two assistants and a direct caller: one model, and through MCP the very bytes that HTTP gives."""

    async def work() -> None:
        async with (
            connected(folder, mode=mode, KYUTAI_TTS_URL=own_server.url) as (one, _),
            connected(folder, mode=mode, KYUTAI_TTS_URL=own_server.url) as (other, _),
        ):
            async with anyio.create_task_group() as calls:
                for index, client in enumerate((one, other, one, other)):
                    calls.start_soon(say, client, TEXT, f"{index}.wav")
            status = (await one.call_tool("get_gpu_status", {})).structured_content
            assert status is not None
            assert status["backend"] == "service"
            assert status["model_loaded"] is True
            processes = mcp_processes()
            assert len(processes) == 2
            assert not any(holds_a_model(process) for process in processes)

    anyio.run(work)
    whole = own_server.post("/api/tts", {"text": TEXT})
    assert [(folder / f"{index}.wav").read_bytes() == whole for index in range(4)] == [True] * 4
    assert gpu(own_server)["loads"] == 1
    assert holds_a_model(own_server.worker())


def test_release_acts_on_the_service(own_server: LiveServer, folder: Path) -> None:
    own_server.post("/api/gpu/load", {})

    async def work() -> None:
        async with connected(folder, KYUTAI_TTS_URL=own_server.url) as (client, _):
            released = (await client.call_tool("offload_gpu", {})).structured_content
            assert released == {"status": "The model was released.", "released": True, "backend": "service"}

    anyio.run(work)
    assert gpu(own_server)["state"] == "unloaded"


def test_a_cancelled_call_frees_the_services_slot(server: LiveServer, folder: Path, mode: str) -> None:
    async def work() -> None:
        async with connected(folder, mode=mode, KYUTAI_TTS_URL=server.url) as (client, _):
            async with anyio.create_task_group() as calls:
                calls.start_soon(say, client, LONG, "x.wav")
                await anyio.to_thread.run_sync(wait_until, lambda: gpu(server)["slots_used"] == 1)
                calls.cancel_scope.cancel()
            await anyio.to_thread.run_sync(wait_until, lambda: gpu(server)["streams_open"] == 0)

    anyio.run(work)
    assert list(folder.iterdir()) == []


def test_a_service_that_dies_midway(own_server: LiveServer, folder: Path) -> None:
    """An error and no file; the next call is spoken here, for no other process holds a model any more."""

    async def work() -> None:
        async with connected(folder, KYUTAI_TTS_URL=own_server.url) as (client, _):
            async with anyio.create_task_group() as calls:

                async def broken() -> None:
                    result = await say(client, LONG, "x.wav")
                    assert result.is_error
                    assert "stopped in the middle" in result.content[0].text

                calls.start_soon(broken)
                await anyio.to_thread.run_sync(wait_until, lambda: gpu(own_server)["slots_used"] == 1)
                await anyio.to_thread.run_sync(kill, own_server)
            assert list(folder.iterdir()) == []
            result = await say(client, TEXT, "x.wav")
            assert result.structured_content is not None
            assert result.structured_content["backend"] == "this process"

    anyio.run(work)


def test_a_service_that_comes_up_takes_over(tmp_path: Path, folder: Path) -> None:
    port = free_port()

    async def work() -> None:
        async with connected(folder, KYUTAI_TTS_URL=f"http://127.0.0.1:{port}") as (client, _):
            first = (await say(client, TEXT, "1.wav")).structured_content
            assert first is not None
            assert first["backend"] == "this process"
            with live_server(tmp_path, ENGINE="hibari", PORT=str(port)) as server:
                second = (await say(client, TEXT, "2.wav")).structured_content
                assert second is not None
                assert second["backend"] == "service"
                assert gpu(server)["loads"] == 1
            status = (await client.call_tool("get_gpu_status", {})).structured_content
            assert status is not None
            assert status["backend"] == "this process"
            assert status["model_loaded"] is False  # the own copy was let go when the service came

    anyio.run(work)
    assert (folder / "1.wav").read_bytes() == (folder / "2.wav").read_bytes()


def test_a_stuck_service_is_an_error_and_nothing_is_loaded(folder: Path) -> None:
    async def work() -> None:
        with strangers.stuck() as url:
            async with connected(folder, KYUTAI_TTS_URL=url) as (client, _):
                result = await say(client, TEXT, "x.wav")
                assert result.is_error
                assert "does not answer" in result.content[0].text
                assert not any(holds_a_model(process) for process in mcp_processes())

    anyio.run(work)
    assert list(folder.iterdir()) == []


def test_proxy_variables_change_nothing(server: LiveServer, folder: Path) -> None:
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:1")

    async def work() -> None:
        async with connected(folder, KYUTAI_TTS_URL=server.url, **proxies) as (client, _):
            result = (await say(client, TEXT, "x.wav")).structured_content
            assert result is not None
            assert result["backend"] == "service"

    anyio.run(work)


def test_a_service_that_is_stopped_for_a_moment_is_stuck_and_not_gone(own_server: LiveServer) -> None:
    worker = own_server.worker()
    worker.suspend()
    try:
        with pytest.raises(Unavailable, match="does not answer"):
            ServiceClient(own_server.url, answer_s=0.3).present()
    finally:
        worker.resume()
