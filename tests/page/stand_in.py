"""A service whose engine does what a test plans: waits in the queue, loads slowly, speaks at a pace, stalls, fails.

It says real words with true times: the embedded voice makes them, they are only held back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from speech.engines import ENGINES
from speech.engines.base import Engine, EngineStatus, Utterance
from speech.engines.hibari.voice import SAMPLE_RATE, HibariVoice
from speech.engines.sentence.engine import SentenceEngine
from speech.errors import SpeechError
from speech.gpus import GPU
from speech.selection import EngineChoice
from speech.service import SpeechService
from speech.settings import Settings
from speech.voices.catalogue import Voice, VoiceCatalogue
from tests.services import make_service

GB = 10**9
LONGEST_S = 60.0  # what a test forgets to release goes on after so long

SPEC = ENGINES["kyutai"]
CARD = GPU(0, "GPU-0", "NVIDIA RTX 4090", int(11.0 * GB), 24 * GB)


def _open() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Plan:
    """What the engine will do. Events that are not set hold it back."""

    pace: float | None = None  # seconds of audio in a second; None: as fast as it goes
    seated: threading.Event = field(default_factory=_open)
    position: int | None = None  # told while not seated
    loaded: threading.Event = field(default_factory=_open)
    load_progress: tuple[str, float, float, float | None] = ("loading the model", 0, 0, None)
    load_error: SpeechError | None = None
    refuse: SpeechError | None = None  # instead of taking an utterance in
    hold_at_s: float | None = None  # seconds of audio after which `go_on` is waited for
    go_on: threading.Event = field(default_factory=_open)
    fail_at_s: float | None = None
    failure: SpeechError | None = None
    memory_bytes: int = int(4.6 * GB)
    slots: int = 8
    slots_used: int = 0  # by others
    queue_depth: int = 0

    def let_go(self) -> None:
        for event in (self.seated, self.loaded, self.go_on):
            event.set()


class StandIn(Engine):
    """Speaks as the plan says."""

    sample_rate = SAMPLE_RATE

    def __init__(self, plan: Plan, voice: HibariVoice) -> None:
        self._plan, self._inner = plan, SentenceEngine(voice, slots=16, max_queue=0)
        self._speaking: set[Utterance] = set()
        self._threads: list[threading.Thread] = []

    def start(self, utterance: Utterance) -> None:
        if self._plan.refuse:
            raise self._plan.refuse
        inner = Utterance(utterance.request, buffer_s=600)
        while (piece := utterance.take_word()) is not None:
            inner.say(piece)
        inner.end()
        self._inner.start(inner)
        self._speaking.add(utterance)
        thread = threading.Thread(target=self._speak, args=(utterance, inner))
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        for utterance in list(self._speaking):
            utterance.fail(SpeechError("The engine was released while it spoke.", code="engine_closed"))
        self._plan.let_go()
        self._inner.close()
        for thread in self._threads:
            thread.join()

    def status(self) -> EngineStatus:
        plan = self._plan
        used = plan.slots_used + (len(self._speaking) if plan.seated.is_set() else 0)
        return EngineStatus(plan.slots, used, plan.queue_depth, plan.memory_bytes)

    def position(self, utterance: Utterance) -> int | None:
        return None if self._plan.seated.is_set() else self._plan.position

    def _speak(self, utterance: Utterance, inner: Utterance) -> None:
        over = threading.Event()
        utterance.listen(lambda: over.set() if utterance.over else None)
        try:
            self._say(utterance, inner, over)
        except SpeechError as error:  # the engine was closed while it spoke
            utterance.fail(error)
        finally:
            inner.cancel()
            self._speaking.discard(utterance)

    def _say(self, utterance: Utterance, inner: Utterance, over: threading.Event) -> None:
        plan, said_s = self._plan, 0.0
        plan.seated.wait(LONGEST_S)
        utterance.begin()
        for chunk in inner.chunks():
            if plan.hold_at_s is not None and said_s >= plan.hold_at_s:
                plan.go_on.wait(LONGEST_S)
            if plan.fail_at_s is not None and said_s >= plan.fail_at_s:
                utterance.fail(plan.failure or SpeechError("It broke.", code="engine_failed"))
                return
            if utterance.over or (plan.pace and over.wait(chunk.seconds / plan.pace)):
                return
            utterance.emit(chunk)
            said_s += chunk.seconds
        utterance.finish()


def many_voices() -> list[Voice]:
    """About 700, as the model's published sets have them."""
    styles = (
        "default",
        "happy",
        "whisper",
        "confused",
        "sad",
        "enunciated",
        "fast",
        "projected",
        "laughing",
        "sarcastic",
    )
    moods = ("adoration", "amazement", "amusement", "anger", "confusion", "desire", "fear", "interest", "pride", None)
    voices = [
        Voice(f"expresso/ex0{s}_{style}_{n}.wav", f"Expresso ex0{s}", "en", "CC-BY-NC-4.0", False, "expresso",
              "male" if s % 2 else "female", style)
        for s in range(1, 5) for style in styles for n in (1, 2)
    ]  # fmt: skip
    voices += [
        Voice(f"vctk/p{n}_023.wav", f"VCTK p{n}", "en", "CC-BY-4.0", True, "vctk", "male" if n % 5 > 2 else "female")
        for n in range(225, 333)
    ]
    voices += [
        Voice(f"ears/p{n:03}/{mood}.wav", f"EARS p{n:03}", "en", "CC-BY-NC-4.0", False, "ears", style=mood)
        for n in range(1, 108)
        for mood in (moods[n % 10], moods[(n + 3) % 10])
    ]
    voices += [
        Voice(f"cml-tts/fr/{1406 + 37 * n}_1.wav", f"CML {1406 + 37 * n}", "fr", "CC-BY-4.0", True, "cml-tts")
        for n in range(74)
    ]
    voices += [
        Voice(
            f"voice-donations/{n:04x}.wav", f"Donated {n:04x}", "en", "CC0-1.0", True, "voice-donations", cached=False
        )
        for n in range(7, 236)
    ]
    return voices


@contextmanager
def stand_in_service(
    plan: Plan,
    voice: HibariVoice,
    *,
    voices: list[Voice] | None = None,
    settings: Settings | None = None,
    gpu: GPU | None = CARD,
    idle_timeout_s: float = -1,
) -> Iterator[SpeechService]:
    """A service over the plan; loaded already unless the plan holds loading back."""

    def build(progress: Callable[[str, float, float, float | None], None]) -> Engine:
        progress(*plan.load_progress)
        plan.loaded.wait(LONGEST_S)
        if plan.load_error:
            raise plan.load_error
        return StandIn(plan, voice)

    settings = settings or Settings(engine="auto", max_slots=plan.slots, gpu_idle_timeout=idle_timeout_s)
    choice = EngineChoice(SPEC, "cuda:0", "NVIDIA RTX 4090 was found", gpu)
    catalogue = VoiceCatalogue(
        many_voices() if voices is None else voices, default="vctk/p228_023.wav" if voices is None else None
    )
    gpus = [gpu] if gpu else []
    service = make_service(build, settings, choice=choice, voices=catalogue, gpus=lambda: gpus)
    if plan.loaded.is_set() and plan.load_error is None:
        service.load()
    try:
        yield service
    finally:
        plan.let_go()
        service.close()
