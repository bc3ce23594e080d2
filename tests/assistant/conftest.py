"""A service over the stage engine, in this process and over HTTP, and the MCP server in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mcp.server import MCPServer

from assistant.doors import Doors
from assistant.files import OutputFiles
from assistant.server import build_server
from speech.remote.client import ServiceClient
from speech.service import SpeechService
from tests.live_server import free_port
from tests.stage import StageEngine
from tests.staged import serving, staged_service


@pytest.fixture
def stage() -> StageEngine:
    return StageEngine()


@pytest.fixture
def staged(stage: StageEngine) -> Iterator[SpeechService]:
    service = staged_service(stage)
    yield service
    service.close()


@pytest.fixture
def staged_url(staged: SpeechService) -> Iterator[str]:
    """The staged service over HTTP."""
    with serving(staged) as url:
        yield url


@pytest.fixture
def no_server() -> str:
    """An address without a server."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def own_doors(staged: SpeechService, no_server: str) -> Doors:
    """No service runs; the own copy is the staged one."""
    return Doors(lambda: ServiceClient(no_server), lambda: staged)


@pytest.fixture
def remote_doors(staged_url: str) -> Doors:
    """The staged service runs; an own copy must not be made."""
    return Doors(lambda: ServiceClient(staged_url), never)


def never() -> SpeechService:
    raise AssertionError("a second copy was made")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The output folder; not there yet."""
    return tmp_path / "speech"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is allowed beside it."""
    path = tmp_path / "elsewhere"
    path.mkdir()
    return path


@pytest.fixture
def files(folder: Path, elsewhere: Path) -> OutputFiles:
    return OutputFiles(folder, [elsewhere])


@pytest.fixture
def serve(files: OutputFiles) -> Callable[..., MCPServer]:
    """Make a server over some doors."""

    def make(doors: Doors, **options: object) -> MCPServer:
        return build_server(doors, files, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """Both eras of the protocol."""
    return str(request.param)
