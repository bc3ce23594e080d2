"""Fakes that tests hand in: an engine that speaks what it is told, a gate before loading."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from speech.engines.base import Engine, EngineStatus, Utterance
from speech.errors import EngineClosed, EngineFailed, Unavailable
from speech.progress import Progress
from speech.request import FRAME_S, AudioChunk, Pause
from speech.service import SpeechService
from speech.settings import Settings
from tests.services import make_service

WAIT_S = 20.0


class FakeEngine(Engine):
    """Says a quarter of a second of tone for each word, at once, on the caller's thread."""

    sample_rate = 24_000

    def __init__(self, slots: int = 8) -> None:
        self.slots = slots
        self.started: list[Utterance] = []
        self.closed = False

    def start(self, utterance: Utterance) -> None:
        if self.closed:
            raise EngineClosed("The engine is closed.")
        self.started.append(utterance)
        utterance.begin()
        utterance.listen(lambda: self._speak(utterance))

    def close(self) -> None:
        self.closed = True
        for utterance in self.started:
            utterance.fail(EngineFailed("The engine was released while it spoke."))

    def status(self) -> EngineStatus:
        speaking = sum(not u.over for u in self.started)
        return EngineStatus(self.slots, min(speaking, self.slots), max(0, speaking - self.slots))

    def _speak(self, utterance: Utterance) -> None:
        frame = round(FRAME_S * self.sample_rate)
        while (piece := utterance.take_word()) is not None:
            if not isinstance(piece, Pause):
                tone = np.sin(np.arange(frame) * 0.1).astype(np.float32) * 0.5
                utterance.emit(
                    AudioChunk(tone, self.sample_rate, (piece.said(utterance.made_s, utterance.made_s + FRAME_S),))
                )
        if utterance.ended:
            utterance.finish()


@dataclass
class Gate:
    """Loading waits here until it is opened, and may then fail."""

    fail_with: str | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def build(self, progress: Progress) -> FakeEngine:
        progress("waiting at the gate", 1, 2, None)
        self.reached.set()
        assert self.open.wait(WAIT_S)
        if self.fail_with:
            raise Unavailable(self.fail_with)
        return FakeEngine()


def fake_service(gate: Gate | None = None, settings: Settings | None = None) -> SpeechService:
    """A service over the fake engine, behind a gate if one is given."""
    if gate is None:
        gate = Gate()
        gate.open.set()
    return make_service(gate.build, settings)
