"""Speaks the passages of jobs while no request waits (Runner): a few threads, a passage each. Knows no HTTP.

A passage begins only while no request waits for a slot, and one slot stays free. So people wait for a job for one
passage at most.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from speech.errors import Cancelled, ErrorCode, InvalidRequest, QueueFull, SpeechError, Unavailable
from speech.jobs.results import Results
from speech.jobs.store import ACTIVE, Job, State, Store
from speech.joints import without_edges
from speech.relay import seed_of
from speech.request import Samples, SpeechRequest, Word
from speech.service import SpeechService
from speech.session import Speech

log = logging.getLogger("kyutai_tts.jobs")

THREADS = 4  # passages at once
LOOK_S = 0.5  # while there is something to say: how often a thread looks whether a slot is free
REST_S = 10.0  # after an engine or a disk that refused
ATTEMPTS = 3  # at one passage
CALLER = "jobs"  # all jobs together get one caller's share of the slots

Task = tuple[Job, int]


class Runner:
    """Its threads end when the service drains, or with `close`."""

    def __init__(self, service: SpeechService, store: Store, results: Results) -> None:
        self._service, self._store, self._results = service, store, results
        self._changed = threading.Condition()  # guards all below
        self._speaking: dict[tuple[str, int], Speech | None] = {}  # job and number of what is being said
        self._failures: dict[tuple[str, int], int] = {}
        self._closed = False
        self._ending = threading.Event()
        threads = [threading.Thread(target=self._run, name=f"job-{i}", daemon=True) for i in range(THREADS)]
        self._threads = [*threads, threading.Thread(target=self._end, name="jobs-end", daemon=True)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """A job was added or goes on."""
        with self._changed:
            self._changed.notify_all()

    def stop(self, job_id: str) -> None:
        """Stop what is being said of a job, and wait until nothing of it is written any more."""
        with self._changed:
            self._cancel(job_id)
            self._changed.wait_for(lambda: not any(job == job_id for job, _ in self._speaking))

    def close(self) -> None:
        """Stop speaking; what is not done is said after the next start."""
        self._ending.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    # -- inside -------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """When the service drains, or at `close`: nothing waits for jobs."""
        with self._service.when_draining(self._ending.set):
            self._ending.wait()
        with self._changed:
            self._closed = True
            self._cancel(None)
            self._changed.notify_all()

    def _cancel(self, job_id: str | None) -> None:
        for (job, _), speech in self._speaking.items():
            if speech is not None and job_id in (None, job):
                speech.cancel()

    def _run(self) -> None:
        while not self._closed:
            task = self._take()
            if task is None:
                self._rest()
                continue
            rest_s = self._do(task)
            if rest_s:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, rest_s)

    def _rest(self) -> None:
        """Until there may be something to do."""
        waits = bool(self._store.active())
        with self._changed:
            if not self._closed:
                self._changed.wait(LOOK_S if waits else None)

    def _take(self) -> Task | None:
        """The next passage, if there is a slot for it."""
        with self._changed:
            if self._closed or not self._slot_is_free():
                return None
            for job in self._store.active():
                for number in self._store.missing(job.id):
                    if (job.id, number) not in self._speaking:
                        self._speaking[job.id, number] = None
                        return job, number
        return None

    def _slot_is_free(self) -> bool:
        if self._service.manager.peek() is None:
            return not self._speaking  # the first one loads the engine
        status = self._service.engine_status()
        most = min(max(1, status.slots_total - 1), status.at_once or status.slots_total)
        used = max(status.slots_used, len(self._speaking))
        return not status.queue_depth and len(self._speaking) < most and used < max(1, status.slots_total - 1)

    def _do(self, task: Task) -> float:
        """Say one passage and keep it; how many seconds to rest then."""
        job, number = task
        try:
            return self._kept(job, number)
        except Exception:
            log.exception("a passage of job %s failed", job.id)
            self._store.set_state(job.id, State.FAILED, "The fault is ours; the log says more.", only_from=ACTIVE)
            return 0
        finally:
            with self._changed:
                del self._speaking[task[0].id, number]
                self._changed.notify_all()

    def _kept(self, job: Job, number: int) -> float:
        try:
            self._store.set_state(job.id, State.RUNNING, only_from=(State.QUEUED, State.PAUSED))
            self._speak(job, number)
            return 0
        except Cancelled:
            return 0
        except (QueueFull, Unavailable) as error:
            return self._pause(job, error.message)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            return self._pause(job, "The disk is full." if full else f"The audio cannot be written: {error.strerror}.")
        except SpeechError as error:
            return self._failed(job, number, error)

    def _pause(self, job: Job, reason: str) -> float:
        self._store.set_state(job.id, State.PAUSED, reason, only_from=ACTIVE)
        return REST_S

    def _failed(self, job: Job, number: int, error: SpeechError) -> float:
        """Try again, some times; not what can never be said."""
        count = self._failures[job.id, number] = self._failures.get((job.id, number), 0) + 1
        if count < ATTEMPTS and not isinstance(error, InvalidRequest):
            return LOOK_S
        self._store.set_state(job.id, State.FAILED, f"Passage {number}: {error.message}", only_from=ACTIVE)
        return 0

    def _speak(self, job: Job, number: int) -> None:
        passage = self._store.passage(job.id, number)
        if passage is None:
            return  # the job was deleted
        seed = seed_of(job.request.get("seed"), number)
        request = SpeechRequest(**job.request | {"seed": seed}, caller=CALLER, owner=job.owner)
        with self._opened(job, number, request) as speech:
            speech.say(*passage.pieces)
            speech.end()
            samples, words = _collected(speech, keep_start=not number)
        self._results.write(job.id, number, samples, speech.sample_rate)
        self._store.finish(job.id, number, len(samples) / speech.sample_rate, words)

    @contextmanager
    def _opened(self, job: Job, number: int, request: SpeechRequest) -> Iterator[Speech]:
        with self._service.open(request) as speech:
            with self._changed:
                self._speaking[job.id, number] = speech
                if self._closed:
                    speech.cancel()
            now = self._store.job(job.id)
            if now is None or now.state not in ACTIVE:
                speech.cancel()  # it was stopped before it could be told
            yield speech


def _collected(speech: Speech, keep_start: bool) -> tuple[Samples, list[Word]]:
    """All of it; silence where the engine finds nothing to say."""
    try:
        chunks = list(without_edges(speech.chunks(), speech.sample_rate, keep_start))
    except InvalidRequest as error:
        if error.code is not ErrorCode.NOTHING_TO_SAY:
            raise
        chunks = []
    samples = [chunk.samples for chunk in chunks]
    return np.concatenate([np.zeros(0, np.float32), *samples]), [word for chunk in chunks for word in chunk.words]
