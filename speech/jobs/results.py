"""The audio of jobs: a FLAC file for each passage, written whole or not at all; joined, they are the job's audio."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from speech.captions import WordTimes
from speech.encoders import make_encoder
from speech.errors import ErrorCode, Unavailable
from speech.jobs.job import Part
from speech.jobs.store import Store
from speech.joints import silence
from speech.request import AudioChunk, Samples, Word

ROOM_BYTES = 2_000_000  # for one passage more, and what is told of it; a minute is about 1.5 MB
FULL_SCALE = 32767  # as the encoders have it: samples come out as they went in


class Results:
    """Files below one folder, a folder for each job. Every method may be called from any thread."""

    def __init__(self, folder: Path, store: Store, sample_rate: int) -> None:
        """sample_rate: Hz of what is written."""
        self._folder, self._store, self.sample_rate = folder, store, sample_rate
        self._lock = threading.Lock()
        for left in folder.glob("*/.*"):  # by a process that was killed while it wrote
            shutil.rmtree(left, ignore_errors=True)
        self._used_bytes = sum(_bytes_below(inner) for inner in folder.iterdir() if inner.is_dir())

    def write(self, job_id: str, part: Part, samples: Samples) -> None:
        """One passage. Raises OSError; then nothing is left of it."""
        with (
            self.making(self._file(job_id, part)) as whole,
            open(whole, "w+b") as file,
            closing(make_encoder("flac", self.sample_rate, file=file)) as encoder,
        ):
            encoder.encode(samples)
            encoder.flush()

    def joined(self, job_id: str, first: int, stop: int) -> Iterator[AudioChunk]:
        """The sound of the passages from `first` to before `stop` that are done, with the pauses between them.

        Raises Unavailable as `sound` does.
        """
        for part, _ in self._store.finished(job_id, first, stop):
            yield from self.sound(job_id, part, begins=part.number == first)

    def sound(self, job_id: str, part: Part, begins: bool) -> Iterator[AudioChunk]:
        """One passage, after its pause. begins: nothing comes before it, so no pause does.

        Raises Unavailable where its file is gone, or is not as it was written.
        """
        samples = self._samples(job_id, part)
        if not begins:
            yield from silence(part.pause_s, self.sample_rate)
        yield AudioChunk(samples, self.sample_rate)

    def words(self, job_id: str, first: int, stop: int) -> Iterator[Word]:
        """The words of what `joined` gives, with both of their times. No file is read: a book has hours of them."""
        times, made = WordTimes(), 0  # in samples, as sums of seconds would drift
        for part, words in self._store.finished(job_id, first, stop):
            made += 0 if part.number == first else self._samples_in(part.pause_s)
            for word in words:
                yield from times.add(_later(word, made / self.sample_rate))
            made += self._samples_in(part.seconds or 0.0)
        yield from times.end(made / self.sample_rate)

    def _samples_in(self, seconds: float) -> int:
        return round(seconds * self.sample_rate)

    def _samples(self, job_id: str, part: Part) -> Samples:
        try:
            samples = _decoded(self._file(job_id, part))
        except (OSError, av.error.FFmpegError) as error:
            why = error.strerror or type(error).__name__
        else:
            if len(samples) == self._samples_in(part.seconds or 0.0):
                return samples
            why = "it has another length"
        raise Unavailable(
            f"The audio of passage {part.number} cannot be used ({why}). Make that passage again.",
            param=f"passages[{part.number}]",
            code=ErrorCode.PASSAGE_DAMAGED,
        )

    def forget(self, job_id: str, part: Part) -> None:
        """Delete the sound of a passage that is to be made again."""
        self._remove(self._file(job_id, part))

    def delete(self, job_id: str) -> None:
        folder = self._folder / job_id
        gone = _bytes_below(folder)
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._used_bytes -= gone

    @property
    def used_bytes(self) -> int:
        """Of the audio of all jobs."""
        return self._used_bytes

    @property
    def has_room(self) -> bool:
        """Whether the disk takes another passage. Raises OSError."""
        return shutil.disk_usage(self._folder).free >= ROOM_BYTES

    @contextmanager
    def making(self, path: Path) -> Iterator[Path]:
        """Where to write a file that appears at `path` when all of it is on the disk, or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            whole = Path(folder) / path.name
            yield whole
            _to_disk(whole)
            with self._lock:
                self._used_bytes += whole.stat().st_size - (path.stat().st_size if path.exists() else 0)
                os.replace(whole, path)

    def whole(self, job_id: str, name: str) -> Path:
        """The place of a file of the whole, or of a chapter."""
        return self._folder / job_id / name

    def keep_only(self, job_id: str, version: int) -> None:
        """Delete files of the whole that are of another version."""
        for path in (self._folder / job_id).glob("audio-*"):
            if not path.name.startswith(f"audio-{version}-"):
                self._remove(path)

    def _remove(self, path: Path) -> None:
        with self._lock, suppress(OSError):
            size = path.stat().st_size
            path.unlink()
            self._used_bytes -= size

    def _file(self, job_id: str, part: Part) -> Path:
        return self._folder / job_id / f"{part.number:06}-{part.version}.flac"


def _bytes_below(folder: Path) -> int:
    total = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(inner, name)).st_size
    return total


def _to_disk(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _later(word: Word, seconds: float) -> Word:
    return replace(word, start_s=word.start_s + seconds, stop_s=None if word.stop_s is None else word.stop_s + seconds)


def _decoded(path: Path) -> Samples:
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    samples: Samples = np.concatenate([np.zeros(0, np.int16), *parts]).astype(np.float32) / np.float32(FULL_SCALE)
    return samples
