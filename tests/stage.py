"""An engine that says what the test tells it to, when the test tells it to."""

from __future__ import annotations

import queue
import threading

import numpy as np

from speech.engines.base import Engine, EngineStatus, StepTally, Utterance
from speech.engines.batch.scheduler import Scheduler
from speech.errors import EngineFailed, QueueFull
from speech.request import AudioChunk, Word

RATE = 24_000
FRAME = 1_920


class StageEngine(Engine):
    """Seats utterances like any engine; the test makes them sound with `play`."""

    sample_rate = RATE

    def __init__(self, slots: int = 1, max_queue: int = 2) -> None:
        self.scheduler = Scheduler(slots, max_queue)
        self.steps = StepTally()
        self.taken: queue.Queue[Utterance] = queue.Queue()
        self._lock = threading.RLock()

    def start(self, utterance: Utterance) -> None:
        with self._lock:
            if not self.scheduler.admit(utterance):
                raise QueueFull
            self.seat()
        utterance.listen(self._tidy)
        self.taken.put(utterance)

    def seat(self) -> None:
        for slot in self.scheduler.schedule():
            slot.utterance.begin()

    @property
    def speaking(self) -> list[Utterance]:
        """Those who have a slot."""
        with self._lock:
            return [slot.utterance for slot in self.scheduler.seated]

    def next(self) -> Utterance:
        """The next utterance that came in; waits for it."""
        return self.taken.get(timeout=60)

    def _tidy(self) -> None:
        with self._lock:
            for slot in self.scheduler.seated:
                if slot.utterance.over:
                    self.scheduler.release(slot)
            self.seat()

    def play(self, utterance: Utterance, *words: str, frames: int = 1, finish: bool = True) -> None:
        """A frame of a quiet tone for each word, and more frames up to the number asked for."""
        for index in range(max(frames, len(words))):
            tone = 0.1 * np.sin(2 * np.pi * 220 * (np.arange(FRAME) + index * FRAME) / RATE)
            said = tuple(Word(w, index * 0.08, index * 0.08 + 0.08) for w in words[index : index + 1])
            utterance.emit(AudioChunk(tone.astype(np.float32), RATE, said))
        if finish:
            utterance.finish()

    def close(self) -> None:
        for utterance in self.scheduler.clear():
            utterance.fail(EngineFailed("The engine was released while it spoke."))

    def status(self) -> EngineStatus:
        with self._lock:
            seated, waiting = len(self.scheduler.seated), self.scheduler.queue_depth
        return EngineStatus(self.scheduler.slots_total, seated, waiting, steps=self.steps)

    def position(self, utterance: Utterance) -> int | None:
        with self._lock:
            return self.scheduler.position(utterance)
