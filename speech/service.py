"""SpeechService: the one door. Every endpoint, and the MCP server, asks here. Knows no HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from gpu_manager import GPUManager, InUse
from speech import VERSION as VERSION  # for those who ask here
from speech.admission import Admission
from speech.engines.base import Engine, EngineStatus
from speech.errors import EngineBusy, ErrorCode, QueueFull, Unavailable
from speech.gpus import GPU, list_gpus
from speech.interpreter import Interpreter
from speech.metrics import Figures, Metrics
from speech.progress import Progress
from speech.relay import Share
from speech.request import SpeechRequest
from speech.selection import EngineChoice, choose_engine, idle_timeout_s
from speech.session import Speech
from speech.settings import Settings
from speech.status import ServiceStatus, status_of
from speech.voices.catalogue import VoiceCatalogue

log = logging.getLogger("kyutai_tts.service")

DEFAULT_STREAMS = 64  # how many speak at once where MAX_SLOTS leaves it to an engine that is not loaded yet


class SpeechService(Interpreter):
    """See the module's docstring. Every method may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        choice: EngineChoice,
        voices: VoiceCatalogue,
        manager: GPUManager[Engine],
        gpus: Callable[[], list[GPU]] = list_gpus,
    ) -> None:
        super().__init__(settings, choice, voices)
        self.manager, self._gpus = manager, gpus
        self._share = Share()
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

    def _prepare(self, voices: Iterable[str], language: str | None) -> None:
        for voice in voices:
            self._catalogue.prepare(voice, language)

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
        return status_of(
            self.choice, self.manager.status(), self.engine_status(), self._gpu_now(), streams_open=self.streams_open
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
