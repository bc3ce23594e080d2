"""Jobs that pause (Pauses): until when, and why, also where the disk does not take the reason."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

from speech.errors import QueueFull, StorageFull, Unavailable
from speech.jobs.job import ACTIVE, Job, State
from speech.jobs.store import Store

log = logging.getLogger("kyutai_tts.jobs")

NOT_NOW = (QueueFull, StorageFull, Unavailable)  # what may be had later


class Pauses:
    """Every method may be called from any thread."""

    def __init__(self, store: Store, rest_s: float) -> None:
        """rest_s: how long a job pauses before it is tried again."""
        self._store, self._rest_s = store, rest_s
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}  # on time.monotonic
        self._untold: dict[str, str] = {}  # why, where that cannot be written

    def is_over(self, job: Job) -> bool:
        """Whether it may be tried now."""
        with self._lock:
            return time.monotonic() >= self._until.get(job.id, 0.0)

    def end_all(self) -> None:
        with self._lock:
            self._until.clear()

    def begin(self, job: Job, reason: str) -> None:
        """It goes on by itself, when what stood in its way has gone."""
        with self._lock:
            self._until[job.id] = time.monotonic() + self._rest_s
        if (job.state, job.reason) != (State.PAUSED, reason):
            self.set_state(job, State.PAUSED, reason)

    def goes_on(self, job: Job) -> None:
        """Raises StorageFull, Unavailable."""
        self._store.set_state(job.id, State.RUNNING, only_from=(State.QUEUED, State.PAUSED))
        self._forget(job)
        with self._lock:
            self._until.pop(job.id, None)

    def set_state(self, job: Job, state: State, reason: str) -> None:
        """Of one that is active. Where that cannot be written it pauses, and is tried again."""
        try:
            self._store.set_state(job.id, state, reason, only_from=ACTIVE)
            self._forget(job)
        except NOT_NOW as error:
            log.warning("job %s: %s", job.id, error.message)
            with self._lock:
                self._untold[job.id] = error.message
            self._store.database.notify()

    def told(self, job: Job) -> Job:
        """As it is, also while the disk takes nothing."""
        with self._lock:
            reason = self._untold.get(job.id) if job.state in ACTIVE else None
        return replace(job, state=State.PAUSED, reason=reason) if reason else job

    def _forget(self, job: Job) -> None:
        with self._lock:
            self._untold.pop(job.id, None)
