"""The folder of jobs below OUTPUT_DIR (Folder): one process has it at a time. Opened when it is first needed."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from filelock import FileLock, Timeout

from speech.errors import NO_ROOM, ErrorCode, SpeechError, StorageFull, Unavailable
from speech.jobs.database import DISK_IS_FULL
from speech.jobs.places import Here, Places
from speech.jobs.results import Results
from speech.jobs.runner import REST_S, Runner
from speech.jobs.store import Store
from speech.jobs.whole import WholeFiles
from speech.jobs.workers import Workers
from speech.remote.client import ServiceClient
from speech.service import SpeechService

log = logging.getLogger("kyutai_tts.jobs")

NAME = "jobs"
DATABASE = "jobs.sqlite3"
RESUME_S = 1.0  # how often it is tried while another process has the jobs
TAKEN = "Another process works on the jobs in OUTPUT_DIR; ask again when it has ended."


@dataclass(frozen=True)
class Opened:
    """What works on the jobs of a folder."""

    store: Store
    results: Results
    files: WholeFiles
    runner: Runner


class Folder:
    """Every method may be called from any thread."""

    def __init__(self, service: SpeechService, rest_s: float = REST_S) -> None:
        """rest_s: how long a job rests that was refused something."""
        self._service, self._rest_s = service, rest_s
        self._folder = service.settings.output_dir / NAME
        self._lock = threading.Lock()
        self._opened: Opened | None = None
        self._held: FileLock | None = None

    def resume(self) -> None:
        """Go on with the jobs of an earlier process, if there are any, as soon as no other process has them."""
        if (self._folder / DATABASE).exists():
            threading.Thread(target=self._resume, name="jobs-resume", daemon=True).start()

    def open(self) -> Opened:
        """Raises Unavailable if another process has the folder, it cannot be written or what is in it is of no use;
        StorageFull."""
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.runner.close()
                self._opened.store.close()
                self._opened = None
            if self._held is not None:
                self._held.release()

    def _resume(self) -> None:
        told = TAKEN
        while not self._service.draining:
            try:
                self.open()
                return
            except SpeechError as error:
                if error.message not in (TAKEN, told):
                    log.warning("the jobs of an earlier run do not go on yet: %s", error.message)
                told = error.message
                time.sleep(RESUME_S)

    def _places(self) -> Places:
        settings = self._service.settings
        if not settings.job_workers:
            return Here(self._service)
        return Workers([ServiceClient(url, settings.job_workers_key) for url in settings.job_workers])

    def _open(self) -> Opened:
        if self._service.draining:
            raise Unavailable("The service is shutting down.", code=ErrorCode.DRAINING, retry_after_s=5)
        store = self._taken()
        results = Results(self._folder, store, self._service.choice.spec.sample_rate)
        runner = Runner(self._service, store, results, self._places(), self._rest_s)
        runner.start()
        return Opened(store, results, WholeFiles(results), runner)

    def _taken(self) -> Store:
        """The state of the jobs, once no other process has it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._held = FileLock(self._folder / "jobs.lock")
            self._held.acquire(timeout=0)
            return Store(self._folder / DATABASE)
        except Timeout:
            raise Unavailable(TAKEN, retry_after_s=5) from None
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StorageFull(DISK_IS_FULL) from None
            raise Unavailable(f"OUTPUT_DIR cannot be written: {error.strerror}.") from None
