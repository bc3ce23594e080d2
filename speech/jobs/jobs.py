"""Jobs: what the API asks of them. One for a process; its state and audio are in one folder. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from speech.errors import NO_ROOM, InvalidRequest, JobNotFound, JobState, OutOfQuota, StorageFull, Unavailable
from speech.jobs.folder import Folder, Opened
from speech.jobs.follow import Gone, News, live, news
from speech.jobs.intake import Intake
from speech.jobs.job import ACTIVE, Job, JobChapter, Part, State
from speech.jobs.runner import REST_S, over_quota
from speech.jobs.whole import Wanted
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.subtitles import CAPTIONS, cues
from speech.text.document import Document

_GB = 1e9


@dataclass(frozen=True)
class Progress:
    """A job and what is known beside its row. seconds_left: until it is done; None where that is not known."""

    job: Job
    chapters: list[JobChapter]
    seconds_left: float | None


@dataclass(frozen=True)
class Change:
    """How a passage is to be made again; None: as it was."""

    text: str | None = None
    voice: str | None = None
    seed: int | None = None


class Jobs:
    """Every method may be called from any thread. Nothing is opened before it is needed.

    Methods that name a job raise JobNotFound, also for a job of another owner, and all raise Unavailable; those that
    write raise StorageFull.
    """

    def __init__(self, service: SpeechService, rest_s: float = REST_S) -> None:
        """rest_s: how long a job rests that was refused something: by the engine, the disk or the quota."""
        self._service = service
        self._folder = Folder(service, rest_s)
        self._intake = Intake(service)

    def resume(self) -> None:
        """Go on with the jobs of an earlier process, if there are any, as soon as no other process has them."""
        self._folder.resume()

    def close(self) -> None:
        self._folder.close()

    # -- what is asked ------------------------------------------------------------------------------------------

    def add(self, request: SpeechRequest, owner: str, document: Document) -> Job:
        """Take a text. request: how it is said; its own text is left aside.

        Raises InvalidRequest, VoiceNotFound, OutOfQuota.
        """
        taken = self._intake.take(request, owner, document)
        opened = self._folder.open()
        self._delete_old(opened)
        self._check_quota(opened)
        opened.store.add(taken.job, taken.titles, taken.parts)
        opened.runner.wake()
        return self.job(taken.job.id, owner)

    def job(self, job_id: str, owner: str) -> Job:
        opened = self._folder.open()
        found = opened.store.job(job_id)
        if found is None or found.owner != owner:
            raise JobNotFound("There is no such job.")
        return opened.runner.told(found)

    def progress(self, job_id: str, owner: str) -> Progress:
        job, opened = self.job(job_id, owner), self._folder.open()
        return Progress(job, opened.store.chapters(job_id), self._seconds_left(opened, job))

    def jobs(self, owner: str, limit: int, offset: int = 0) -> tuple[list[Job], int]:
        """The newest first, and how many there are in all."""
        opened = self._folder.open()
        self._delete_old(opened)
        found = opened.store.jobs(owner, limit, offset)
        return [opened.runner.told(job) for job in found], opened.store.count(owner)

    def passages(self, job_id: str, owner: str, limit: int, offset: int = 0) -> list[Part]:
        """In order, from the number `offset` on."""
        self.job(job_id, owner)
        return self._folder.open().store.parts(job_id, limit, offset)

    def cancel(self, job_id: str, owner: str) -> Job:
        """Stop it; what is done stays. Raises JobState."""
        self.job(job_id, owner)
        opened = self._folder.open()
        if not opened.store.set_state(job_id, State.CANCELLED, only_from=ACTIVE):
            raise JobState("Only a job that is queued, running or paused can be cancelled.")
        opened.runner.stop(job_id)
        return self.job(job_id, owner)

    def go_on(self, job_id: str, owner: str) -> Job:
        """Say what is missing of a job that was cancelled or failed. Raises JobState."""
        job, opened = self.job(job_id, owner), self._folder.open()
        state = State.QUEUED if job.done < job.total else State.DONE
        if not opened.store.set_state(job_id, state, only_from=(State.CANCELLED, State.FAILED)):
            raise JobState("Only a job that was cancelled or failed can be resumed.")
        opened.runner.wake()
        return self.job(job_id, owner)

    def make_again(self, job_id: str, owner: str, number: int, change: Change) -> Job:
        """One passage, with another text, voice or seed; the job goes on. Raises InvalidRequest, VoiceNotFound."""
        job, opened = self.job(job_id, owner), self._folder.open()
        part = opened.store.part(job_id, number) if number < job.total else None  # SQLite takes 64 bits
        if part is None:
            raise InvalidRequest(f"There is no passage {number}; the job has {job.total}, from 0.", param="number")
        if job.engine != self._service.choice.spec.name:
            raise JobState(f"The job was made with the engine {job.engine}, which does not run now.")
        passage = self._intake.altered(job, part, change.text, change.voice)
        seed = part.seed if change.seed is None else change.seed
        left_s = passage.seconds / float(job.request["speed"])
        opened.store.alter(job_id, replace(part, passage=passage, seed=seed), left_s)
        opened.results.forget(job_id, part)
        opened.results.keep_only(job_id, job.version + 1)
        opened.runner.wake()
        return self.job(job_id, owner)

    def delete(self, job_id: str, owner: str) -> None:
        """The job and its audio, in any state."""
        self.job(job_id, owner)
        self._delete(self._folder.open(), job_id)

    # -- what is made -------------------------------------------------------------------------------------------

    def file(self, job_id: str, owner: str, wanted: Wanted) -> Path:
        """A file of what is wanted. Raises JobState while some of it is missing, InvalidRequest for no chapter."""
        job, opened = self.job(job_id, owner), self._folder.open()
        chapters = self._chapters(opened, job, wanted.chapter)
        if any(chapter.done < chapter.total for chapter in chapters):
            raise JobState(f"The job is {job.state}, and some of this is not said yet.")
        try:
            return opened.files.file(job, chapters, wanted)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StorageFull("The disk has no room for this file.") from None
            raise Unavailable(f"The audio cannot be put together: {error.strerror}.") from None

    def captions(self, job_id: str, owner: str, captions: str, chapter: int | None = None) -> str:
        """captions: one of CAPTIONS. chapter: of that one alone. Raises as `file` does."""
        job, opened = self.job(job_id, owner), self._folder.open()
        chapters = self._chapters(opened, job, chapter)
        if any(chapter.done < chapter.total for chapter in chapters):
            raise JobState(f"The job is {job.state}; captions are there when all of it is said.")
        first, stop = _range(chapters)
        return CAPTIONS[captions].write(cues(opened.results.words(job_id, first, stop)))

    def follow(self, job_id: str, owner: str, since: int | None, gone: Gone) -> Iterator[News | None]:
        """What becomes of a job, until it has ended (news). After `gone` has become true, call `look_again`."""
        return news(self._folder.open(), self.job(job_id, owner), since, gone)

    def listen(self, job_id: str, owner: str, wanted: Wanted, gone: Gone) -> Iterator[bytes] | None:
        """The sound of a job that is being made, as it is made; None where a `file` can be had.

        Raises JobState for a job that is not made now, and for a zip or m4b, which need all of it.
        """
        job, opened = self.job(job_id, owner), self._folder.open()
        chapters = self._chapters(opened, job, wanted.chapter)
        if all(chapter.done == chapter.total for chapter in chapters):
            return None
        if job.state not in ACTIVE or wanted.whole:
            raise JobState(f"The job is {job.state}, and some of this is not said yet.")
        return live(opened, job, *_range(chapters), wanted.format, gone)

    def look_again(self) -> None:
        """Let those that follow or listen ask whether they are to go."""
        self._folder.open().store.database.notify()

    # -- inside -------------------------------------------------------------------------------------------------

    def _chapters(self, opened: Opened, job: Job, chapter: int | None) -> list[JobChapter]:
        """All, or the one that is asked for. Raises InvalidRequest."""
        chapters = opened.store.chapters(job.id)
        if chapter is None:
            return chapters
        if not chapter < len(chapters):
            raise InvalidRequest(
                f"There is no chapter {chapter}; the job has {len(chapters)}, from 0.", param="chapter"
            )
        return [chapters[chapter]]

    def _seconds_left(self, opened: Opened, job: Job) -> float | None:
        return opened.runner.seconds_left(job, opened.store.active()) if job.state in ACTIVE[:2] else None

    def _delete_old(self, opened: Opened) -> None:
        ttl_s = self._service.settings.job_ttl
        for job_id in opened.store.ended_before(ttl_s) if ttl_s >= 0 else ():
            with suppress(StorageFull, Unavailable):  # it is tried again
                self._delete(opened, job_id)

    def _delete(self, opened: Opened, job_id: str) -> None:
        """Its audio goes first where the disk is too full to write that it goes."""
        try:
            self._forget(opened, job_id)
        except StorageFull:
            opened.results.delete(job_id)
            self._forget(opened, job_id)

    def _forget(self, opened: Opened, job_id: str) -> None:
        opened.store.set_state(job_id, State.CANCELLED, only_from=ACTIVE)
        opened.runner.stop(job_id)
        opened.store.delete(job_id)
        opened.results.delete(job_id)

    def _check_quota(self, opened: Opened) -> None:
        used_bytes, most_gb = opened.results.used_bytes, self._service.settings.job_quota_gb
        if used_bytes >= most_gb * _GB:
            raise OutOfQuota(over_quota(used_bytes, most_gb))


def _range(chapters: list[JobChapter]) -> tuple[int, int]:
    """The first passage, and the one behind the last."""
    return chapters[0].first, chapters[-1].first + chapters[-1].total
