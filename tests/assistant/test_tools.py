"""The tools as a client in memory sees them, in both eras of the protocol."""

from __future__ import annotations

import json
import wave
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import anyio
import av
import jsonschema
import pytest
from mcp import Client, MCPError
from mcp.server import MCPServer
from mcp.types import (
    BlobResourceContents,
    CallToolResult,
    Resource,
    ResourceLink,
    ServerCapabilities,
    TextContent,
    TextResourceContents,
    Tool,
)

from assistant.doors import Doors
from speech.engines.base import Utterance
from speech.remote.client import ServiceClient
from speech.request import SPEEDS, SpeechRequest
from speech.service import SpeechService
from tests.stage import StageEngine
from tests.whole import whole_file

Serve = Callable[..., MCPServer]

FRAME_S = 0.08
NOT_FOUND = -32602
NO_SUCH_METHOD = -32601


class Session:
    """A client, called from plain test functions."""

    def __init__(self, server: MCPServer, mode: str) -> None:
        self._server, self._mode = server, mode

    def tools(self) -> list[Tool]:
        async def work() -> list[Tool]:
            async with Client(self._server, mode=self._mode) as client:
                return (await client.list_tools()).tools

        return anyio.run(work)

    def resources(self) -> list[Resource]:
        async def work() -> list[Resource]:
            async with Client(self._server, mode=self._mode) as client:
                return (await client.list_resources()).resources

        return anyio.run(work)

    def capabilities(self) -> ServerCapabilities:
        async def work() -> ServerCapabilities:
            async with Client(self._server, mode=self._mode) as client:
                return client.server_capabilities

        return anyio.run(work)

    def prompts(self) -> None:
        """Ask for the list. Raises MCPError."""

        async def work() -> MCPError | None:
            async with Client(self._server, mode=self._mode) as client:
                try:
                    await client.list_prompts()
                except MCPError as error:
                    return error
                return None

        if refusal := anyio.run(work):
            raise refusal

    def call(self, name: str, **arguments: object) -> CallToolResult:
        async def work() -> CallToolResult:
            async with Client(self._server, mode=self._mode) as client:
                return await client.call_tool(name, arguments)

        return anyio.run(work)

    def read(self, uri: str) -> list[TextResourceContents | BlobResourceContents]:
        """Raises MCPError."""

        async def work() -> list[TextResourceContents | BlobResourceContents] | MCPError:
            async with Client(self._server, mode=self._mode) as client:
                try:
                    return (await client.read_resource(uri)).contents
                except MCPError as error:
                    return error

        answer = anyio.run(work)
        if isinstance(answer, MCPError):
            raise answer
        return answer

    def refused(self, name: str, **arguments: object) -> str:
        """The text of the error that the call must end with."""
        result = self.call(name, **arguments)
        assert result.is_error
        assert result.structured_content is None
        (block,) = result.content
        assert isinstance(block, TextContent)
        return block.text.removeprefix(f"Error executing tool {name}: ")


@pytest.fixture
def session(serve: Serve, doors: Doors, mode: str) -> Session:
    return Session(serve(doors), mode)


@pytest.fixture
def doors(request: pytest.FixtureRequest, backend: str) -> Doors:
    name = "own_doors" if backend == "this process" else "remote_doors"
    found: Doors = request.getfixturevalue(name)
    return found


@pytest.fixture(params=["this process", "service"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class AtOnce(StageEngine):
    """Says every utterance at once, three frames long."""

    asked: SpeechRequest | None = None  # what the last utterance was to be

    def start(self, utterance: Utterance) -> None:
        self.asked = utterance.request
        super().start(utterance)
        self.play(self.next(), "Hello", frames=3)


@pytest.fixture
def stage() -> AtOnce:
    return AtOnce(slots=4)


def test_the_list_of_tools(session: Session) -> None:
    tools = {tool.name: tool for tool in session.tools()}
    assert list(tools) == ["text_to_speech", "get_speech_job", "get_gpu_status", "offload_gpu", "list_voices"]
    for tool in tools.values():
        assert tool.title
        assert tool.description
        assert "\n" not in tool.description
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        assert all("description" in field for field in tool.input_schema.get("properties", {}).values()), tool.name
    speak = tools["text_to_speech"].input_schema
    assert list(speak["properties"]) == [
        *("text", "output_path", "voice", "cfg_coef", "overwrite"),
        *("speed", "temperature", "seed", "language"),
    ]
    assert (speak["properties"]["speed"]["minimum"], speak["properties"]["speed"]["maximum"]) == SPEEDS
    assert speak["required"] == ["text"]
    assert speak["properties"]["overwrite"]["default"] is True
    assert speak["properties"]["text"]["maxLength"] == 1_000_000


def test_honest_annotations(session: Session) -> None:
    hints = {
        tool.name: (a.read_only_hint, a.destructive_hint, a.idempotent_hint, a.open_world_hint)
        for tool in session.tools()
        if (a := tool.annotations)
    }
    assert hints == {
        "text_to_speech": (False, True, False, False),
        "get_speech_job": (False, True, False, False),
        "get_gpu_status": (True, False, True, False),
        "offload_gpu": (False, False, True, False),
        "list_voices": (True, False, True, False),
    }


def test_speech_is_written_and_told(session: Session, folder: Path, backend: str) -> None:
    result = session.call("text_to_speech", text="Hello", output_path="hello.wav", cfg_coef=2.0)
    assert not result.is_error
    told = result.structured_content
    assert told == {
        "status": "success",
        "output_path": str(folder / "hello.wav"),
        "duration_seconds": pytest.approx(3 * FRAME_S),
        "job_id": None,
        "voice": None,
        "backend": backend,
        "ignored": ["cfg_coef"],
    }
    text, link = result.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == told
    assert isinstance(link, ResourceLink)
    assert link.mime_type == "audio/wav"
    assert link.size == (folder / "hello.wav").stat().st_size
    with wave.open(str(folder / "hello.wav")) as sound:
        assert sound.getnframes() == 3 * 1920
        assert sound.getframerate() == 24_000


def test_every_answer_matches_its_schema(session: Session) -> None:
    schemas = {tool.name: tool.output_schema for tool in session.tools()}
    calls = {"text_to_speech": {"text": "Hello"}, "get_gpu_status": {}, "list_voices": {}, "offload_gpu": {}}
    for name, arguments in calls.items():
        result = session.call(name, **arguments)
        schema = schemas[name]
        assert schema is not None
        jsonschema.validate(result.structured_content, schema)
        assert isinstance(result.content[0], TextContent)
        assert json.loads(result.content[0].text) == result.structured_content


@pytest.mark.parametrize(
    ("ending", "codec"), [("mp3", "mp3"), ("flac", "flac"), ("opus", "opus"), ("aac", "aac"), ("wav", "pcm_s16le")]
)
def test_the_ending_chooses_the_format(session: Session, folder: Path, ending: str, codec: str) -> None:
    session.call("text_to_speech", text="Hello", output_path=f"hello.{ending}")
    with av.open(str(folder / f"hello.{ending}")) as sound:
        stream = sound.streams.audio[0]
        assert stream.codec_context.name.startswith(codec)
        decoded = sum(frame.samples for frame in sound.decode(stream)) / stream.rate
    assert decoded == pytest.approx(3 * FRAME_S, abs=0.1)  # mp3 and opus pad


def test_links_can_be_read(session: Session, folder: Path) -> None:
    for name in ("a b/hello.wav", "hello.mp3"):
        result = session.call("text_to_speech", text="Hello", output_path=name)
        link = result.content[1]
        assert isinstance(link, ResourceLink)
        (blob,) = session.read(link.uri)
        assert isinstance(blob, BlobResourceContents)
        assert blob.mime_type == link.mime_type
        assert b64decode(blob.blob) == (folder / name).read_bytes()


def test_a_file_elsewhere_has_no_link(session: Session, elsewhere: Path) -> None:
    result = session.call("text_to_speech", text="Hello", output_path=str(elsewhere / "x.wav"))
    assert [block.type for block in result.content] == ["text"]
    assert (elsewhere / "x.wav").is_file()


@pytest.mark.parametrize("name", ["../elsewhere/x.wav", "no.wav", "/etc/passwd.wav", "%2e%2e/elsewhere/x.wav", "x.txt"])
def test_nothing_else_can_be_read(session: Session, elsewhere: Path, name: str) -> None:
    (elsewhere / "x.wav").write_bytes(b"secret")
    with pytest.raises(MCPError) as caught:
        session.read(f"kyutai-tts://audio/{name}")
    assert caught.value.code == NOT_FOUND


def test_audio_goes_into_the_answer_only_when_asked_for_and_small(serve: Serve, own_doors: Doors, folder: Path) -> None:
    for limit, kinds in ((0, ["text", "resource_link"]), (20_000, ["text", "resource_link", "audio"])):
        session = Session(serve(own_doors, inline_audio_bytes=limit), "auto")
        result = session.call("text_to_speech", text="Hello", output_path="x.wav")
        assert [block.type for block in result.content] == kinds
    assert b64decode(result.content[2].data) == (folder / "x.wav").read_bytes()  # type: ignore[union-attr]
    result = session.call("text_to_speech", text="Hello", output_path=None)
    assert len(result.content) == 3
    session = Session(serve(own_doors, inline_audio_bytes=100), "auto")
    assert len(session.call("text_to_speech", text="Hello").content) == 2


def test_overwriting(session: Session, folder: Path) -> None:
    folder.mkdir()
    (folder / "x.wav").write_bytes(b"old")
    told = session.refused("text_to_speech", text="Hello", output_path="x.wav", overwrite=False)
    assert "overwrite=true" in told
    assert (folder / "x.wav").read_bytes() == b"old"
    assert not session.call("text_to_speech", text="Hello", output_path="x.wav").is_error
    assert (folder / "x.wav").read_bytes().startswith(b"RIFF")


def test_a_bad_path_costs_no_speech(session: Session, stage: StageEngine, staged: SpeechService) -> None:
    assert "outside the folders" in session.refused("text_to_speech", text="Hello", output_path="/etc/x.wav")
    assert staged.manager.status().loads == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"text": "x", "voice": "hart"}, "There is no voice 'hart'. Nearest: heart. Call list_voices."),
        (
            {"text": "x", "voice": "zzzzzz"},
            "There is no voice 'zzzzzz'. There are 5, such as heart, emma, fenrir. Call list_voices.",
        ),
        ({"text": " \n "}, "no words"),
        ({"text": "x", "output_path": "x.ogg"}, ".opus"),
    ],
)
def test_errors_say_what_to_do(session: Session, arguments: dict[str, object], told: str) -> None:
    assert told in session.refused("text_to_speech", **arguments)


TAKES = "text, output_path, voice, cfg_coef, overwrite, speed, temperature, seed, language"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"text": ""}, "text must be text of 1 to 1000000 characters."),
        ({"text": "x" * 1_000_001}, "text must be text of 1 to 1000000 characters."),
        ({"text": None}, "text must be text of 1 to 1000000 characters."),
        ({}, "text is required: text of 1 to 1000000 characters."),
        ({"text": "x", "cfg_coef": 4.5}, "cfg_coef must be a number from 1 to 4, or left out."),
        ({"text": "x", "cfg_coef": 0.5}, "cfg_coef must be a number from 1 to 4, or left out."),
        ({"text": "x", "speed": 9}, "speed must be a number from 0.25 to 4, or left out."),
        ({"text": "x", "speed": "fast"}, "speed must be a number from 0.25 to 4, or left out."),
        ({"text": "x", "temperature": -1}, "temperature must be a number from 0 to 2, or left out."),
        ({"text": "x", "seed": 1.5}, "seed must be a whole number from 0 to 4294967295, or left out."),
        (
            {"text": "x", "language": "english"},
            "language must be a language of two letters, such as en or fr, or left out.",
        ),
        ({"text": "x", "overwrite": "maybe"}, "overwrite must be true or false, or left out."),
        ({"text": "x", "voice": ["heart"]}, "voice must be text, or left out."),
        (
            {"text": "x", "output_file": "x.wav"},
            f"text_to_speech has no argument output_file; it takes {TAKES}. Did you mean output_path?",
        ),
        (
            {"text": "", "speed": 0},
            "text must be text of 1 to 1000000 characters. speed must be a number from 0.25 to 4, or left out.",
        ),
    ],
)
def test_a_wrong_argument_is_told_with_what_is_allowed(
    session: Session, arguments: dict[str, object], told: str
) -> None:
    assert session.refused("text_to_speech", **arguments) == told


def test_a_tool_without_arguments_says_so(session: Session) -> None:
    told = session.refused("offload_gpu", force=True)
    assert told == "offload_gpu has no argument force; it takes none."


def test_how_it_is_said_reaches_the_engine(session: Session, stage: AtOnce) -> None:
    how = {"speed": 2.0, "seed": 7, "temperature": 0.0, "language": "FR"}
    told = session.call("text_to_speech", text="Hello", output_path="hello.wav", **how).structured_content
    assert told is not None
    assert told["duration_seconds"] == pytest.approx(3 * FRAME_S / 2, abs=0.05)
    assert stage.asked is not None
    assert (stage.asked.seed, stage.asked.language) == (7, "fr")
    assert told["ignored"] == ["temperature"]  # it reached the engine's row, which knows none


def test_the_files_that_were_made_are_among_the_resources(session: Session, folder: Path, elsewhere: Path) -> None:
    assert [str(resource.uri) for resource in session.resources()] == []
    for name in ("a.wav", "b c.mp3", str(elsewhere / "x.wav")):
        session.call("text_to_speech", text="Hello", output_path=name)
    made = session.resources()
    assert [(str(r.uri), r.name, r.mime_type) for r in made] == [
        ("kyutai-tts://audio/b%20c.mp3", "b c.mp3", "audio/mpeg"),
        ("kyutai-tts://audio/a.wav", "a.wav", "audio/wav"),
    ]
    assert [r.size for r in made] == [(folder / r.name).stat().st_size for r in made]
    (blob,) = session.read(made[0].uri)
    assert isinstance(blob, BlobResourceContents)
    assert b64decode(blob.blob) == (folder / "b c.mp3").read_bytes()


def test_only_what_there_is_is_announced(session: Session) -> None:
    announced = session.capabilities().model_dump(exclude_none=True)
    assert announced == {"tools": {"list_changed": False}, "resources": {"subscribe": False, "list_changed": False}}
    with pytest.raises(MCPError) as caught:
        session.prompts()
    assert caught.value.code == NO_SUCH_METHOD


def test_voices_are_found_by_words_and_language(session: Session) -> None:
    heart = {
        "id": "heart",
        "name": "Heart",
        "language": "en",
        "gender": "female",
        "style": "neutral",
        "licence": "Apache-2.0",
    }
    assert session.call("list_voices").structured_content["total"] == 5
    everything = session.call("list_voices", query="heart").structured_content
    assert everything == {"voices": [heart], "total": 1, "default": "heart"}
    assert session.call("list_voices", query="FEMALE hea", language="EN").structured_content == everything
    assert session.call("list_voices", query="heart male-voice").structured_content == {
        **everything,
        "voices": [],
        "total": 0,
    }
    assert session.call("list_voices", language="fr").structured_content == {**everything, "voices": [], "total": 0}
    assert "language must be a language of two letters" in session.refused("list_voices", language="english")
    for uri in ("kyutai-tts://voices?query=heart", "kyutai-tts://voices?query=heart&language=en-US"):
        (text,) = session.read(uri)
        assert isinstance(text, TextResourceContents)
        assert json.loads(text.text) == everything


def test_the_status_is_the_owners(session: Session, staged: SpeechService, backend: str) -> None:
    before = session.call("get_gpu_status").structured_content
    assert before is not None
    assert (
        before.items() >= {"model_loaded": False, "available": False, "backend": backend, "state": "unloaded"}.items()
    )
    staged.load()
    after = session.call("get_gpu_status").structured_content
    assert after is not None
    assert after["model_loaded"] is True


def test_offload_releases_the_owners_model(session: Session, staged: SpeechService, backend: str) -> None:
    nothing = session.call("offload_gpu").structured_content
    assert nothing is not None
    assert nothing["released"] is False
    staged.load()
    done = session.call("offload_gpu").structured_content
    assert done == {"status": "The model was released.", "released": True, "backend": backend}
    assert staged.manager.status().releases == 1


def test_offload_is_refused_while_somebody_speaks(session: Session, staged: SpeechService) -> None:
    with staged.manager.use():
        assert "Try again when they have ended" in session.refused("offload_gpu")


def test_a_crash_of_ours_is_told_to_nobody_but_the_log(
    serve: Serve, no_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> SpeechService:
        raise RuntimeError("secret internals")

    session = Session(serve(Doors(lambda: ServiceClient(no_server), broken)), "auto")
    for name, arguments in (("get_gpu_status", {}), ("text_to_speech", {"text": "Hello"})):
        assert session.refused(name, **arguments) == f"Error executing tool {name}"
    assert "secret internals" in caplog.text


def test_a_wav_is_the_same_file_as_the_services(session: Session, staged: SpeechService, folder: Path) -> None:
    from speech.request import SpeechRequest

    session.call("text_to_speech", text="Hello", output_path="x.wav")
    with staged.speak(SpeechRequest("Hello", format="wav")) as speech:
        assert (folder / "x.wav").read_bytes() == whole_file(speech)
