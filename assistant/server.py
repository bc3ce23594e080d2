"""The MCP server: tools and resources put together (build_server)."""

from __future__ import annotations

from collections.abc import Callable

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from assistant.doors import Doors
from assistant.files import FORMATS, URI, OutputFiles
from assistant.tools import SpeechTools, explained, find_voices, in_thread
from speech import VERSION

INSTRUCTIONS = (
    "Turns text into speech and saves it as an audio file on this machine. Call text_to_speech and tell the user the "
    "path in its answer; list_voices finds other voices."
)


def build_server(doors: Doors, files: OutputFiles, timeout_s: float = 600.0, inline_audio_bytes: int = 0) -> MCPServer:
    """The server, ready to run on any transport. The caller closes the doors."""
    tools = SpeechTools(doors, files, timeout_s, inline_audio_bytes)
    server = MCPServer(
        "kyutai-tts",
        title="Kyutai TTS",
        version=VERSION,
        instructions=INSTRUCTIONS,
        tools=tools.tools(),
        log_level="WARNING",
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
