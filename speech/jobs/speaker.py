"""Says one passage of a job (Speaker): once, and again with another seed where its sound has a flaw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from speech.errors import EngineFailed, ErrorCode, InvalidRequest
from speech.jobs.job import Flaw, Job, Part
from speech.jobs.places import Saying
from speech.jobs.quality import flaws_of
from speech.joints import without_edges
from speech.relay import seed_of
from speech.request import AudioChunk, Samples, SpeechRequest, Word

CALLER = "jobs"  # all jobs together get one caller's share of the slots
RUNAWAY = (ErrorCode.SPEECH_WITHOUT_END, ErrorCode.NO_SOUND)  # errors that another seed may not have
HEARD_TIMES, HEARD_MORE_S = 4.0, 20.0  # longer than its text should last by so much: it is not heard to its end

Open = Callable[[SpeechRequest], AbstractContextManager[Saying]]


@dataclass(frozen=True)
class Take:
    """One reading of a passage."""

    samples: Samples
    words: tuple[Word, ...]
    flaws: frozenset[Flaw]
    retried: bool = False


class Speaker:
    """Every method may be called from any thread."""

    def __init__(self, sample_rate: int) -> None:
        """sample_rate: the engine's, in Hz."""
        self._sample_rate = sample_rate

    def say(self, job: Job, part: Part, open_speech: Open) -> Take:
        """The better of two takes, if the first has a flaw. The same job and part give the same one.

        open_speech: as SpeechService.open. Raises SpeechError.
        """
        first = self._take(job, part, open_speech, attempt=0)
        if first and not first.flaws:
            return first
        second = self._take(job, part, open_speech, attempt=1)
        takes = [take for take in (first, second) if take]
        if not takes:
            raise EngineFailed("The model came to no end, nor did it with another seed.", code=RUNAWAY[0])
        return replace(min(takes, key=lambda take: len(take.flaws)), retried=True)

    def _take(self, job: Job, part: Part, open_speech: Open, attempt: int) -> Take | None:
        """None if it ran away without a sound that could be kept."""
        speed = float(job.request["speed"])
        try:
            with open_speech(request_of(job, part, attempt)) as speech:
                speech.say(*part.passage.pieces)
                speech.end()
                samples, words = self._heard(speech, part, speed)
        except EngineFailed as error:
            if error.code not in RUNAWAY:
                raise
            return None
        found = flaws_of(part.passage, samples, words, self._sample_rate, speed)
        return Take(samples, tuple(words), frozenset(found))

    def _heard(self, speech: Saying, part: Part, speed: float) -> tuple[Samples, list[Word]]:
        """All of it, up to a length that no reading has; silence where the engine finds nothing to say."""
        most_s = (HEARD_TIMES * part.passage.seconds + HEARD_MORE_S) / speed
        sound = without_edges(_up_to(speech.chunks(), most_s), self._sample_rate, keep_start=not part.number)
        try:
            chunks = list(sound)
        except InvalidRequest as error:
            if error.code is not ErrorCode.NOTHING_TO_SAY:
                raise
            chunks = []
        samples = [chunk.samples for chunk in chunks]
        return np.concatenate([np.zeros(0, np.float32), *samples]), [word for chunk in chunks for word in chunk.words]


def request_of(job: Job, part: Part, attempt: int) -> SpeechRequest:
    """What an engine is asked for. attempt: from 0; each has a seed of its own."""
    own = {"voice": part.passage.voice or job.request["voice"], "seed": _seed(job, part, attempt)}
    said = {name: job.request[name] for name in ("speed", "cfg_coef", "temperature", "top_k", "language")}
    return SpeechRequest(**said | own, caller=CALLER, owner=job.owner)


def _seed(job: Job, part: Part, attempt: int) -> int:
    seed = part.seed if part.seed is not None else seed_of(job.request["seed"], part.number)
    assert seed is not None
    return int(np.random.SeedSequence([seed, attempt]).generate_state(1)[0]) if attempt else seed


def _up_to(chunks: Iterator[AudioChunk], most_s: float) -> Iterator[AudioChunk]:
    heard_s = 0.0
    for chunk in chunks:
        yield chunk
        heard_s += chunk.seconds
        if heard_s > most_s:
            return
