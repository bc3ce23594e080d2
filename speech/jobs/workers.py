"""Other instances that say passages of jobs (Workers): how many at once, and when to ask again.

Nothing of ours distributes. An address may be a balancer's, with any number of instances behind it: how many passages
they take together is found by asking. An instance refuses a passage with 429 while it has no slot to spare, so that
its own people come first; each passage that was said makes room for one more, each refusal takes room away.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from speech.errors import Cancelled, QueueFull, SpeechError, Unavailable
from speech.jobs.places import Place, Saying
from speech.remote.client import ServiceClient
from speech.request import SpeechRequest

log = logging.getLogger("kyutai_tts.jobs")

MOST = 32  # passages at once, at all addresses together
ASK_S = 10.0  # how often an address is asked how many slots it has
REST_S = 2.0  # after an instance broke off, and twice as long each time
LONGEST_REST_S = 60.0


class TakenBack(Cancelled):
    """The passage was not said there; it is asked again, elsewhere or later."""


class Worker:
    """One address. Its figures are guarded by the lock of Workers."""

    def __init__(self, client: ServiceClient) -> None:
        self.client = client
        self.limit = 0  # passages that it takes at once, as far as is known
        self.speaking = 0
        self.rests_until = 0.0
        self.asked_at: float | None = None
        self.failures = 0  # since it last said a passage
        self.reason = ""  # why it rests

    def free(self, now: float) -> int:
        return 0 if now < self.rests_until else self.limit - self.speaking


class _Room:
    """A Place: one more passage at one address."""

    def __init__(self, workers: Workers, worker: Worker) -> None:
        self._workers, self._worker = workers, worker

    @contextmanager
    def open(self, request: SpeechRequest) -> Iterator[Saying]:
        passage = self._worker.client.passage(request)
        try:
            yield passage
            self._workers.said(self._worker)
        except (QueueFull, Unavailable) as error:
            self._workers.refused(self._worker, error)
            raise TakenBack(error.message) from None
        finally:
            passage.close()

    def leave(self) -> None:
        self._workers.left(self._worker)


class Workers:
    """Places at other addresses. Every method may be called from any thread."""

    most = MOST

    def __init__(self, clients: Sequence[ServiceClient], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._workers = [Worker(client) for client in clients]

    def look(self) -> None:
        for worker in self._due():
            self._ask(worker)

    def claim(self, speaking: int) -> Place | None:
        """At the address with the most room."""
        with self._lock:
            best = max(self._workers, key=lambda worker: worker.free(self._clock()))
            if speaking >= self.most or best.free(self._clock()) < 1:
                return None
            best.speaking += 1
            return _Room(self, best)

    @property
    def obstacle(self) -> str:
        """Why no address takes anything for now; empty if one does."""
        with self._lock:
            resting = [worker for worker in self._workers if self._clock() < worker.rests_until and worker.failures]
            return resting[0].reason if len(resting) == len(self._workers) else ""

    # -- what is told of a passage ------------------------------------------------------------------------------

    def said(self, worker: Worker) -> None:
        with self._lock:
            worker.failures = 0
            if worker.speaking >= worker.limit:
                worker.limit += 1

    def refused(self, worker: Worker, error: SpeechError) -> None:
        """429 and 503 say when to come again; what broke off rests, longer each time."""
        with self._lock:
            busy, now = isinstance(error, QueueFull), self._clock()
            worker.failures += not busy and now >= worker.rests_until  # what it had ends at once, and counts once
            worker.limit = max(1, min(worker.limit, worker.speaking) - 1)
            rest_s = error.retry_after_s or min(LONGEST_REST_S, REST_S * 2 ** max(0, worker.failures - 1))
            worker.rests_until = max(worker.rests_until, now + rest_s)
            worker.reason = f"{worker.client.url} takes no passages: {error.message}"
        if not busy:
            log.warning("%s; asked again in %g s", worker.reason, rest_s)

    def left(self, worker: Worker) -> None:
        with self._lock:
            worker.speaking -= 1

    # -- inside -------------------------------------------------------------------------------------------------

    def _due(self) -> list[Worker]:
        """Those to ask now, by this thread."""
        now = self._clock()
        with self._lock:
            due = [w for w in self._workers if now >= max(w.rests_until, (w.asked_at or -ASK_S) + ASK_S)]
            for worker in due:
                worker.asked_at = now
            return due

    def _ask(self, worker: Worker) -> None:
        """How many slots it has; one stays free there. A model that is not loaded says nothing yet: one may try."""
        try:
            slots = worker.client.status().slots_total
        except SpeechError as error:
            self.refused(worker, error)
            return
        with self._lock:
            worker.limit = max(worker.limit, slots - 1, 1)
