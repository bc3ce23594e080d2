"""One call of text_to_speech in a worker thread (Job), watched from the event loop (run_job).

The thread only speaks. The loop tells the client how far it is, and stops the thread as soon as the call is cancelled
or has taken too long, in any phase: connecting, loading, waiting for a slot, speaking.
"""

from __future__ import annotations

import io
import math
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from assistant.doors import Doors, SpeechInProgress
from assistant.phase import phase
from assistant.results import Backend

if TYPE_CHECKING:
    from speech.request import SpeechRequest

Report = Callable[[float, None, str], Awaitable[None]]  # seconds so far, no total, what is being done

REPORT_EVERY_S = 0.5
_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True)
class Order:
    """What a caller asked for."""

    text: str
    format: str
    voice: str | None = None
    cfg_coef: float | None = None
    speed: float = 1.0
    temperature: float | None = None
    seed: int | None = None
    language: str | None = None

    def request(self, format: str) -> SpeechRequest:
        """What is asked of the door, with its audio in this format rather than the file's."""
        from speech.request import SpeechRequest

        return SpeechRequest(**{**vars(self), "format": format})


@dataclass(frozen=True)
class Spoken:
    """Speech that is complete."""

    data: bytes  # one file of the format
    seconds: float
    backend: Backend
    ignored: tuple[str, ...]


class Job:
    """`run` belongs to the worker thread; `cancel` and `phase` may be called from any."""

    def __init__(self, doors: Doors, order: Order) -> None:
        self._doors, self._order = doors, order
        self._stopping = threading.Lock()
        self._cancelled = False
        self._speech: SpeechInProgress | None = None

    def run(self) -> Spoken:
        """Speak the whole of it. Raises SpeechError."""
        backend, door = self._doors.choose()
        with door.speak(self._order.request("pcm")) as speech:
            self._begin(speech)
            pcm = b"".join(speech.encoded())
            data = to_file(pcm, speech.sample_rate, self._order.format)
            return Spoken(data, len(pcm) / _BYTES_PER_SAMPLE / speech.sample_rate, backend, speech.ignored)

    def cancel(self) -> None:
        with self._stopping:
            self._cancelled = True
            if self._speech is not None:
                self._speech.cancel()

    def phase(self) -> str:
        """What is going on, for people who wait."""
        return phase(self._speech)

    def _begin(self, speech: SpeechInProgress) -> None:
        with self._stopping:
            self._speech = speech
            if self._cancelled:
                speech.cancel()


async def run_job(job: Job, report: Report, timeout_s: float = math.inf, every_s: float = REPORT_EVERY_S) -> Spoken:
    """Run it and report progress. Raises SpeechError, and TimeoutError after so many seconds."""
    with anyio.fail_after(timeout_s):
        async with anyio.create_task_group() as watchers:
            watchers.start_soon(_keep_reporting, job, report, every_s)
            watchers.start_soon(_cancel_with_us, job)
            outcome = await anyio.to_thread.run_sync(_outcome, job, limiter=_no_limit())
            watchers.cancel_scope.cancel()
        await anyio.lowlevel.checkpoint()  # if it was cancelled, the outcome is of no interest
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def to_file(pcm: bytes, sample_rate: int, name: str) -> bytes:
    """16-bit mono samples -> a whole file of that format, made as the service makes it. Raises InvalidRequest."""
    import numpy as np

    from speech.encoders import ENCODERS, make_encoder
    from speech.errors import InvalidRequest

    if name not in ENCODERS:
        raise InvalidRequest(f"Files in .{name} cannot be written here; choose one of {', '.join(ENCODERS)}.")
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32767)
    file = io.BytesIO()
    with closing(make_encoder(name, sample_rate, file=file)) as encoder:
        encoder.encode(samples)
        encoder.flush()
        return file.getvalue()


def _outcome(job: Job) -> Spoken | Exception:
    """A task group would wrap an exception of the thread's in a group of one."""
    try:
        return job.run()
    except Exception as error:
        return error


async def _keep_reporting(job: Job, report: Report, every_s: float) -> None:
    """The progress is the time that has passed: it grows in every phase, and the speech's length is not known yet."""
    began = time.monotonic()
    while True:
        await report(time.monotonic() - began, None, job.phase())
        await anyio.sleep(every_s)


async def _cancel_with_us(job: Job) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        job.cancel()


def _no_limit() -> anyio.CapacityLimiter:
    """Calls are bounded by the slots and the queue of the engine that speaks, not by threads."""
    return anyio.CapacityLimiter(math.inf)
