"""An engine for any voice that speaks sentence by sentence. Knows no model.

Threads take turns at the seated utterances, one sentence each, so that thirty listeners share two cores fairly.
Between two of its sentences an utterance may lose its slot to a caller that has fewer, and gets one again in turn.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from itertools import islice

import numpy as np

from speech.engines.base import Engine, EngineStatus, Utterance
from speech.engines.batch.line import Line
from speech.engines.batch.scheduler import Scheduler, Slot
from speech.engines.sentence.voice import SentenceVoice, Spoken
from speech.errors import EngineClosed, EngineFailed, QueueFull
from speech.request import FRAME_S, AudioChunk, Pause, Samples, Token, Word
from speech.text.sentences import Sentence, SentenceReader

log = logging.getLogger("kyutai_tts.sentence")

DEFAULT_SLOTS = 64  # a seated utterance costs a little memory only; the threads bound the work


class _Turn:
    """An utterance that has begun, what it still has to say, and whether a thread has it or will."""

    def __init__(self, utterance: Utterance, split: Callable[[str], list[str]]) -> None:
        self.slot: Slot | None = None  # None: it rests until it is seated again
        self.utterance = utterance
        self.sentences = SentenceReader(utterance, split)
        self.samples_out = 0
        self.wanted = False  # stands in the line, or must once its thread is done
        self.running = False


class SentenceEngine(Engine):
    """Several utterances at once on a few threads of its own."""

    def __init__(self, voice: SentenceVoice, slots: int, max_queue: int, threads: int | None = None) -> None:
        """slots: 0 for DEFAULT_SLOTS. threads: how many sentences are made at once; None: a core each, four at most."""
        self.sample_rate = voice.sample_rate
        self._voice = voice
        self._frame = round(FRAME_S * voice.sample_rate)  # samples
        self._scheduler = Scheduler(slots or DEFAULT_SLOTS, max_queue)
        self._lock = threading.Condition()
        self._line: Line[_Turn] = Line()  # callers take turns here, too
        self._running: Counter[str] = Counter()  # how many threads speak for each caller
        self._turns: dict[Utterance, _Turn] = {}
        self._closed = False
        count = threads or min(4, os.cpu_count() or 1)
        self._threads = [threading.Thread(target=self._work, name=f"sentence-{i}") for i in range(count)]
        for thread in self._threads:
            thread.start()

    def start(self, utterance: Utterance) -> None:
        with self._lock:
            if self._closed:
                raise EngineClosed("The engine is closed.")
            if not self._scheduler.admit(utterance):
                raise QueueFull
            self._seat()
        utterance.listen(partial(self._wake, utterance))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            everyone = self._scheduler.clear()
            self._line.clear()
            self._turns.clear()
            self._lock.notify_all()
        for utterance in everyone:
            utterance.fail(EngineClosed())
        for thread in self._threads:
            thread.join()

    def status(self) -> EngineStatus:
        with self._lock:
            return EngineStatus(
                self._scheduler.slots_total,
                len(self._scheduler.seated),
                self._scheduler.queue_depth,
                at_once=len(self._threads),
            )

    def position(self, utterance: Utterance) -> int | None:
        with self._lock:
            return self._scheduler.position(utterance)

    # -- whose turn it is (the lock is held in those that begin with an underscore and say so) ---------------------

    def _seat(self) -> None:
        """Give slots to those who wait: free ones, and those of callers who have many. Called with the lock held."""
        self._seat_in_free()
        while (slot := self._scheduler.rest(self._between_sentences)) is not None:
            turn = self._turns[slot.utterance]
            turn.slot, turn.wanted = None, False
            self._line.keep(lambda waiting, turn=turn: waiting is not turn)  # type: ignore[misc]
            self._seat_in_free()

    def _seat_in_free(self) -> None:
        """Called with the lock held."""
        for slot in self._scheduler.schedule():
            turn = self._turns.get(slot.utterance)
            if turn is None:
                turn = self._turns[slot.utterance] = _Turn(slot.utterance, self._voice.split)
                slot.utterance.begin()
            turn.slot = slot
            self._want(turn)

    def _between_sentences(self, slot: Slot) -> bool:
        """It keeps its text and its place in it without a slot. Called with the lock held."""
        return not self._turns[slot.utterance].running

    def _want(self, turn: _Turn) -> None:
        """It may have something to do. Called with the lock held."""
        if not turn.wanted and turn.slot is not None:
            turn.wanted = True
            if not turn.running:
                self._line.add(turn.utterance.request.caller, turn)
                self._lock.notify()

    def _wake(self, utterance: Utterance) -> None:
        with self._lock:
            turn = self._turns.get(utterance)
            if turn is not None and utterance.over and not turn.running:
                self._leave(turn)
            elif turn is not None:
                self._want(turn)

    def _leave(self, turn: _Turn) -> None:
        """Free its slot now, not when it would be its turn. Called with the lock held."""
        self._line.keep(lambda waiting: waiting is not turn)
        self._turns.pop(turn.utterance, None)
        if turn.slot is not None:
            self._scheduler.release(turn.slot)
        self._seat()

    # -- the threads ---------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (turn := self._next_turn()) is not None:
            done = True
            try:
                done = self._take_turn(turn)
            except Exception:  # one utterance's misfortune must not end the thread that serves the others
                log.exception("speaking failed")
                turn.utterance.fail(EngineFailed("The voice failed on this text."))
            self._end_turn(turn, done)

    def _next_turn(self) -> _Turn | None:
        """Wait for a turn with something to do; None when the engine closes."""
        with self._lock:
            self._lock.wait_for(lambda: self._line or self._closed)
            if self._closed:
                return None
            turn = self._line.take(self._running.__getitem__)
            turn.wanted, turn.running = False, True
            self._running[turn.utterance.request.caller] += 1
            return turn

    def _take_turn(self, turn: _Turn) -> bool:
        """Say one sentence or pause. True when the utterance is over."""
        utterance = turn.utterance
        if utterance.over:
            return True
        if not utterance.has_room:
            return False  # the reader wakes us
        piece = turn.sentences.next()
        if isinstance(piece, Sentence):
            asked = utterance.request
            self._emit(turn, self._voice.speak(piece.text, seed=asked.seed, voice=asked.voice), piece)
        elif isinstance(piece, Pause):
            silence = np.zeros(round(piece.seconds * self.sample_rate), np.float32)
            self._emit_samples(turn, silence, [])
        elif turn.sentences.finished:
            utterance.finish()
            return True
        else:
            return False  # more text wakes us
        with self._lock:
            self._want(turn)  # behind all others that have something to say
        return False

    def _end_turn(self, turn: _Turn, done: bool) -> None:
        with self._lock:
            turn.running = False
            self._running -= Counter([turn.utterance.request.caller])  # forgets those who have none
            if done or turn.utterance.over:
                self._leave(turn)
                return
            if turn.wanted:
                self._line.add(turn.utterance.request.caller, turn)
                self._lock.notify()
            self._seat()  # it may rest now

    def _emit(self, turn: _Turn, spoken: Spoken, sentence: Sentence) -> None:
        turn.utterance.tokens += spoken.tokens
        start = turn.samples_out / self.sample_rate
        words = [token.said(start + begins, start + ends) for token, begins, ends in _times(sentence, spoken)]
        self._emit_samples(turn, spoken.samples, words)

    def _emit_samples(self, turn: _Turn, samples: Samples, words: list[Word]) -> None:
        """Hand samples on in frames, each with the words that begin in it."""
        waiting = deque(words)
        for position in range(0, len(samples), self._frame):
            frame = samples[position : position + self._frame]
            turn.samples_out += len(frame)
            end_s = turn.samples_out / self.sample_rate
            last = position + self._frame >= len(samples)
            begun = []
            while waiting and (last or waiting[0].start_s < end_s):
                begun.append(waiting.popleft())
            turn.utterance.emit(AudioChunk(frame, self.sample_rate, tuple(begun)))


def _times(sentence: Sentence, spoken: Spoken) -> list[tuple[Token, float, float]]:
    """Each token that is told, its begin and its end: those of its spoken words, and of its further parts."""
    times = iter(spoken.word_times(tuple(sentence.text.split())))
    told: list[tuple[Token, float, float]] = []
    for token in sentence.tokens:
        own = list(islice(times, len(token.spoken.split())))
        if token.written:
            told.append((token, own[0][0], own[-1][1]))
        elif told:
            told[-1] = (*told[-1][:2], own[-1][1])
    return told
