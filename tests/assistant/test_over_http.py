"""The same tools over streamable HTTP: with the token, and only with it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import anyio
import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer

from assistant.doors import Doors
from assistant.over_http import PATH, http_app
from tests.stage import StageEngine
from tests.waiting import wait_until

TOKEN = "a secret for this test"


@pytest.fixture
def port(serve: Callable[..., MCPServer], own_doors: Doors) -> Iterator[int]:
    config = uvicorn.Config(http_app(serve(own_doors), "127.0.0.1", TOKEN), host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def post(port: int, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", PATH, json.dumps(body), {**kinds, **headers})
    with closing(connection), connection.getresponse() as response:
        return response.status


@pytest.mark.parametrize(
    "sent",
    [None, "", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"],
)
def test_without_the_token_nothing_is_answered(port: int, sent: str | None) -> None:
    headers = {} if sent is None else {"Authorization": sent}
    assert post(port, **headers) == 401


def test_foreign_names_and_pages_are_refused(port: int) -> None:
    key = f"Bearer {TOKEN}"
    assert post(port, Authorization=key, Host="evil.example") == 421
    assert post(port, Authorization=key, Origin="https://evil.example") == 403


def test_speech_over_http(port: int, stage: StageEngine, folder: Path, mode: str) -> None:
    async def work() -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http_client,
            Client(
                streamable_http_client(f"http://127.0.0.1:{port}{PATH}", http_client=http_client), mode=mode
            ) as client,
            anyio.create_task_group() as tasks,
        ):

            async def call() -> None:
                result = await client.call_tool("text_to_speech", {"text": "Hello", "output_path": "x.wav"})
                assert not result.is_error
                link = result.content[1]
                (blob,) = (await client.read_resource(link.uri)).contents  # type: ignore[union-attr]
                assert len(blob.blob) > (folder / "x.wav").stat().st_size  # type: ignore[union-attr]

            tasks.start_soon(call)
            stage.play(await anyio.to_thread.run_sync(stage.next), frames=2)

    anyio.run(work)
