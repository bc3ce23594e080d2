"""Passages of one text, spoken side by side and heard in order (Relay), and how many slots they may have (Share).

One passage has a slot as any speech has, and waits for it in the engine's line. Further ones go ahead only into slots
for which nothing waits, leave one free, and share them evenly between the texts. So a text gives way within a passage.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from speech.captions import with_times
from speech.engines.base import Engine, EngineStatus, Utterance
from speech.joints import later, silence, without_edges
from speech.request import AudioChunk, SpeechRequest
from speech.text.passages import Join, Passage

AHEAD = 16  # passages that are begun and not heard: some 5 minutes, 30 MB
BUFFER_S = 60.0  # of one passage; one that becomes longer rests until it is heard
PAUSES_S = {Join.START: 0.0, Join.PHRASE: 0.12, Join.SENTENCE: 0.35, Join.PARAGRAPH: 0.7, Join.HEADING: 1.0}


class Share:
    """The texts that speak in passages now. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._relays: set[Relay] = set()

    @contextmanager
    def holding(self, relay: Relay) -> Iterator[None]:
        with self._lock:
            self._relays.add(relay)
        try:
            yield
        finally:
            with self._lock:
                self._relays.discard(relay)

    @property
    def extra(self) -> int:
        """How many slots they have beyond one each."""
        with self._lock:
            return sum(max(0, relay.speaking - 1) for relay in self._relays)

    def allows(self, speaking: int, status: EngineStatus) -> bool:
        """Whether a text that has so many slots may have one more."""
        with self._lock:
            texts = max(1, len(self._relays))
        most = min((status.slots_total - 1) // texts, status.at_once or status.slots_total)
        return speaking < most and not status.queue_depth and status.slots_used < status.slots_total - 1


class Relay:
    """One reader calls `chunks`; `cancel` may come from any thread."""

    def __init__(self, request: SpeechRequest, passages: Sequence[Passage], share: Share, first: Utterance) -> None:
        """passages: at least one. first: the utterance of the first one."""
        self._request, self._passages, self._share = request, passages, share
        self._lock = threading.RLock()
        self._begun: deque[Utterance] = deque([first])  # the one that is heard, and those ahead
        self._count = 1  # passages that are begun, or were
        self._over: list[Utterance] = []
        self._cancelled = False
        _say(first, passages[0])

    @property
    def speaking(self) -> int:
        """How many of its passages have a slot or wait for one."""
        with self._lock:
            return sum(not utterance.over for utterance in self._begun)

    @property
    def utterances(self) -> list[Utterance]:
        """All that were begun, in order."""
        with self._lock:
            return [*self._over, *self._begun]

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            for utterance in self._begun:
                utterance.cancel()

    def chunks(self, engine: Engine, rate: int, wait: Callable[[Utterance], None]) -> Iterator[AudioChunk]:
        """All passages in order, with times of the whole. The first one was given to the engine.

        rate: the engine's, in Hz. wait: returns when the utterance has a slot, or raises. Raises what a passage raises.
        """
        made = 0
        with self._share.holding(self):
            for number, passage in enumerate(self._passages):
                pause = silence(max(passage.pause_s, PAUSES_S[passage.join]), rate)
                sound = without_edges(with_times(self._heard(engine, wait)), rate, keep_start=not number)
                for part in (pause, sound):
                    for chunk in later(part, made / rate):
                        made += len(chunk.samples)
                        yield chunk
                self._next(engine)

    # -- inside -------------------------------------------------------------------------------------------------

    def _heard(self, engine: Engine, wait: Callable[[Utterance], None]) -> Iterator[AudioChunk]:
        utterance = self._begun[0]
        utterance.patient = False
        wait(utterance)
        for chunk in utterance.chunks():
            self._go_ahead(engine)
            yield chunk

    def _next(self, engine: Engine) -> None:
        """The passage that was heard makes room for the next one."""
        with self._lock:
            self._over.append(self._begun.popleft())
        self._go_ahead(engine)

    def _go_ahead(self, engine: Engine) -> None:
        """Begin passages: one if none speaks, more if the share allows."""
        while self._count < len(self._passages) and len(self._begun) < AHEAD:
            speaking = self.speaking
            if speaking and not self._share.allows(speaking, engine.status()):
                return
            self._begin(engine)

    def _begin(self, engine: Engine) -> None:
        with self._lock:
            utterance = Utterance(self._request_of(self._count), buffer_s=BUFFER_S)
            utterance.patient = self.speaking > 0
            _say(utterance, self._passages[self._count])
            if self._cancelled:
                utterance.cancel()
            self._begun.append(utterance)
            self._count += 1
        engine.start(utterance)

    def _request_of(self, number: int) -> SpeechRequest:
        voice = self._passages[number].voice or self._request.voice
        return replace(self._request, voice=voice, seed=seed_of(self._request.seed, number))


def seed_of(seed: int | None, number: int) -> int | None:
    """The seed of a passage, from 0: drawn from the request's, and the first one's is that itself."""
    if seed is None or not number:
        return seed
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _say(utterance: Utterance, passage: Passage) -> None:
    utterance.say(*passage.pieces)
    utterance.end()
