"""What every engine is (Engine) and speech in progress (Utterance). Knows no model and no HTTP."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from enum import Enum

from speech.errors import Cancelled, SpeechError
from speech.request import AudioChunk, Pause, Piece, SpeechRequest


class UtteranceStatus(Enum):
    WAITING = "waiting"  # no slot yet: the model is loading, or others speak
    SPEAKING = "speaking"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in (UtteranceStatus.FINISHED, UtteranceStatus.FAILED, UtteranceStatus.CANCELLED)


class Utterance:
    """Speech in progress: pieces of text go in, chunks of audio come out. The only object that two threads touch.

    It has two faces. The caller's: `say`, `end`, `chunks`, `cancel`. The engine's: `listen`, `take_word`, `begin`,
    `emit`, `finish`, `fail` and the properties that say whether there is anything to do. Every method may be called
    from any thread. `listen` names the one function that is told of each change that could give the engine work; it
    is called without the lock held and must not block.

    request.voice is the id of an existing voice and request.cfg_coef a value the engine takes, or None: SpeechService
    has seen to that.
    """

    def __init__(self, request: SpeechRequest, *, buffer_s: float = 10.0) -> None:
        """buffer_s: seconds of audio that may wait for the reader before `has_room` says no."""
        self.request = request
        self.buffer_s = buffer_s
        self._changed = threading.Condition()
        self._pieces: deque[Piece] = deque()
        self._chunks: deque[AudioChunk] = deque()
        self._buffered_s = 0.0
        self._ended = False
        self._status = UtteranceStatus.WAITING
        self._error: SpeechError | None = None
        self._wake: Callable[[], None] = _no_listener
        self.patient = False  # its first sound is not waited for: no other row stands by for it
        self.begun_at: float | None = None  # time.monotonic() when it got its slot
        self.made_s = 0.0  # seconds of audio that the engine has made
        self.tokens = 0  # how many of its input tokens the model was given; the engine counts

    # -- the caller's face --------------------------------------------------------------------------------------

    def say(self, *pieces: Piece) -> None:
        """Add words and pauses. A token that is not said never reaches the engine.

        After `end`, or when the utterance is over, nothing is added.
        """
        with self._changed:
            if self._ended or self._status.over:
                return
            self._pieces.extend(piece for piece in pieces if isinstance(piece, Pause) or piece.spoken)
            wake = self._wake
        wake()

    def end(self) -> None:
        """No more text will come."""
        with self._changed:
            self._ended = True
            wake = self._wake
        wake()

    def cancel(self) -> None:
        """Stop speaking; the slot is free before the engine's next step. A second call does nothing."""
        self._close(UtteranceStatus.CANCELLED, Cancelled("The speech was cancelled."))

    def chunks(self) -> Iterator[AudioChunk]:
        """Yield audio as it is made, until the end.

        Raises the SpeechError given to `fail`, or Cancelled. Audio that was made before a failure is yielded first.
        """
        while (chunk := self._next_chunk()) is not None:
            yield chunk

    def give_way(self, error: SpeechError) -> bool:
        """Fail it if it has no slot yet; False if it has one, or is over."""
        return self._close(UtteranceStatus.FAILED, error, (UtteranceStatus.WAITING,))

    @property
    def error(self) -> SpeechError | None:
        """What it failed with, Cancelled included."""
        return self._error

    def wait_for_slot(self, timeout_s: float) -> bool:
        """True as soon as it has a slot, or is over; False if it still waits when the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: self._status is not UtteranceStatus.WAITING, timeout_s)

    @property
    def status(self) -> UtteranceStatus:
        return self._status

    # -- the engine's face --------------------------------------------------------------------------------------

    def listen(self, wake: Callable[[], None]) -> None:
        """From now on call `wake` when text, the end, room or a cancellation came. Called once at once.

        When it is over, `wake` is let go: it leads to the engine, and who still has the utterance would keep the model.
        """
        with self._changed:
            if not self._status.over:
                self._wake = wake
        wake()

    def take_word(self) -> Piece | None:
        """The next word or pause, or None if none waits."""
        with self._changed:
            return self._pieces.popleft() if self._pieces else None

    @property
    def words_waiting(self) -> int:
        return len(self._pieces)

    @property
    def ended(self) -> bool:
        """The caller has said that no more text will come."""
        return self._ended

    @property
    def over(self) -> bool:
        return self._status.over

    @property
    def has_room(self) -> bool:
        """False while the reader is more than buffer_s behind: only this utterance rests."""
        return self._buffered_s < self.buffer_s

    def begin(self) -> None:
        """It has a slot."""
        with self._changed:
            if not self._status.over:
                self._status = UtteranceStatus.SPEAKING
                self.begun_at = time.monotonic()
                self._changed.notify_all()

    def emit(self, chunk: AudioChunk) -> None:
        """Hand audio to the reader. Never blocks. Dropped if the utterance is over."""
        with self._changed:
            if self._status.over:
                return
            self._chunks.append(chunk)
            self._buffered_s += chunk.seconds
            self.made_s += chunk.seconds
            self._changed.notify_all()

    def finish(self) -> None:
        """Everything was said."""
        self._close(UtteranceStatus.FINISHED, None)

    def fail(self, error: SpeechError) -> None:
        """It cannot go on. The reader gets what was made so far, then the error.

        The traceback is dropped: it would keep the engine's frames, and with them the model, alive.
        """
        self._close(UtteranceStatus.FAILED, error.with_traceback(None))

    # -- inside -------------------------------------------------------------------------------------------------

    def _close(
        self,
        status: UtteranceStatus,
        error: SpeechError | None,
        only_if: Container[UtteranceStatus] = (UtteranceStatus.WAITING, UtteranceStatus.SPEAKING),
    ) -> bool:
        with self._changed:
            if self._status not in only_if:
                return False
            self._status, self._error = status, error
            self._pieces.clear()
            if status is UtteranceStatus.CANCELLED:
                self._chunks.clear()
            wake, self._wake = self._wake, _no_listener
            self._changed.notify_all()
        wake()
        return True

    def _next_chunk(self) -> AudioChunk | None:
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._status.over)
            if not self._chunks:
                if self._error is not None:
                    raise self._error
                return None
            had_room = self.has_room
            chunk = self._chunks.popleft()
            self._buffered_s = self._buffered_s - chunk.seconds if self._chunks else 0.0
            wake = self._wake if self.has_room and not had_room else _no_listener
        wake()
        return chunk


def _no_listener() -> None:
    """The listener before there is one."""


STEP_S = (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.08)  # moshi-server's buckets; the last is a frame's own length


@dataclass
class StepTally:
    """How long the batched steps took since the load. Counted by the one thread that steps, read by any."""

    count: int = 0
    total_s: float = 0.0
    within: list[int] = field(default_factory=lambda: [0] * len(STEP_S))  # of each of STEP_S: how many took no longer

    def add(self, taken_s: float) -> None:
        self.count += 1
        self.total_s += taken_s
        for index in range(bisect_left(STEP_S, taken_s), len(STEP_S)):
            self.within[index] += 1


@dataclass(frozen=True)
class EngineStatus:
    """What an engine says of itself."""

    slots_total: int
    slots_used: int
    queue_depth: int
    memory_bytes: int | None = None  # on the accelerator; None where there is none
    steps: StepTally = field(default_factory=StepTally)  # empty for an engine that has none
    at_once: int | None = None  # how many of the slots are computed at the same time; None: all


class Engine(ABC):
    """Something that speaks. Built by its row in engines.ENGINES, owned by gpu_manager, shared by all."""

    sample_rate: int  # Hz

    @abstractmethod
    def start(self, utterance: Utterance) -> None:
        """Take an utterance in: it speaks at once, or waits its turn. Never blocks.

        Raises QueueFull when no slot is free and the queue is full, EngineClosed after `close`, EngineFailed when it
        is broken.
        """

    @abstractmethod
    def close(self) -> None:
        """Fail every utterance still held, free everything, join the threads. A second call does nothing."""

    @abstractmethod
    def status(self) -> EngineStatus:
        """Cheap, never blocks."""

    def position(self, utterance: Utterance) -> int | None:
        """Its place in the queue, 1 for the next; None if it does not wait or there is no queue. Cheap."""
        return None
