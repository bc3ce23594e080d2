"""A book through one job: does the memory of the process grow?

    python -m benchmarks book [--engine hum] [--characters 1000000]

The job runs in this process, without HTTP. A line is fitted through the resident memory by the passages that are done,
from the first tenth on; then the whole is put together as m4b, and captions are written, with the memory that it takes.
hum: the tests' engine, a tone for each word, so that a million characters are jobs' work alone.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import SENTENCE, options, tell
from gpu_manager import GPUManager
from speech.engines.sentence.engine import SentenceEngine
from speech.errors import ErrorCode, Unavailable
from speech.jobs.job import State
from speech.jobs.jobs import Jobs
from speech.jobs.whole import Wanted
from speech.request import SpeechRequest
from speech.service import SpeechService, build_service
from speech.settings import Settings
from speech.text.document import Chapter, Document, Paragraph
from tests.services import make_service
from tests.toy_engine import Hummer

ME = ""
CHAPTER_CHARS = 20_000
PARAGRAPH_CHARS = 600
ROWS = 10
LOOK_S = 0.25
ENGINE = ("--engine", {"choices": ["hum", "hibari"], "default": "hum"})


class Hum(Hummer):
    sample_rate = 24_000  # as the row of the embedded voice says


def main() -> None:
    told = options(__doc__, ENGINE, ("--characters", {"type": int, "default": 1_000_000}))
    characters = 20_000 if told.quick else told.characters
    with tempfile.TemporaryDirectory() as folder, jobs_in(Path(folder), told.engine) as jobs:
        seen = list(said(jobs, book(characters)))
        rows = [*rows_of(seen), taken("m4b", lambda: whole(jobs)), taken("captions", lambda: captions(jobs))]
    tell(f"a book of {characters} characters, {told.engine}", rows, told.json)
    print(f"\nslope: {slope(seen):+.1f} kB for 100 passages, over {seen[-1][0]} passages")


@contextmanager
def jobs_in(folder: Path, engine: str) -> Iterator[Jobs]:
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, output_dir=folder, max_job_chars=10_000_000)
    service = make_service(lambda _: SentenceEngine(Hum(), 8, 8), settings) if engine == "hum" else real(settings)
    jobs = Jobs(service)
    try:
        yield jobs
    finally:
        jobs.close()
        service.close()


def real(settings: Settings) -> SpeechService:
    return build_service(settings, GPUManager())


def book(characters: int) -> Document:
    """Of that many characters, or a sentence more; every sentence is another one."""
    chapters: list[Chapter] = []
    paragraphs: list[Paragraph] = []
    sentences: list[str] = []
    made = number = 0
    while made < characters:
        number += 1
        sentences.append(f"Number {number}: {SENTENCE}")
        made += len(sentences[-1])
        if sum(map(len, sentences)) >= PARAGRAPH_CHARS or made >= characters:
            paragraphs.append(Paragraph(" ".join(sentences), None))
            sentences = []
        if len(paragraphs) * PARAGRAPH_CHARS >= CHAPTER_CHARS or made >= characters:
            chapters.append(Chapter(f"Chapter {len(chapters) + 1}", tuple(paragraphs)))
            paragraphs = []
    return Document("A book", tuple(chapters))


def said(jobs: Jobs, document: Document) -> Iterator[tuple[int, float, float]]:
    """Passages that are done, megabytes and seconds, while the job is made."""
    process, began = psutil.Process(), time.monotonic()
    job = jobs.add(SpeechRequest(seed=1), ME, document)
    while job.state is not State.DONE:
        if job.state is State.FAILED:
            raise SystemExit(job.reason)
        time.sleep(LOOK_S)
        job = jobs.job(job.id, ME)
        yield job.done, process.memory_info().rss / 1e6, time.monotonic() - began


def rows_of(seen: list[tuple[int, float, float]]) -> list[dict[str, Any]]:
    """The first look after each tenth of the passages."""
    rows = []
    for part in range(1, ROWS + 1):
        done, size_mb, seconds = next(look for look in seen if look[0] >= seen[-1][0] * part / ROWS)
        row = {"": "passages", "done": done, "MB": size_mb, "seconds": seconds}
        rows.append(row | {"load of the machine": os.getloadavg()[0]})
    return rows


def slope(seen: list[tuple[int, float, float]]) -> float:
    """Kilobytes for each 100 passages, by least squares, without the first tenth."""
    settled = [look for look in seen if look[0] >= seen[-1][0] / ROWS]
    done, size_mb, _ = np.array(settled).T
    return float(np.polyfit(done, size_mb, 1)[0] * 100_000)


def taken(name: str, work: Callable[[], int]) -> dict[str, Any]:
    """What a file of the whole takes: its bytes, the memory after it, the time."""
    began = time.monotonic()
    size = work()
    return {
        "": name,
        "done": size,
        "MB": psutil.Process().memory_info().rss / 1e6,
        "seconds": time.monotonic() - began,
    }


def whole(jobs: Jobs) -> int:
    (job,), _ = jobs.jobs(ME, 1)
    while True:
        try:
            return jobs.file(job.id, ME, Wanted("m4b")).stat().st_size
        except Unavailable as error:
            if error.code is not ErrorCode.FILE_IN_MAKING:
                raise


def captions(jobs: Jobs) -> int:
    (job,), _ = jobs.jobs(ME, 1)
    return len(jobs.captions(job.id, ME, "vtt"))


if __name__ == "__main__":
    main()
