"""Jobs: what the API asks of them. One for a process; its state and audio are in one folder. Knows no HTTP."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from speech.errors import ErrorCode, InvalidRequest, JobNotFound, JobState, OutOfQuota, Unavailable
from speech.jobs.results import Results
from speech.jobs.runner import Runner
from speech.jobs.store import ACTIVE, Job, State, Store
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.subtitles import CAPTIONS, cues
from speech.text.passages import passages
from speech.text.pipe import anything_said, read
from speech.text.remarks import Remarks

KEPT = ("voice", "format", "bitrate", "speed", "cfg_coef", "temperature", "top_k", "seed", "language")
FOLDER = "jobs"
DATABASE = "jobs.sqlite3"
RESUME_S = 1.0  # how often it is tried while another process has the jobs
TAKEN = "Another process works on the jobs in OUTPUT_DIR; ask again when it has ended."
_GB = 1e9


class Jobs:
    """Every method may be called from any thread. Nothing is opened before it is needed."""

    def __init__(self, service: SpeechService) -> None:
        self._service = service
        self._folder = service.settings.output_dir / FOLDER
        self._lock = threading.Lock()
        self._parts: tuple[Store, Results, Runner] | None = None
        self._held: FileLock | None = None

    def resume(self) -> None:
        """Go on with the jobs of an earlier process, if there are any, as soon as no other process has them."""
        if (self._folder / DATABASE).exists():
            threading.Thread(target=self._resume, name="jobs-resume", daemon=True).start()

    def close(self) -> None:
        with self._lock:
            if self._parts is not None:
                store, _, runner = self._parts
                runner.close()
                store.close()
                self._parts = None
            if self._held is not None:
                self._held.release()

    # -- what is asked ------------------------------------------------------------------------------------------

    def add(self, request: SpeechRequest, owner: str, title: str = "") -> Job:
        """Take a text. Raises InvalidRequest, VoiceNotFound, OutOfQuota, Unavailable."""
        request, most = replace(request, owner=owner), self._service.settings.max_job_chars
        if len(request.text) > most:
            message = f"text has {len(request.text)} characters; at most {most} are allowed (MAX_JOB_CHARS)."
            raise InvalidRequest(message, param="text", code=ErrorCode.TEXT_TOO_LONG)
        pieces = read(request.text, self._service.manner(request).reader(Remarks()))
        if not anything_said(pieces):
            raise InvalidRequest("text has no words that can be said.", param="text", code=ErrorCode.NOTHING_TO_SAY)
        settled = self._service.settled(request)
        store, results, runner = self._open()
        self._delete_old(store, results)
        self._check_quota(results)
        seeded = replace(settled, seed=secrets.randbits(32) if settled.seed is None else settled.seed)
        job_id = secrets.token_urlsafe(16)
        store.add(job_id, owner, title, _kept(seeded), passages(pieces))
        runner.wake()
        return self.job(job_id, owner)

    def job(self, job_id: str, owner: str) -> Job:
        """Raises JobNotFound, also for a job of another owner."""
        found = self._open()[0].job(job_id)
        if found is None or found.owner != owner:
            raise JobNotFound("There is no such job.")
        return found

    def jobs(self, owner: str, limit: int, offset: int = 0) -> list[Job]:
        """The newest first."""
        store, results, _ = self._open()
        self._delete_old(store, results)
        return store.jobs(owner, limit, offset)

    def cancel(self, job_id: str, owner: str) -> Job:
        """Stop it; what is done stays. Raises JobNotFound, JobState."""
        self.job(job_id, owner)
        store, _, runner = self._open()
        if not store.set_state(job_id, State.CANCELLED, only_from=ACTIVE):
            raise JobState("Only a job that is queued, running or paused can be cancelled.")
        runner.stop(job_id)
        return self.job(job_id, owner)

    def go_on(self, job_id: str, owner: str) -> Job:
        """Say what is missing of a job that was cancelled or failed. Raises JobNotFound, JobState."""
        self.job(job_id, owner)
        store, _, runner = self._open()
        if not store.set_state(job_id, State.QUEUED, only_from=(State.CANCELLED, State.FAILED)):
            raise JobState("Only a job that was cancelled or failed can be resumed.")
        runner.wake()
        return self.job(job_id, owner)

    def delete(self, job_id: str, owner: str) -> None:
        """The job and its audio, in any state. Raises JobNotFound."""
        self.job(job_id, owner)
        store, results, runner = self._open()
        store.set_state(job_id, State.CANCELLED, only_from=ACTIVE)
        runner.stop(job_id)
        store.delete(job_id)
        results.delete(job_id)

    def audio(self, job_id: str, owner: str, format_name: str | None = None) -> Path:
        """A file of the whole. format_name: one of ENCODERS; None: the job's. Raises JobNotFound, JobState."""
        job = self._done(job_id, owner)
        try:
            return self._open()[1].file(job, format_name or job.request["format"])
        except OSError as error:
            raise Unavailable(f"The audio cannot be put together: {error.strerror}.") from None

    def captions(self, job_id: str, owner: str, captions: str) -> str:
        """captions: one of CAPTIONS. Raises JobNotFound, JobState."""
        job = self._done(job_id, owner)
        chunks = self._open()[1].audio(job)
        return CAPTIONS[captions].write(cues(word for chunk in chunks for word in chunk.words))

    # -- inside -------------------------------------------------------------------------------------------------

    def _done(self, job_id: str, owner: str) -> Job:
        job = self.job(job_id, owner)
        if job.state is not State.DONE:
            raise JobState(f"The job is {job.state}; its audio and captions are there when it is done.")
        return job

    def _resume(self) -> None:
        while not self._service.draining:
            try:
                self._open()
                return
            except Unavailable:
                time.sleep(RESUME_S)

    def _open(self) -> tuple[Store, Results, Runner]:
        """Raises Unavailable if another process has the folder, or it cannot be written."""
        with self._lock:
            if self._parts is None:
                self._parts = self._opened()
            return self._parts

    def _opened(self) -> tuple[Store, Results, Runner]:
        if self._service.draining:
            raise Unavailable("The service is shutting down.", code=ErrorCode.DRAINING, retry_after_s=5)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._held = FileLock(self._folder / "jobs.lock")
            self._held.acquire(timeout=0)
            store = Store(self._folder / DATABASE)
        except Timeout:
            raise Unavailable(TAKEN, retry_after_s=5) from None
        except OSError as error:
            raise Unavailable(f"OUTPUT_DIR cannot be written: {error.strerror}.") from None
        results = Results(self._folder, store)
        runner = Runner(self._service, store, results)
        runner.start()
        return store, results, runner

    def _delete_old(self, store: Store, results: Results) -> None:
        ttl_s = self._service.settings.job_ttl
        for job_id in store.ended_before(ttl_s) if ttl_s >= 0 else ():
            store.delete(job_id)
            results.delete(job_id)

    def _check_quota(self, results: Results) -> None:
        used_gb, most_gb = results.used_bytes() / _GB, self._service.settings.job_quota_gb
        if used_gb >= most_gb:
            raise OutOfQuota(f"The audio of jobs takes {used_gb:.3g} GB of {most_gb:g} GB (JOB_QUOTA_GB); delete some.")


def _kept(request: SpeechRequest) -> dict[str, Any]:
    """The fields of a request that its passages need, as JSON has them."""
    fields = asdict(request)
    return {name: fields[name] for name in KEPT}
