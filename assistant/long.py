"""Long texts (LongSpeech): the service says them as jobs, which one asks about, as no client waits for an hour.

The protocol's own tasks would fit; the SDK (mcp 2.3) does not have them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from assistant.doors import Doors
from assistant.files import OutputFiles, format_of
from assistant.job import Order
from assistant.results import SpeechJob

if TYPE_CHECKING:
    from speech.remote.client import ServiceClient

LONG_CHARS = 4_000  # some four minutes of speech
MOST_CHARS = 20_000  # of what this process says by itself, and waits for


class Planned(NamedTuple):
    """Where the file of a job goes, as it was asked for when the job began."""

    target: Path
    overwrite: bool


class LongSpeech:
    """Every method may be called from any thread, and takes as long as the network."""

    def __init__(self, doors: Doors, files: OutputFiles) -> None:
        self._doors, self._files = doors, files
        self._lock = threading.Lock()
        self._planned: dict[str, Planned] = {}  # of the jobs that were begun here
        self._written: dict[str, Path] = {}

    def start(self, order: Order, target: Path, overwrite: bool) -> str | None:
        """The id of the job that says it; None if it is said at once. Raises SpeechError."""
        if len(order.text) <= LONG_CHARS:
            return None
        client = self._service()
        if client is None and len(order.text) <= MOST_CHARS:
            return None
        if client is None:
            raise _needs_service(f"Texts of more than {MOST_CHARS} characters")
        job_id = str(client.start_job(order.request(order.format))["id"])
        with self._lock:
            self._planned[job_id] = Planned(target, overwrite)
        return job_id

    def look(self, job_id: str, output_path: str | None, overwrite: bool | None) -> SpeechJob:
        """How far the job is; its file is written when it is done. Raises SpeechError, BadPath.

        output_path, overwrite: None: what `start` was told.
        """
        client = self._service()
        if client is None:
            raise _needs_service("Jobs")
        job = client.job(job_id)
        path = self._file(client, job, output_path, overwrite) if job["state"] == "done" else None
        return SpeechJob.model_validate({**job, "job_id": job_id, "output_path": path and str(path)}, extra="ignore")

    def _service(self) -> ServiceClient | None:
        backend, door = self._doors.choose()
        return cast("ServiceClient", door) if backend == "service" else None

    def _file(
        self, client: ServiceClient, job: dict[str, Any], output_path: str | None, overwrite: bool | None
    ) -> Path:
        """Written once, unless another path is asked for."""
        job_id = str(job["id"])
        with self._lock:
            written = self._written.get(job_id)
            planned = self._planned.get(job_id)
        if written and not output_path:
            return written
        if overwrite is None:
            overwrite = planned.overwrite if planned else True
        if planned and not output_path:
            target = planned.target
        else:
            target = self._files.target(output_path or f"{job_id}.{job['format']}", overwrite)
        self._files.write(target, client.job_audio(job_id, format_of(target)), overwrite)
        with self._lock:
            self._written[job_id] = target
        return target


def _needs_service(what: str) -> Exception:
    from speech.errors import Unavailable

    return Unavailable(f"{what} need the running speech service. Start it (./start.sh), or set KYUTAI_TTS_URL.")
