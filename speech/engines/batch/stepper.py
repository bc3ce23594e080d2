"""Many utterances through one model, turn by turn (Stepper). Knows no thread: its owner calls `turn`.

Nor does it know which model it is (runner.py), what text is made of, or HTTP.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from speech.engines.base import EngineStatus, StepTally, Utterance
from speech.engines.batch.runner import Frame, ModelRunner, OutOfMemory, Row
from speech.engines.batch.scheduler import Interleaver, Scheduler, Slot, Step, StepKind
from speech.errors import MEMORY_AGAIN_S, EngineClosed, EngineFailed, ErrorCode, QueueFull, SpeechError, Unavailable
from speech.request import FRAME_S, AudioChunk, Pause, Piece, Samples

log = logging.getLogger("kyutai_tts.engine")

T = TypeVar("T")
FADE_S = 0.005
MOST_S = 2 * 3600.0  # one row's positions lose precision after about two hours
SOUNDLESS_IN_A_ROW = 3
LEAST_BETWEEN, MOST_BETWEEN = 2, 16  # text-only steps between two full ones


class Soundless(Exception):
    """The model itself is broken, not a request."""


@dataclass(eq=False)
class Seat:
    """An utterance in its slot, and how much of it was heard."""

    slot: Slot
    row: Row
    spoken_s: float = 0.0
    allowed_s: float = 5.0  # grows with every piece: an utterance that lasts longer will never end

    @property
    def utterance(self) -> Utterance:
        return self.slot.utterance


class Stepper:
    """Seats utterances, steps the model, hands out the audio. One thread calls `turn`; any may call the rest."""

    def __init__(
        self, runner: ModelRunner, max_queue: int, clock: Callable[[], float] = time.monotonic, most_s: float = MOST_S
    ) -> None:
        """most_s: seconds of audio of one utterance."""
        self._runner, self._clock, self._most_s = runner, clock, most_s
        self._lock = threading.Lock()  # guards the scheduler, _prepared and _closed
        self._scheduler = Scheduler(runner.slots, max_queue)
        self._interleaver = Interleaver()
        self._seats: dict[int, Seat] = {}
        self._prepared: WeakKeyDictionary[Utterance, Any] = WeakKeyDictionary()
        self._kind_s = dict.fromkeys(StepKind, 0.0)  # what a step of each kind takes; 0 as long as it is not known
        self._steps = StepTally()
        self._closed = False
        self._soundless = 0  # requests in a row that failed for it

    def admit(self, utterance: Utterance) -> None:
        """Let it wait for a slot. What needs files is done here, on the caller's thread.

        Raises QueueFull, EngineClosed, or what is wrong with the request.
        """
        with self._lock:
            self._refuse_unless(self._scheduler.has_room)  # before anything is read or computed
        prepared = self._runner.prepare(utterance.request)
        with self._lock:
            self._refuse_unless(self._scheduler.admit(utterance))
            self._prepared[utterance] = prepared

    def turn(self) -> bool:
        """One round of the batch; False if there was nothing to do."""
        started = self._clock()
        self._runner.settle()
        waited_s = self._clock() - started
        self._release_the_gone()
        self._seat_newcomers()
        self._interleaver.most_between = text_only_between(
            self._kind_s[StepKind.TEXT_ONLY], self._kind_s[StepKind.FULL]
        )
        needs = self._needs()
        patient = {index for index in needs if self._seats[index].utterance.patient}
        step = self._interleaver.plan(needs, patient)
        frames = self._runner.flush() if step is None else self._run(step, waited_s)
        for index, frame in frames.items():
            if index in self._seats:  # else it left, or failed, while its frame was made
                self._emit(self._seats[index], frame)
        return step is not None or bool(frames)

    def abandon(self, reason: SpeechError) -> None:
        """Fail all that sit or wait and take nothing in any more."""
        with self._lock:
            self._closed = True
            everyone = self._scheduler.clear()
        self._seats.clear()
        for utterance in everyone:
            utterance.fail(reason)

    def status(self) -> EngineStatus:
        with self._lock:
            used, waiting = len(self._scheduler.seated), self._scheduler.queue_depth
        return EngineStatus(self._runner.slots, used, waiting, self._runner.memory_bytes, self._steps)

    def position(self, utterance: Utterance) -> int | None:
        with self._lock:
            return self._scheduler.position(utterance)

    # -- the parts of a turn --------------------------------------------------------------------------------------

    def _release_the_gone(self) -> None:
        for seat in list(self._seats.values()):
            if seat.utterance.over:
                self._release(seat)

    def _seat_newcomers(self) -> None:
        """All who can be seated now, in one reset."""
        with self._lock:
            slots = {slot.index: slot for slot in self._scheduler.schedule()}
            prepared = {index: self._prepared.pop(slot.utterance) for index, slot in slots.items()}
        if not slots:
            return
        rows = self._surviving(lambda: self._runner.reset(prepared), list(slots.values()))
        for index, row in rows.items():
            self._seats[index] = Seat(slots[index], row)
            slots[index].utterance.begin()

    def _needs(self) -> dict[int, StepKind]:
        """The step that each row could take now. Who lacks words, or whose reader lags behind, rests."""
        needs = {}
        for index, seat in list(self._seats.items()):
            try:
                self._feed(seat)
                kind = seat.row.needs
            except Exception:  # some word that the tokenizer cannot take must not end the others' speech
                log.error("a text could not be read; its request alone fails\n%s", traceback.format_exc())
                self._fail(seat.slot, EngineFailed("The text could not be prepared for speech."))
                continue
            if kind is not None and seat.utterance.has_room:
                needs[index] = kind
        return needs

    def _feed(self, seat: Seat) -> None:
        """Hand on words, but only a few ahead: a long text tokenized at once would make the others wait."""
        while seat.row.hungry:
            ended = seat.utterance.ended  # asked first: after the end nothing is added
            piece = seat.utterance.take_word()
            if piece is not None:
                seat.allowed_s += longest_s(piece)
                seat.row.say(piece)
                seat.utterance.tokens = seat.row.tokens
            elif ended:
                seat.row.end()
            else:
                return

    def _run(self, step: Step, waited_s: float) -> Mapping[int, Frame]:
        """waited_s: for the step before, which belongs to what a step takes."""
        started, slots = self._clock(), [self._seats[index].slot for index in step.rows]
        frames = self._surviving(lambda: self._runner.step(step), slots)
        taken_s = waited_s + self._clock() - started
        known_s = self._kind_s[step.kind] or taken_s
        self._kind_s[step.kind] = known_s + 0.1 * (taken_s - known_s)
        self._steps.add(taken_s)
        return frames

    def _emit(self, seat: Seat, frame: Frame) -> None:
        if not np.isfinite(frame.samples).all():
            log.error("the model made numbers that are no sound; the request fails")
            self._fail(seat.slot, EngineFailed("The model failed at this text.", code=ErrorCode.NO_SOUND))
            self._soundless += 1
            if self._soundless >= SOUNDLESS_IN_A_ROW:
                raise Soundless("The model makes numbers that are no sound, in every row.")
            return
        self._soundless = 0
        samples = fade(frame.samples, self._runner.sample_rate, start=seat.spoken_s == 0.0, stop=frame.last)
        if len(samples):  # a row that ends after its last sound has none
            seat.utterance.emit(AudioChunk(samples, self._runner.sample_rate, frame.words))
        seat.spoken_s += len(samples) / self._runner.sample_rate
        if frame.last:
            seat.utterance.finish()
            self._release(seat)
        elif seat.spoken_s > seat.allowed_s and not seat.row.bounded:
            log.error("speech was stopped after %.1f s: the model came to no end", seat.spoken_s)
            self._fail(
                seat.slot, EngineFailed("The speech came to no end and was stopped.", code=ErrorCode.SPEECH_WITHOUT_END)
            )
        elif seat.spoken_s > self._most_s:
            self._fail(
                seat.slot, EngineFailed(f"One speech can last {self._most_s:g} s.", code=ErrorCode.SPEECH_TOO_LONG)
            )

    # -- ends -----------------------------------------------------------------------------------------------------

    def _release(self, seat: Seat) -> None:
        self._seats.pop(seat.slot.index, None)
        with self._lock:
            self._scheduler.release(seat.slot)

    def _fail(self, slot: Slot, error: SpeechError) -> None:
        slot.utterance.fail(error)
        self._seats.pop(slot.index, None)
        with self._lock:
            self._scheduler.release(slot)

    def _surviving(self, action: Callable[[], Mapping[int, T]], slots: list[Slot]) -> Mapping[int, T]:
        """What action gives. If the memory runs out: nothing, these slots fail, and the others go on."""
        try:
            return action()
        except OutOfMemory as error:
            reason = str(error)
        # Out here nothing holds the error any more, nor the tensors in the frames that it came through.
        log.error("out of memory; %d requests fail: %s", len(slots), reason)
        for slot in slots:
            self._fail(slot, _no_memory())
        self._runner.recover()
        return {}

    def _refuse_unless(self, room: bool) -> None:
        """Called with the lock held."""
        if self._closed:
            raise EngineClosed("The engine is closed.")
        if not room:
            raise QueueFull


def _no_memory() -> Unavailable:
    message = "The GPU ran out of memory. Please try again."
    return Unavailable(message, code=ErrorCode.OUT_OF_MEMORY, retry_after_s=MEMORY_AGAIN_S)


def longest_s(piece: Piece) -> float:
    """More than a piece can take to say: the text machine allows 0.72 s a word, or its tokens if they are more."""
    if isinstance(piece, Pause):
        return piece.seconds + 1.0
    return 1.5 * len(piece.spoken.split()) + 0.1 * len(piece.spoken.encode())


def text_only_between(text_only_s: float, full_s: float) -> int:
    """How many text-only steps may lie between two full ones: as many as leave those who sound thrice real time.

    At least 2, so that a newcomer gets on where steps are slow; no more than a newcomer has. Both are the seconds of
    one step, 0 where that is not known.
    """
    if not (text_only_s and full_s):
        return LEAST_BETWEEN
    return max(LEAST_BETWEEN, min(MOST_BETWEEN, int((FRAME_S / 3 - full_s) / text_only_s)))


def fade(samples: Samples, sample_rate: int, start: bool = False, stop: bool = False) -> Samples:
    """The samples with a straight ramp of 5 ms where speech starts or stops, against clicks. Leaves its input alone."""
    if not (start or stop):
        return samples
    samples = samples.copy()
    ramp = np.linspace(0.0, 1.0, min(int(FADE_S * sample_rate), len(samples)), dtype=samples.dtype)
    if start:
        samples[: len(ramp)] *= ramp
    if stop:
        samples[-len(ramp) :] *= ramp[::-1]
    return samples
