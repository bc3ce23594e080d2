"""Speaks the passages of jobs while no request waits (Runner): a few threads, a passage each. Knows no HTTP.

A passage begins only while no request waits for a slot, and one slot stays free. So people wait for a job for one
passage at most.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from speech.errors import NO_ROOM, Cancelled, InvalidRequest, SpeechError, VoiceNotFound
from speech.jobs.database import DISK_IS_FULL
from speech.jobs.job import ACTIVE, Job, Part, Said, State
from speech.jobs.pauses import NOT_NOW, Pauses
from speech.jobs.places import Place, Places, Saying
from speech.jobs.results import Results
from speech.jobs.speaker import Speaker, Take
from speech.jobs.store import Store
from speech.jobs.turns import Turns
from speech.service import SpeechService

log = logging.getLogger("kyutai_tts.jobs")

LOOK_S = 0.5  # while there is something to say: how often a thread looks whether a slot is free
REST_S = 10.0  # after an engine or a disk that refused
ATTEMPTS = 3  # at one passage
_GB = 1e9

Task = tuple[Job, int, Place]


class Runner:
    """Its threads end when the service drains, or with `close`."""

    def __init__(
        self, service: SpeechService, store: Store, results: Results, places: Places, rest_s: float = REST_S
    ) -> None:
        """places: where passages are said. rest_s: how long a job rests that was refused something."""
        self._service, self._store, self._results, self._rest_s = service, store, results, rest_s
        self._pauses = Pauses(store, rest_s)
        self._places = places
        self._speaker = Speaker(results.sample_rate)
        self._changed = threading.Condition()  # guards all below
        self._turns = Turns(time.monotonic)
        self._speaking: dict[tuple[str, int], Saying | None] = {}  # job and number of what is being said
        self._failures: dict[tuple[str, int], int] = {}
        self._stirred = 0  # how often there may have come something to do
        self._closed = False
        self._ending = threading.Event()
        threads = [threading.Thread(target=self._run, name=f"job-{i}", daemon=True) for i in range(places.most)]
        self._threads = [*threads, threading.Thread(target=self._end, name="jobs-end", daemon=True)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """A job was added or goes on."""
        self._pauses.end_all()
        self._stir()

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

    @property
    def closed(self) -> bool:
        """Nothing is said any more by this process."""
        return self._closed

    def seconds_left(self, job: Job, jobs: list[Job]) -> float | None:
        """Until the job is done. jobs: all that are active."""
        with self._changed:
            return self._turns.seconds_left(job, jobs)

    def told(self, job: Job) -> Job:
        """As it is, also while the disk takes nothing."""
        return self._pauses.told(job)

    # -- threads ------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """When the service drains, or at `close`: nothing waits for jobs."""
        with self._service.when_draining(self._ending.set):
            self._ending.wait()
        with self._changed:
            self._closed = True
            self._cancel(None)
            self._changed.notify_all()
        self._store.database.notify()

    def _cancel(self, job_id: str | None) -> None:
        for (job, _), speech in self._speaking.items():
            if speech is not None and job_id in (None, job):
                speech.cancel()

    def _run(self) -> None:
        while not self._closed:
            stirred = self._stirred
            try:
                if task := self._take():
                    self._do(task)
                else:
                    self._wait(stirred, LOOK_S if self._store.active() else None)
            except (*NOT_NOW, OSError) as error:
                log.warning("jobs: %s", error)
                self._wait(stirred, self._rest_s)

    def _wait(self, stirred: int, most_s: float | None) -> None:
        """Until there may be something to do."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._stirred > stirred, most_s)

    def _stir(self) -> None:
        """There may be something to do."""
        with self._changed:
            self._stirred += 1
            self._changed.notify_all()

    # -- what is next -------------------------------------------------------------------------------------------

    def _take(self) -> Task | None:
        """The next passage, if there is room for it."""
        self._places.look()
        with self._changed:
            place = None if self._closed else self._places.claim(len(self._speaking))
            found = self._next_for(place) if place else None
        if not place and (reason := self._places.obstacle):
            for job in self._store.active():
                self._pauses.begin(job, reason)
        return found

    def _next_for(self, place: Place) -> Task | None:
        found = None
        try:
            found = self._next()
        finally:
            if found is None:
                place.leave()
        return (*found, place) if found else None

    def _next(self) -> tuple[Job, int] | None:
        with self._changed:
            for job in self._turns.in_order(self._store.active()):
                if self._may_go_on(job) and (number := self._next_of(job)) is not None:
                    self._speaking[job.id, number] = None
                    self._turns.took(job)
                    return job, number
        return None

    def _next_of(self, job: Job) -> int | None:
        missing = self._store.missing(job.id, self._places.most)
        return next((number for number in missing if (job.id, number) not in self._speaking), None)

    def _may_go_on(self, job: Job) -> bool:
        """Not while it rests, nor with another engine, nor over the quota."""
        if not self._pauses.is_over(job):
            return False
        if reason := self._obstacle(job):
            self._pauses.begin(job, reason)
        return not reason

    def _obstacle(self, job: Job) -> str:
        engine, most_gb = self._service.choice.spec.name, self._service.settings.job_quota_gb
        if job.engine != engine:
            return f"It is made with the engine {job.engine}, and {engine} runs. Start the service with that one."
        if self._results.used_bytes >= most_gb * _GB:
            return over_quota(self._results.used_bytes, most_gb)
        return "" if self._results.has_room else DISK_IS_FULL

    # -- one passage --------------------------------------------------------------------------------------------

    def _do(self, task: Task) -> None:
        """Say one passage and keep it."""
        job, number, place = task
        try:
            self._kept(job, number, place)
        except Exception:
            log.exception("a passage of job %s failed", job.id)
            self._fail(job, "The fault is ours; the log says more.")
        finally:
            place.leave()
            with self._changed:
                del self._speaking[job.id, number]
                self._stir()

    def _kept(self, job: Job, number: int, place: Place) -> None:
        try:
            self._pauses.goes_on(job)
            self._speak(job, number, place)
        except Cancelled:
            return
        except NOT_NOW as error:
            self._pauses.begin(job, error.message)
        except OSError as error:
            full = error.errno in NO_ROOM
            self._pauses.begin(job, DISK_IS_FULL if full else f"The audio cannot be written: {error.strerror}.")
        except SpeechError as error:
            self._failed(job, number, error)

    def _failed(self, job: Job, number: int, error: SpeechError) -> None:
        """Try again, some times; not what can never be said."""
        count = self._failures[job.id, number] = self._failures.get((job.id, number), 0) + 1
        if count >= ATTEMPTS or isinstance(error, InvalidRequest | VoiceNotFound):
            self._failures.pop((job.id, number))
            self._fail(job, f"Passage {number}: {error.message}")

    def _fail(self, job: Job, reason: str) -> None:
        self._pauses.set_state(job, State.FAILED, reason)

    def _speak(self, job: Job, number: int, place: Place) -> None:
        part = self._store.part(job.id, number)
        if part is None:
            return  # the job was deleted
        take = self._speaker.say(job, part, lambda request: self._opened(job, number, place.open(request)))
        self._results.write(job.id, part, take.samples)
        self._finish(job, part, take)

    def _finish(self, job: Job, part: Part, take: Take) -> None:
        seconds = len(take.samples) / self._results.sample_rate
        flaws = tuple(sorted(take.flaws))
        if self._store.finish(job.id, part, Said(seconds, take.words, take.retried, flaws)):
            self._service.metrics.passage_done(retried=take.retried, flaws=flaws)
            with self._changed:
                self._turns.made(seconds)

    @contextmanager
    def _opened(self, job: Job, number: int, opening: AbstractContextManager[Saying]) -> Iterator[Saying]:
        with opening as speech:
            with self._changed:
                self._speaking[job.id, number] = speech
                if self._closed:
                    speech.cancel()
            now = self._store.job(job.id)
            if now is None or now.state not in ACTIVE:
                speech.cancel()  # it was stopped before it could be told
            yield speech


def over_quota(used_bytes: int, most_gb: float) -> str:
    return f"The audio of jobs takes {used_bytes / _GB:.3g} GB of {most_gb:g} GB (JOB_QUOTA_GB); delete some."
