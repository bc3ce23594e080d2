"""LanguageEngine: several models behind one engine, each loaded when its language is first asked for.

At most `most` are in memory. When another is wanted, the one used longest ago takes no new utterance, and goes when
those that it speaks have ended. Those that wait for a model come in order. Knows no model and no voice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from speech.engines.base import Engine, EngineStatus, StepTally, Utterance
from speech.errors import EngineClosed, EngineFailed, ErrorCode, QueueFull, SpeechError
from speech.request import SpeechRequest

log = logging.getLogger("kyutai_tts.engine")

Rest = Callable[[], None]
CLOSE_S = 10.0  # so long `close` waits for a load under way, which then ends by itself


class Loadable(Protocol):
    """A model that can be had."""

    def fetch(self) -> object:
        """Bring its files onto this machine. May take minutes. Raises SpeechError."""

    def load(self, rest: Rest) -> Engine:
        """Its engine, after `fetch`. rest: to be called whenever it has nothing left to do. Raises SpeechError."""
        ...


@dataclass(eq=False)
class Waiting:
    """An utterance whose model is not there."""

    utterance: Utterance
    language: str


class LanguageEngine(Engine):
    """Every method may be called from any thread. One thread of its own loads and releases; it sleeps meanwhile."""

    def __init__(
        self,
        models: Mapping[str, Loadable],
        language_of: Callable[[SpeechRequest], str],
        *,
        most: int,
        max_queue: int,
    ) -> None:
        """Loads the first of them; returns when it is there. Raises what loading raises.

        models: by language. language_of: one of them, or a SpeechError. most: how many models at once.
        """
        self._models, self._language_of, self._most, self._max_queue = models, language_of, most, max_queue
        self._changed = threading.Condition()
        self._here: dict[str, Engine] = {}  # the one used longest ago first
        self._speaking: dict[str, list[Utterance]] = {}  # what each was given; those that are over go with the next
        self._leaving: str | None = None  # takes no new utterance
        self._waiting: list[Waiting] = []
        self._closing = False
        first = next(iter(models))
        models[first].fetch()
        self._here[first] = models[first].load(self._look)
        self._slots = self._here[first].status().slots_total
        self._thread = threading.Thread(target=self._serve, name="languages", daemon=True)
        self._thread.start()

    def start(self, utterance: Utterance) -> None:
        language = self._language_of(utterance.request)
        with self._changed:
            if self._closing:
                raise EngineClosed("The engine is closed.")
            if language in self._here and language != self._leaving:
                self._hand_on(language, utterance)
                return
            if len(self._waiting) >= self._max_queue:
                raise QueueFull
            self._waiting.append(Waiting(utterance, language))
        utterance.listen(self._look)

    def close(self) -> None:
        with self._changed:
            self._closing = True
            waiting, self._waiting = self._waiting, []
            self._changed.notify_all()
        for one in waiting:
            one.utterance.fail(EngineClosed())
        self._thread.join(CLOSE_S)
        with self._changed:
            engines, self._here = list(self._here.values()), {}
        for engine in engines:
            engine.close()

    def status(self) -> EngineStatus:
        with self._changed:
            found, waiting = [engine.status() for engine in self._here.values()], len(self._waiting)
        return EngineStatus(
            sum(one.slots_total for one in found) or self._slots,
            sum(one.slots_used for one in found),
            sum(one.queue_depth for one in found) + waiting,
            steps=_together([one.steps for one in found]),
        )

    def position(self, utterance: Utterance) -> int | None:
        with self._changed:
            places = [one.utterance for one in self._waiting]
            if utterance in places:
                return places.index(utterance) + 1
            found = [engine.position(utterance) for engine in self._here.values()]
        return next((place for place in found if place is not None), None)

    def _hand_on(self, language: str, utterance: Utterance) -> None:
        """Called with the lock held: its model is now the one used last. Raises what its engine raises."""
        engine = self._here[language] = self._here.pop(language)
        engine.start(utterance)
        self._speaking[language] = [*self._unfinished(language), utterance]

    def _unfinished(self, language: str) -> list[Utterance]:
        """Called with the lock held. An engine's status does not tell of one that is about to be seated."""
        return [utterance for utterance in self._speaking.get(language, ()) if not utterance.over]

    def _look(self) -> None:
        """Something may have changed for those who wait."""
        with self._changed:
            self._changed.notify_all()

    # -- on its own thread ----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while (wanted := self._next_wanted()) is not None:
            try:
                self._bring(wanted)
            except SpeechError as error:
                self._refuse(wanted, error)
            except Exception as error:
                log.exception("the model for %s could not be loaded", wanted)
                message = f"The model for {wanted} could not be loaded: {error}"
                self._refuse(wanted, EngineFailed(message, code=ErrorCode.LOAD_FAILED))

    def _next_wanted(self) -> str | None:
        """The language of the one who waits longest; None: the engine is to end."""
        with self._changed:
            while not self._closing:
                self._seat()
                if self._waiting:
                    return self._waiting[0].language
                self._changed.wait()
        return None

    def _bring(self, wanted: str) -> None:
        """Fetch while the others speak, then make room, then load. Raises what those raise."""
        model = self._models[wanted]
        model.fetch()
        if not self._make_room(wanted):
            return
        engine = model.load(self._look)
        with self._changed:
            if not self._closing:
                self._here[wanted] = engine
                self._seat()
                return
        engine.close()

    def _make_room(self, wanted: str) -> bool:
        """Wait until there is a place, and free it; False if none waits for it any more, or the engine is to end."""
        with self._changed:
            while not self._closing and self._wants(wanted):
                if len(self._here) < self._most:
                    return True
                self._leaving = self._leaving or next(iter(self._here))
                if not self._unfinished(self._leaving):
                    leaving, self._leaving = self._here.pop(self._leaving), None
                    break
                self._changed.wait()
            else:
                self._leaving = None
                return False
        leaving.close()  # without the lock: its thread may be about to call `_look`
        return True

    def _wants(self, language: str) -> bool:
        """Called with the lock held."""
        self._seat()
        return any(one.language == language for one in self._waiting)

    def _seat(self) -> None:
        """Called with the lock held: hand on those whose model is there, forget those who left."""
        for one in list(self._waiting):
            if one.utterance.over:
                self._waiting.remove(one)
            elif one.language in self._here and one.language != self._leaving:
                self._waiting.remove(one)
                try:
                    self._hand_on(one.language, one.utterance)
                except SpeechError as error:
                    one.utterance.fail(error)

    def _refuse(self, language: str, error: SpeechError) -> None:
        """End all who wait for it."""
        with self._changed:
            lost = [one for one in self._waiting if one.language == language]
            self._waiting = [one for one in self._waiting if one.language != language]
        for one in lost:
            one.utterance.fail(_copy(error))


def _copy(error: SpeechError) -> SpeechError:
    """Each reader raises its own: an exception remembers where it was raised."""
    return type(error)(error.message, param=error.param, code=error.code, retry_after_s=error.retry_after_s)


def _together(tallies: list[StepTally]) -> StepTally:
    total = StepTally()
    for tally in tallies:
        total.count += tally.count
        total.total_s += tally.total_s
        total.within = [one + other for one, other in zip(total.within, tally.within, strict=True)]
    return total
