"""The MCP server: tools and resources put together (build_server)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import METHOD_NOT_FOUND, Resource

from assistant.doors import Doors
from assistant.files import FORMATS, URI, OutputFiles
from assistant.tools import SpeechTools, explained, find_voices, in_thread
from speech import VERSION

_ANNOUNCING = ("initialize", "server/discover")  # the requests that are answered with our capabilities, in both eras

INSTRUCTIONS = (
    "Turns text into speech and saves it as an audio file on this machine. Call text_to_speech and tell the user the "
    "path in its answer; list_voices finds other voices. A long text becomes a job: ask get_speech_job now and then."
)


class SpeechServer(MCPServer):
    """Lists the files that were made, beside what is always there."""

    def __init__(self, files: OutputFiles, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._files = files

    async def list_resources(self) -> list[Resource]:
        made = await in_thread(self._files.listed)
        return [
            *await super().list_resources(),
            *(Resource(uri=f.uri, name=f.name, mime_type=f.media_type, size=f.size_bytes) for f in made),
        ]


async def without_prompts(context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The SDK announces prompts for every server. We have none: they are not announced, nor listed."""
    if context.method.startswith("prompts/"):
        raise MCPError(METHOD_NOT_FOUND, "This server has no prompts.")
    result = await call_next(context)
    if context.method in _ANNOUNCING and isinstance(result, dict):
        result["capabilities"].pop("prompts", None)
    return result


def build_server(doors: Doors, files: OutputFiles, timeout_s: float = 600.0, inline_audio_bytes: int = 0) -> MCPServer:
    """The server, ready to run on any transport. The caller closes the doors."""
    tools = SpeechTools(doors, files, timeout_s, inline_audio_bytes)
    server = SpeechServer(
        files,
        "kyutai-tts",
        title="Kyutai TTS",
        version=VERSION,
        instructions=INSTRUCTIONS,
        tools=tools.tools(),
        log_level="WARNING",
        subscriptions=False,
        middleware=[without_prompts],
    )
    _add_audio(server, files)
    _add_voices(server, doors)
    return server


def _add_audio(server: MCPServer, files: OutputFiles) -> None:
    """A template for each format: a template has one media type."""
    for ending, media_type in FORMATS.items():
        server.resource(
            f"{URI}{{+name}}.{ending}",
            name=f"audio_{ending}",
            title=f"Speech ({ending})",
            description="An audio file in the output folder.",
            mime_type=media_type,
        )(_audio_reader(files, ending))


def _audio_reader(files: OutputFiles, ending: str) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        data = files.read(f"{name}.{ending}")
        if data is None:
            raise ResourceNotFoundError(f"There is no file {name}.{ending} in the output folder.")
        return data

    return read


def _add_voices(server: MCPServer, doors: Doors) -> None:
    @server.resource(
        "kyutai-tts://voices{?query,language}",
        name="voices",
        title="Voices",
        description="All voices that fit, as list_voices describes them.",
        mime_type="application/json",
    )
    async def voices(query: str = "", language: str = "") -> str:
        with explained(ResourceError):
            found = await in_thread(find_voices, doors, query, language)
        return found.model_dump_json()
