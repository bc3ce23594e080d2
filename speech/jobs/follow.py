"""A job as it is made: its news (news), and its sound (live). Both wait for what is still to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

from speech.errors import Cancelled, Unavailable
from speech.jobs.folder import Opened
from speech.jobs.job import ACTIVE, Job, Part, State
from speech.jobs.whole import encoder_for
from speech.request import AudioChunk

AT_ONCE = 100  # news of passages that are read together
LOOK_S = 10.0  # without a change: how often there is at least a sign

Gone = Callable[[], bool]  # whether the listener has left; who sets it calls Database.notify
News = Job | Part


def news(opened: Opened, job: Job, since: int | None, gone: Gone) -> Iterator[News | None]:
    """The job as it is; then each passage that changes, and the job after it, until the job has ended.

    since: a `change`: first come the passages that changed later. None: those that change from now on. It gives None
    when there has been nothing for LOOK_S.
    """
    database, seen = opened.store.database, job.change if since is None else min(since, job.change)
    yield job
    told = job
    while True:
        changes = database.changes
        found = opened.store.job(job.id)
        if found is None or gone():
            return
        found = opened.runner.told(found)
        if found.change > seen or found != told:
            yield from _since(opened, job.id, seen)
            yield found
            seen, told = found.change, found
        if found.state not in ACTIVE or opened.runner.closed:
            return
        if not database.wait(changes, LOOK_S):
            yield None


def _since(opened: Opened, job_id: str, seen: int) -> Iterator[Part]:
    while found := opened.store.changed_since(job_id, seen, AT_ONCE):
        yield from found
        seen = found[-1].change


def live(opened: Opened, job: Job, first: int, stop: int, format_name: str, gone: Gone) -> Iterator[bytes]:
    """The sound of passages from `first` to before `stop` in one of ENCODERS, each as soon as it is there.

    Raises Cancelled when the listener or the job is gone, Unavailable when the job stops before its end.
    """
    with closing(encoder_for(job, format_name, opened.results.sample_rate)) as encoder:
        for number in range(first, stop):
            for chunk in _sound(opened, job.id, number, gone, begins=number == first):
                if data := encoder.encode(chunk.samples):
                    yield data
        if data := encoder.flush():
            yield data


def _sound(opened: Opened, job_id: str, number: int, gone: Gone, begins: bool) -> Iterator[AudioChunk]:
    database = opened.store.database
    while not gone():
        changes = database.changes
        for part, _ in opened.store.finished(job_id, number, number + 1):
            yield from opened.results.sound(job_id, part, begins)
            return
        _check(opened, job_id)
        database.wait(changes, LOOK_S)
    raise Cancelled("The client left.")


def _check(opened: Opened, job_id: str) -> None:
    """Whether the passage that is missing will come."""
    job = opened.store.job(job_id)
    if job is None:
        raise Cancelled("The job was deleted.")
    if job.state not in (*ACTIVE, State.DONE):
        raise Unavailable(f"The job is {job.state}.")
    if opened.runner.closed:
        raise Unavailable("The service is shutting down.")
