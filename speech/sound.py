"""Samples as they come -> bytes of a format (Sound). Knows neither engine nor slot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from speech.encoders import ENCODERS, make_encoder, rate_of
from speech.encoders.base import Encoder
from speech.request import AudioChunk, Samples, SpeechRequest, Word


@dataclass
class Counts:
    """What was said so far."""

    words: int = 0
    samples: int = 0
    starts: list[int] = field(default_factory=list)  # of every word that came in its place, also if it is not said

    @property
    def words_total(self) -> int:
        """Words that came in so far, also those that are not said: a client may have counted them."""
        return len(self.starts)

    def index(self, word: Word) -> int:
        """Which of the words that came in it is, from 0."""
        return max(0, bisect_right(self.starts, word.start) - 1)


class Sound(ABC):
    """What `chunks` gives, as bytes of the format that the request asks for.

    A subclass counts what it hands out and sets `complete` when that was all.
    """

    def __init__(self, request: SpeechRequest, sample_rate: int) -> None:
        """sample_rate: Hz, of the chunks."""
        self.request, self.sample_rate = request, sample_rate
        self.counts = Counts()
        self.complete = False  # everything was said and handed out

    @abstractmethod
    def chunks(self) -> Iterator[AudioChunk]:
        """Audio as it is made, from the beginning."""

    @property
    def media_type(self) -> str:
        return ENCODERS[self.request.format].media_type

    @property
    def encoded_rate(self) -> int:
        """Hz of the audio as it is encoded; `sample_rate` is that of `chunks`."""
        return rate_of(self.request.format, self.sample_rate, self.request.sample_rate)

    def encoded(self) -> Iterator[bytes]:
        """The bytes of the requested format as they are made; together they are one file."""
        encoder = self.encoder()
        try:
            for chunk in self.chunks():
                if data := encoder.encode(chunk.samples):
                    yield data
            if data := encoder.flush():
                yield data
        finally:
            encoder.close()

    def write(self, file: IO[bytes]) -> None:
        """All of it into an empty file that can be sought, with true sizes in its header, as it is made."""
        self._write(file, (chunk.samples for chunk in self.chunks()))

    def write_silence(self, file: IO[bytes], seconds: float) -> None:
        """So much silence instead, where there is nothing to say. The engine is not asked."""
        samples = np.zeros(round(seconds * self.sample_rate), np.float32)
        self._write(file, [samples])
        self.counts.samples, self.complete = len(samples), True

    def _write(self, file: IO[bytes], parts: Iterable[Samples]) -> None:
        with closing(self.encoder(file)) as encoder:
            for samples in parts:
                encoder.encode(samples)
            encoder.flush()

    def encoder(self, file: IO[bytes] | None = None) -> Encoder:
        """One for the requested format, that gives bytes or writes them. The caller closes it."""
        asked = self.request
        return make_encoder(
            asked.format, self.sample_rate, wanted=asked.sample_rate, bitrate_kbps=asked.bitrate, file=file
        )

    @property
    def seconds(self) -> float:
        """Seconds of audio handed out so far."""
        return self.counts.samples / self.sample_rate

    @property
    def share(self) -> float | None:
        """How much of the words that came was said, 0 to 1; None before there are any."""
        return self.counts.words / self.counts.words_total if self.counts.words_total else None
