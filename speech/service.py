"""SpeechService: the one door. Every endpoint, and the MCP server, asks here. Knows no HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from gpu_manager import GPUManager, InUse, LoadProgress, State
from speech import VERSION as VERSION  # for those who ask here
from speech.admission import Admission
from speech.encoders import ENCODERS
from speech.engines.base import Engine, EngineStatus
from speech.errors import EngineBusy, ErrorCode, InvalidRequest, QueueFull, Unavailable
from speech.fingerprint import fingerprint
from speech.gpus import GPU, list_gpus
from speech.length import Length
from speech.metrics import Figures, Metrics
from speech.progress import Progress
from speech.relay import Share
from speech.request import Piece, SpeechRequest
from speech.script import Script, field_of, script_of, spoken_turns
from speech.selection import EngineChoice, choose_engine, idle_timeout_s
from speech.session import Speech
from speech.settings import Settings
from speech.status import LoadingStatus, ServiceStatus
from speech.text.document import read_turn
from speech.text.lexicon import Folder, entries, merged
from speech.text.manner import Manner
from speech.text.pipe import Reader
from speech.text.remarks import Remarks
from speech.voices.catalogue import Voice, VoiceCatalogue
from speech.voices.names import ALIASES, VoiceNames
from speech.wishes import settle

log = logging.getLogger("kyutai_tts.service")

DEFAULT_STREAMS = 64  # how many speak at once where MAX_SLOTS leaves it to an engine that is not loaded yet
_GB = 1e9


class SpeechService:
    """See the module's docstring. Every method may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        choice: EngineChoice,
        voices: VoiceCatalogue,
        manager: GPUManager[Engine],
        gpus: Callable[[], list[GPU]] = list_gpus,
    ) -> None:
        self.settings, self.choice, self._catalogue, self.manager = settings, choice, voices, manager
        self._gpus = gpus
        self._names = VoiceNames(settings.openai_voices, settings.voices_dir / ALIASES)
        self._share = Share()
        self._lexicons = Folder(settings.lexicon_dir)
        self._admission = Admission(lambda: self.slots, lambda: self.places)
        self.metrics = Metrics(self._figures)
        self._when_draining: dict[object, Callable[[], None]] = {}

    # -- speaking -----------------------------------------------------------------------------------------------

    def open(self, request: SpeechRequest, channel: bool = False, voices: Sequence[str] = ()) -> Speech:
        """Accept speech whose words come later; returns at once. The caller closes it.

        channel: it takes one of moshi-server's channels, of which there are as many as slots.
        voices: ids of others that will speak in it.
        Raises InvalidRequest, VoiceNotFound, Unavailable while draining, QueueFull when too many streams are open.
        """
        spec = self.choice.spec
        voice, settled, ignored = self._settled(request)
        speech = Speech(
            replace(settled, voice=voice.id),
            voice,
            spec,
            self.manager,
            load_timeout_s=self.settings.load_timeout,
            queue_timeout_s=self.settings.queue_timeout,
            prepare=partial(self._prepare, {voice.id, *voices}, request.language),
            ignored=ignored,
            most_s=self.settings.max_audio_s,
            manner=self.manner(request),
            refusal=self._admission.refusal,
            on_close=self._left,
        )
        self._admit(speech, channel)
        return speech

    def speak(self, request: SpeechRequest) -> Speech:
        """Accept the whole text of the request. Raises as `open` does, and InvalidRequest for a text without words."""
        script = self._script(request)
        speech = self.open(replace(request, voice=script.voices[0]), voices=script.voices)
        speech.remarks = script.remarks
        if len(script.passages) > 1:
            speech.say_passages(script.passages, self._share)
        else:
            speech.say(*script.pieces)
            speech.end()
        return speech

    def settled(self, request: SpeechRequest) -> SpeechRequest:
        """The request with its voice and the engine's defaults. Raises InvalidRequest, VoiceNotFound."""
        voice, settled, _ = self._settled(request)
        return replace(settled, voice=voice.id)

    def check(self, request: SpeechRequest) -> str:
        """The media type that the request's speech would have; nothing is admitted. Raises what is wrong with it."""
        self._script(request)
        self._settled(request)
        return ENCODERS[request.format].media_type

    def fingerprint(self, request: SpeechRequest) -> str | None:
        """What the bytes of its speech depend on; None where that is not known now. Raises InvalidRequest,
        VoiceNotFound."""
        settled = self.settled(request)
        voices = [self._speaker(settled, turn.voice or settled.voice).id for turn in spoken_turns(settled)]
        identities = [self._catalogue.identity(voice) for voice in voices]
        if None in identities:
            return None
        known = list(zip(voices, identities, strict=True))
        manners = [self.manner(replace(settled, voice=voice)) for voice in voices]
        return fingerprint(settled, self.choice.spec.name, known, manners)

    def _settled(self, request: SpeechRequest) -> tuple[Voice, SpeechRequest, tuple[str, ...]]:
        voice = self._speaker(request, request.voice)
        self._catalogue.spoken(voice, request.language)
        return voice, *settle(request, self.choice.spec)

    def _script(self, request: SpeechRequest) -> Script:
        self.check_length(request.written, field_of(request))
        script = script_of(request, partial(self._speaker, request), partial(self._reader, request))
        Length(self.settings.max_audio_s, request.speed).add(script.pieces)
        return script

    def _reader(self, request: SpeechRequest, voice: str, told: Remarks) -> Reader:
        return self.manner(replace(request, voice=voice)).reader(told)

    def _prepare(self, voices: Iterable[str], language: str | None) -> None:
        for voice in voices:
            self._catalogue.prepare(voice, language)

    def read(self, request: SpeechRequest, told: Remarks) -> list[Piece]:
        """What is read of its text, with places in it. told: of what is not said. Raises VoiceNotFound."""

        def reader_of(voice: str | None) -> Reader:
            return self._reader(request, self._speaker(request, voice or request.voice).id, told)

        return [piece for turn in spoken_turns(request) for piece in read_turn(turn, reader_of)]

    def voice(self, name: str | None, caller: str = "") -> Voice:
        """The voice of that id, alias or OpenAI name; None: the default. Raises VoiceNotFound."""
        voices = self.voices_of(caller)
        return self._names.voice(name, voices) if name else voices.default

    def voices_of(self, caller: str) -> VoiceCatalogue:
        """The voices that a caller may see and use: with API_KEYS of those made from recordings its own.

        caller: the name of a key; anything else has made none.
        """
        return self._catalogue.of(caller if self.settings.api_keys else "")

    @property
    def voices(self) -> VoiceCatalogue:
        """Those that anyone may see and use."""
        return self._catalogue.of("")

    def _speaker(self, request: SpeechRequest, name: str | None) -> Voice:
        """The voice of that name for this request; None: one that fits its language or text. Raises VoiceNotFound."""
        owner = request.caller if request.owner is None else request.owner
        return self.voice(name, owner) if name else self.voices_of(owner).usual(request.language, request.text)

    def check_length(self, text: str, field: str = "text") -> None:
        """Raises InvalidRequest for a text of more than MAX_TEXT_CHARS. field: what the caller calls it."""
        most = self.settings.max_text_chars
        if len(text) > most:
            raise InvalidRequest(
                f"{field} has {len(text)} characters; at most {most} are allowed.",
                param=field,
                code=ErrorCode.TEXT_TOO_LONG,
            )

    def manner(self, request: SpeechRequest) -> Manner:
        """How the request's text is read: by its own wishes, its voice's language and the operator's lexicon.

        Raises VoiceNotFound.
        """
        voice = self._speaker(request, request.voice)
        language = request.language or voice.language
        return Manner(
            self._catalogue.spoken(voice, request.language),
            request.language,
            request.normalize,
            request.code == "read",
            merged(entries(request.lexicon), self._lexicons.entries(language)),
            self.choice.spec.phonemes,
        )

    # -- the engine ---------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Load now rather than at the first request. Raises what loading raises."""
        if self.draining:
            raise Unavailable("The service is shutting down.", code=ErrorCode.DRAINING, retry_after_s=5)
        self.manager.load(self.settings.load_timeout)

    def warm(self) -> None:
        """Begin to load an engine that holds no GPU, because speech will soon be asked for. Returns at once."""
        spec = self.choice.spec
        released_at_once = idle_timeout_s(self.settings, spec) == 0
        if not (spec.needs_cuda or self.draining or released_at_once or spec.missing(self.settings)):
            self.manager.begin_load()

    def release(self, force: bool = False) -> bool:
        """Give the GPU back; False if nothing was loaded. Raises EngineBusy while speech runs, unless force."""
        try:
            return self.manager.release(force)
        except InUse as error:
            raise EngineBusy(str(error)) from None

    def engine_status(self) -> EngineStatus:
        """Slots and queue as the engine sees them; what is expected of it while it is not loaded."""
        engine = self.manager.peek()
        if engine is None:
            return EngineStatus(self.settings.max_slots, 0, 0)
        return engine.status()

    def status(self) -> ServiceStatus:
        """All that can be asked at any time. Asking neither loads the engine nor keeps it awake."""
        status, engine, gpu = self.manager.status(), self.engine_status(), self._gpu_now()
        return ServiceStatus(
            available=gpu is not None,
            device=self.choice.device,
            device_name=gpu.name if gpu else "CPU",
            engine=self.choice.spec.name,
            engine_reason=self.choice.reason,
            state=status.state,
            model_loaded=status.state is State.READY,
            memory_used_gb=_gb(gpu.memory_used_bytes) if gpu else None,
            memory_total_gb=_gb(gpu.memory_total_bytes) if gpu else None,
            model_memory_gb=None if engine.memory_bytes is None else _gb(engine.memory_bytes),
            slots_total=engine.slots_total,
            slots_used=engine.slots_used,
            queue_depth=engine.queue_depth,
            streams_open=self.streams_open,
            idle_timeout_s=status.idle_timeout_s,
            seconds_until_release=status.seconds_until_release,
            load_seconds=status.load_seconds,
            loading=_loading(status.loading),
            last_error=status.last_error,
            loads=status.loads,
            releases=status.releases,
        )

    # -- life ---------------------------------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        return self._admission.draining

    def drain(self) -> None:
        """Take nothing new; what runs may finish. May be called by a signal handler: it waits for no lock."""
        self._admission.draining = True
        for action in list(self._when_draining.values()):
            action()

    @contextmanager
    def when_draining(self, action: Callable[[], None]) -> Iterator[None]:
        """Have `action` called, perhaps twice, if the drain begins while the block runs, or before.

        It is called wherever `drain` is: it must not block nor take a lock.
        """
        self._when_draining[key := object()] = action
        try:
            if self.draining:
                action()
            yield
        finally:
            del self._when_draining[key]

    def wait_until_silent(self, timeout_s: float) -> bool:
        """Wait until no stream is open; False if some still are after timeout_s."""
        return self._admission.wait_until_empty(timeout_s)

    def close(self) -> None:
        """The process ends: stop what still speaks and release the engine."""
        self.drain()
        self.manager.close()

    @property
    def max_streams(self) -> int:
        """How many streams may be open at once, speaking or waiting. The server has a thread for each."""
        return (self.settings.max_slots or DEFAULT_STREAMS) + self.settings.max_queue

    @property
    def places(self) -> int:
        """How many may speak or wait now: an engine may have fewer slots than there are threads."""
        return min(self.max_streams, self.slots + self.settings.max_queue - self._share.extra)

    @property
    def slots(self) -> int:
        """How many speak at once; a guess before the engine is loaded, if it chooses itself."""
        return self.engine_status().slots_total or DEFAULT_STREAMS

    @property
    def streams_open(self) -> int:
        """Speaking, waiting, or connected and still silent."""
        return self._admission.open

    # -- inside -------------------------------------------------------------------------------------------------

    def _admit(self, speech: Speech, channel: bool) -> None:
        try:
            self._admission.admit(speech, channel)
        except QueueFull:
            self.metrics.refused()
            raise
        self.metrics.opened()

    def _left(self, speech: Speech) -> None:
        self._admission.leave(speech)
        self.metrics.spoken(speech)

    def _figures(self) -> Figures:
        manager, loaded = self.manager.status(), self.manager.peek() is not None
        return Figures(self.engine_status(), self.streams_open, loaded, manager.loads, manager.releases)

    def _gpu_now(self) -> GPU | None:
        """Fresh figures of our GPU; None on the CPU."""
        ours = self.choice.gpu
        return next((gpu for gpu in self._gpus() if gpu.uuid == ours.uuid), None) if ours else None


def build_engine(choice: EngineChoice, settings: Settings, progress: Progress) -> Engine:
    """Import and make the engine that was chosen. Slow: seconds to minutes. Raises SpeechError."""
    return choice.spec.build(settings, progress)


def choose(settings: Settings, visible_gpus: str | None = None) -> tuple[EngineChoice, VoiceCatalogue]:
    """What will speak, and its voices; loads nothing. visible_gpus: CUDA_VISIBLE_DEVICES.

    Raises SpeechError if the settings ask for what cannot be had: an engine, or a DEFAULT_VOICE.
    """
    choice = choose_engine(settings, list_gpus(visible_gpus))
    return choice, choice.spec.catalogue(settings)


def build_service(
    settings: Settings,
    manager: GPUManager[Engine],
    *,
    visible_gpus: str | None = None,
    build: Callable[[EngineChoice, Settings, Progress], Engine] = build_engine,
    on_release: Callable[[], None] = lambda: None,
    on_broken: Callable[[], None] = lambda: None,
) -> SpeechService:
    """Join the parts: choose the engine, list its voices, tell the manager what to load.

    visible_gpus: CUDA_VISIBLE_DEVICES. build: makes the engine when it is needed. The hooks are gpu_manager's.
    Raises SpeechError if the settings ask for what cannot be had.
    """
    choice, voices = choose(settings, visible_gpus)
    log.info("engine: %s on %s (%s)", choice.spec.name, choice.device, choice.reason)
    settled = settings.model_copy(update={"device": choice.device})
    manager.configure(
        lambda progress: build(choice, settled, progress),
        idle_timeout_s(settings, choice.spec),
        on_release=on_release,
        on_broken=on_broken,
    )
    return SpeechService(settled, choice, voices, manager, lambda: list_gpus(visible_gpus))


def _loading(progress: LoadProgress | None) -> LoadingStatus | None:
    if progress is None:
        return None
    return LoadingStatus(progress.doing, progress.done, progress.total, progress.seconds, progress.seconds_left)


def _gb(size_bytes: int) -> float:
    return round(size_bytes / _GB, 3)
