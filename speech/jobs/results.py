"""The audio of jobs: a FLAC file for each passage, written whole or not at all; joined, they are the job's audio."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from speech.captions import with_times
from speech.encoders import ENCODERS
from speech.jobs.store import Job, Store
from speech.joints import silence
from speech.relay import PAUSES_S
from speech.request import AudioChunk, Samples, Word
from speech.text.passages import Passage

FULL_SCALE = 32767  # as the encoders have it: samples come out as they went in


class Results:
    """Files below one folder, a folder for each job."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder, self._store = folder, store

    def write(self, job_id: str, number: int, samples: Samples, sample_rate: int) -> None:
        """One passage. Raises OSError; then nothing is left of it."""
        self._make(self._passage(job_id, number), "flac", sample_rate, [samples])

    def file(self, job: Job, format_name: str) -> Path:
        """The whole audio in that format, made at the first call. Raises OSError."""
        path = self._folder / job.id / f"audio.{format_name}"
        if not path.exists():
            parts = (chunk.samples for chunk in self.audio(job))
            self._make(path, format_name, _rate(self._passage(job.id, 0)), parts)
        return path

    def audio(self, job: Job) -> Iterator[AudioChunk]:
        """Of a job that is done: every passage, pauses between them, and the words with times of the whole."""
        yield from with_times(self._joined(job))

    def _joined(self, job: Job) -> Iterator[AudioChunk]:
        made, sample_rate = 0, _rate(self._passage(job.id, 0))
        for number, passage, words in self._store.finished(job.id):
            for chunk in _pause(job, number, passage, sample_rate):
                made += len(chunk.samples)
                yield chunk
            begun_s = made / sample_rate
            samples = _samples(self._passage(job.id, number))
            made += len(samples)
            yield AudioChunk(samples, sample_rate, tuple(_later(word, begun_s) for word in words))

    def delete(self, job_id: str) -> None:
        shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def used_bytes(self) -> int:
        total = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with suppress(OSError):
                    total += os.stat(os.path.join(folder, name)).st_size
        return total

    def _passage(self, job_id: str, number: int) -> Path:
        return self._folder / job_id / f"{number:06}.flac"

    def _make(self, path: Path, format_name: str, sample_rate: int, parts: Iterable[Samples]) -> None:
        """The file appears when all of it is on the disk."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            whole = Path(folder) / path.name
            with open(whole, "w+b") as file, closing(ENCODERS[format_name](sample_rate, None, file)) as encoder:
                for samples in parts:
                    encoder.encode(samples)
                encoder.flush()
                file.flush()
                os.fsync(file.fileno())
            os.replace(whole, path)


def _pause(job: Job, number: int, passage: Passage, sample_rate: int) -> Iterator[AudioChunk]:
    """Before a passage, at the job's pace."""
    if number:
        pause_s = max(passage.pause_s, PAUSES_S[passage.join])
        yield from silence(pause_s / float(job.request["speed"]), sample_rate)


def _later(word: Word, seconds: float) -> Word:
    return replace(word, start_s=word.start_s + seconds, stop_s=None if word.stop_s is None else word.stop_s + seconds)


def _rate(path: Path) -> int:
    with av.open(str(path)) as container:
        return container.streams.audio[0].rate


def _samples(path: Path) -> Samples:
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    samples: Samples = np.concatenate([np.zeros(0, np.int16), *parts]).astype(np.float32) / np.float32(FULL_SCALE)
    return samples
