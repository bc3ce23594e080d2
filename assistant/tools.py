"""The tools. Each is one sentence in the client's list, a closed schema, and a method here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import anyio.to_thread
from mcp.server.mcpserver import Audio, Context
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import Annotations, CallToolResult, ContentBlock, ResourceLink, TextContent, ToolAnnotations
from pydantic import Field

from assistant.arguments import closed
from assistant.doors import Doors
from assistant.files import BadPath, OutputFiles, format_of, media_type
from assistant.job import Job, Order, Spoken, run_job
from assistant.long import LongSpeech
from assistant.results import GpuStatus, Released, SpeechJob, SpokenFile, VoiceInfo, VoiceList
from speech.language import Language, language_code

if TYPE_CHECKING:
    from speech.errors import ErrorCode
    from speech.status import ServiceStatus
    from speech.voices.catalogue import Voice

Result = TypeVar("Result")

SPEEDS = (0.25, 4.0)  # as speech.request has them; that imports numpy, for which the list of tools must not wait

FOR_USER = Annotations(audience=["user"])
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_RELEASES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_REPLACES_FILES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)


class SpeechTools:
    def __init__(self, doors: Doors, files: OutputFiles, timeout_s: float = 600.0, inline_audio_bytes: int = 0) -> None:
        """inline_audio_bytes: files up to this size also go into the answer itself."""
        self._doors, self._files = doors, files
        self._long = LongSpeech(doors, files)
        self._timeout_s, self._inline_audio_bytes = timeout_s, inline_audio_bytes

    def tools(self) -> list[Tool]:
        """In the order in which clients list them."""
        return [
            closed(
                self.text_to_speech,
                title="Text to speech",
                description="Say a text and save it as an audio file. Returns the file's absolute path and the length "
                "of the speech in seconds. The first call may take longer: it loads the model. A long text becomes a "
                "job: the answer has its job_id for get_speech_job.",
                annotations=_REPLACES_FILES,
            ),
            closed(
                self.get_speech_job,
                title="Speech job",
                description="How far a long text is that text_to_speech started. When it is done, the audio file is "
                "written and its path is in the answer.",
                annotations=_REPLACES_FILES,
            ),
            closed(
                self.get_gpu_status,
                title="GPU status",
                description="Whether a GPU is used, whether the speech model is loaded, and how much GPU memory is in "
                "use. Loads nothing.",
                annotations=_READS,
            ),
            closed(
                self.offload_gpu,
                title="Release GPU memory",
                description="Release the speech model and the GPU memory it uses. The next text_to_speech loads it "
                "again. Refused while speech is being made.",
                annotations=_RELEASES,
            ),
            closed(
                self.list_voices,
                title="Voices",
                description="Find voices for text_to_speech by words of their id, name or style, and by language.",
                annotations=_READS,
            ),
        ]

    async def text_to_speech(
        self,
        text: Annotated[
            str,
            Field(description='What to say. <break time="0.5s"/> is a pause.', min_length=1, max_length=1_000_000),
        ],
        output_path: Annotated[
            str | None,
            Field(
                description="Where to save the file. Its ending chooses the format: .wav, .mp3, .flac, .opus or "
                ".aac. A plain name goes into the server's output folder. Left out: a new .wav file there.",
                max_length=4096,
            ),
        ] = None,
        voice: Annotated[
            str | None, Field(description="Id of a voice, as list_voices gives it. Left out: the default voice.")
        ] = None,
        cfg_coef: Annotated[
            float | None,
            Field(description="How closely the voice is followed. Left out: the engine's default.", ge=1.0, le=4.0),
        ] = None,
        overwrite: Annotated[bool, Field(description="Replace the file if it exists.")] = True,
        speed: Annotated[
            float, Field(description="Of the pace; the pitch stays as it is.", ge=SPEEDS[0], le=SPEEDS[1])
        ] = 1.0,
        temperature: Annotated[
            float | None,
            Field(description="Liveliness of the reading. 0: always the same. Left out: the default.", ge=0, le=2),
        ] = None,
        seed: Annotated[
            int | None, Field(description="The same seed gives the same reading.", ge=0, le=2**32 - 1)
        ] = None,
        language: Annotated[
            Language | None, Field(description="Of the text, such as en or fr. Left out: the voice's.")
        ] = None,
        *,
        ctx: Context[Any, Any],
    ) -> Annotated[CallToolResult, SpokenFile]:
        with explained():
            target = await in_thread(self._files.target, output_path, overwrite)
            order = Order(text, format_of(target), voice or None, cfg_coef, speed, temperature, seed, language)
            if job_id := await in_thread(self._long.start, order, target, overwrite):
                return self._started(target, order, job_id)
            spoken = await self._speak(order, ctx)
            await in_thread(self._files.write, target, [spoken.data], overwrite)
        return self._answer(target, order, spoken)

    async def get_speech_job(
        self,
        job_id: Annotated[str, Field(description="As text_to_speech gave it.", min_length=1, max_length=100)],
        output_path: Annotated[
            str | None,
            Field(description="Where to save the file. Left out: as text_to_speech was told.", max_length=4096),
        ] = None,
        overwrite: Annotated[
            bool | None, Field(description="Replace the file if it exists. Left out: as text_to_speech was told.")
        ] = None,
    ) -> SpeechJob:
        with explained():
            return await in_thread(self._long.look, job_id, output_path, overwrite)

    async def get_gpu_status(self) -> GpuStatus:
        with explained():
            backend, status = await in_thread(self._gpu_status)
        return GpuStatus.model_validate({**asdict(status), "backend": backend}, extra="ignore")

    async def offload_gpu(self) -> Released:
        with explained():
            return await in_thread(self._release)

    async def list_voices(
        self,
        query: Annotated[
            str, Field(description="Words of the id, name, set, style or gender, or how they begin; all must fit.")
        ] = "",
        language: Annotated[Language | None, Field(description="Such as en or fr.")] = None,
        limit: Annotated[int, Field(description="At most so many.", ge=1, le=100)] = 20,
    ) -> VoiceList:
        with explained():
            return await in_thread(find_voices, self._doors, query, language, limit)

    # -- inside -------------------------------------------------------------------------------------------------

    async def _speak(self, order: Order, ctx: Context[Any, Any]) -> Spoken:
        try:
            return await run_job(Job(self._doors, order), ctx.report_progress, self._timeout_s)
        except TimeoutError:
            raise ToolError(
                f"Given up after {self._timeout_s:g} s; nothing was written. Say less at once, or raise "
                "KYUTAI_TTS_TIMEOUT."
            ) from None

    def _started(self, target: Path, order: Order, job_id: str) -> CallToolResult:
        result = SpokenFile(
            status="started",
            output_path=str(target),
            duration_seconds=0.0,
            job_id=job_id,
            voice=order.voice,
            backend="service",
            ignored=[],
        )
        content: list[ContentBlock] = [TextContent(type="text", text=result.model_dump_json())]
        return CallToolResult(content=content, structured_content=result.model_dump())

    def _answer(self, target: Path, order: Order, spoken: Spoken) -> CallToolResult:
        """Text with everything in it first: some clients show nothing else."""
        result = SpokenFile(
            status="success",
            job_id=None,
            output_path=str(target),
            duration_seconds=round(spoken.seconds, 3),
            voice=order.voice,
            backend=spoken.backend,
            ignored=list(spoken.ignored),
        )
        content: list[ContentBlock] = [TextContent(type="text", text=result.model_dump_json())]
        if uri := self._files.uri(target):
            content.append(_link(uri, target, len(spoken.data)))
        if len(spoken.data) <= self._inline_audio_bytes:
            audio = Audio(data=spoken.data, format=format_of(target)).to_audio_content()
            content.append(audio.model_copy(update={"mime_type": media_type(target), "annotations": FOR_USER}))
        return CallToolResult(content=content, structured_content=result.model_dump())

    def _gpu_status(self) -> tuple[str, ServiceStatus]:
        backend, door = self._doors.choose()
        return backend, door.status()

    def _release(self) -> Released:
        backend, door = self._doors.choose()
        released = door.release()
        status = "The model was released." if released else "Nothing was loaded; there was nothing to release."
        return Released(status=status, released=released, backend=backend)


def find_voices(doors: Doors, query: str = "", language: str | None = None, limit: int | None = None) -> VoiceList:
    """The voices of which every word of the query begins a word. Raises SpeechError."""
    catalogue = doors.choose().door.voices
    words, code = _words(query), _code(language)
    found = [voice for voice in catalogue.voices() if _fits(voice, words, code)]
    infos = [VoiceInfo.model_validate(voice, from_attributes=True) for voice in found[:limit]]
    return VoiceList(voices=infos, total=len(found), default=catalogue.default.id)


def _fits(voice: Voice, words: list[str], language: str | None) -> bool:
    told = _words(" ".join(filter(None, (voice.id, voice.name, voice.set, voice.style, voice.gender))))
    if language and voice.language != language:
        return False
    return all(any(has.startswith(word) for has in told) for word in words)  # male is not female


def _code(language: str | None) -> str | None:
    """Raises InvalidRequest."""
    from speech.errors import InvalidRequest

    try:
        return language_code(language) if language else None
    except ValueError as error:
        raise InvalidRequest(f"language {error}.", param="language") from None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


@contextmanager
def explained(kind: type[ToolError | ResourceError] = ToolError) -> Iterator[None]:
    """What we expect to go wrong becomes a sentence for the caller; anything else is logged and stays here."""
    from speech.errors import SpeechError

    try:
        yield
    except BadPath as error:
        raise kind(str(error)) from None
    except SpeechError as error:
        raise kind(error.message + _advice(error.code)) from None


def _advice(code: ErrorCode) -> str:
    """What to do next, where the message does not say so itself."""
    from speech.errors import ErrorCode

    return {
        ErrorCode.VOICE_NOT_FOUND: " Call list_voices.",
        ErrorCode.QUEUE_FULL: " Try again in a moment.",
        ErrorCode.ENGINE_BUSY: " Try again when they have ended.",
        ErrorCode.NO_ANSWER: (
            " It may be busy or stuck; try again, or restart it. No second copy of the model is loaded."
        ),
        ErrorCode.MISSING_API_KEY: " Set KYUTAI_TTS_API_KEY in the env block of the MCP configuration.",
        ErrorCode.INVALID_API_KEY: " Set KYUTAI_TTS_API_KEY in the env block of the MCP configuration.",
    }.get(code, "")


async def in_thread(work: Callable[..., Result], *args: Any) -> Result:
    """For what may wait for a disk or the network: the loop must go on answering others."""
    return await anyio.to_thread.run_sync(partial(work, *args), abandon_on_cancel=False)


def _link(uri: str, target: Path, size_bytes: int) -> ResourceLink:
    return ResourceLink(
        type="resource_link",
        uri=uri,
        name=target.name,
        mime_type=media_type(target),
        size=size_bytes,
        annotations=FOR_USER,
    )
