"""Files of a job as people take them away (Wanted, WholeFiles): the whole, a chapter, or a zip of its chapters.

Each is made at the first request and kept beside the passages until one of them is made again.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from speech.encoders import ENCODERS, make_encoder
from speech.encoders.base import Encoder
from speech.encoders.m4b import M4bEncoder, Mark
from speech.jobs.job import Job, JobChapter
from speech.jobs.making import PATIENCE_S, Making
from speech.jobs.results import Results

M4B = "m4b"
FORMATS = (*ENCODERS, M4B)
ZIP_TYPE = "application/zip"
NAME_CHARS = 80


@dataclass(frozen=True)
class Wanted:
    """format: one of FORMATS. chapter: only that one. zipped: a file for each chapter, in a zip."""

    format: str
    chapter: int | None = None
    zipped: bool = False

    @property
    def media_type(self) -> str:
        if self.zipped:
            return ZIP_TYPE
        return M4bEncoder.media_type if self.format == M4B else ENCODERS[self.format].media_type

    @property
    def whole(self) -> bool:
        """It cannot be begun before all of it is there."""
        return self.zipped or self.format == M4B

    def name(self, version: int) -> str:
        """Of its file beside the passages."""
        part = "all" if self.chapter is None else str(self.chapter)
        return f"audio-{version}-{part}.{self._ending}"

    def title(self, job: Job) -> str:
        """What a browser calls the file."""
        part = "" if self.chapter is None else f" {self.chapter + 1:03}"
        return f"{safe_name((job.title or 'speech') + part)}.{self._ending}"

    @property
    def _ending(self) -> str:
        return f"{self.format}.zip" if self.zipped else self.format


class WholeFiles:
    """Every method may be called from any thread."""

    def __init__(self, results: Results, patience_s: float = PATIENCE_S) -> None:
        """patience_s: how long a request waits for a file that is being made."""
        self._results = results
        self._making = Making(patience_s)

    def file(self, job: Job, chapters: Sequence[JobChapter], wanted: Wanted) -> Path:
        """chapters: those that it holds, all of them complete. Raises OSError, Unavailable while it is being made."""
        path = self._results.whole(job.id, wanted.name(job.version))
        if not path.exists():
            self._making.make(path, lambda: self._make(path, job, chapters, wanted))
        return path

    def _make(self, path: Path, job: Job, chapters: Sequence[JobChapter], wanted: Wanted) -> None:
        with self._results.making(path) as whole, open(whole, "w+b") as file:
            if wanted.zipped:
                self._zip(file, job, chapters, wanted)
            else:
                self._encode(file, job, chapters, wanted)

    def _zip(self, file: IO[bytes], job: Job, chapters: Sequence[JobChapter], wanted: Wanted) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for chapter in chapters:
                single = replace(wanted, chapter=chapter.number, zipped=False)
                name = f"{chapter.number + 1:03} {chapter.title}" if chapter.title else f"{chapter.number + 1:03}"
                path = self._results.whole(job.id, single.name(job.version))
                if not path.exists():
                    self._make(path, job, [chapter], single)
                archive.write(path, f"{safe_name(name)}.{wanted.format}")

    def _encode(self, file: IO[bytes], job: Job, chapters: Sequence[JobChapter], wanted: Wanted) -> None:
        first, stop = chapters[0].first, chapters[-1].first + chapters[-1].total
        with closing(self._encoder(file, job, chapters, wanted)) as encoder:
            for chunk in self._results.joined(job.id, first, stop):
                encoder.encode(chunk.samples)
            encoder.flush()

    def _encoder(self, file: IO[bytes], job: Job, chapters: Sequence[JobChapter], wanted: Wanted) -> Encoder:
        if wanted.format == M4B:
            return M4bEncoder(self._results.sample_rate, None, file, title=job.title, marks=marks(chapters))
        return encoder_for(job, wanted.format, self._results.sample_rate, file)


def encoder_for(job: Job, format_name: str, sample_rate: int, file: IO[bytes] | None = None) -> Encoder:
    """One with the bit rate and the sample rate that the job asks for, if it asks for that format."""
    asked = job.request if job.request["format"] == format_name else {}
    return make_encoder(
        format_name, sample_rate, wanted=asked.get("sample_rate"), bitrate_kbps=asked.get("bitrate"), file=file
    )


def marks(chapters: Sequence[JobChapter]) -> list[Mark]:
    """Where each chapter lies in a file that holds these."""
    begin_s = chapters[0].start_s or 0.0
    starts = [(chapter.start_s or 0.0) - begin_s for chapter in chapters]
    stops = [*starts[1:], starts[-1] + chapters[-1].seconds]
    titles = [chapter.title or f"{chapter.number + 1}" for chapter in chapters]
    return [Mark(*mark) for mark in zip(titles, starts, stops, strict=True)]


def safe_name(name: str) -> str:
    """As part of a file's name on any system."""
    return re.sub(r"[^\w .,'()-]+", "_", name).strip(" .")[:NAME_CHARS] or "audio"
