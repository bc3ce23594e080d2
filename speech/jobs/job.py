"""What a job is, and how far it has come: plain data. Passages and chapters are numbered from 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from speech.request import Word
from speech.text.passages import Passage


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"  # it cannot go on now, the reason says why; it goes on by itself
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (State.QUEUED, State.RUNNING, State.PAUSED)


class Flaw(StrEnum):
    """What is wrong with the sound of a passage; a public contract."""

    WORDS_MISSING = "words_missing"  # fewer words were said than there are
    TOO_LONG = "too_long"  # it sounds for far longer than its text should
    SILENT = "silent"  # no sound, or a silence that the text does not ask for
    CLIPPED = "clipped"  # samples at full scale


@dataclass(frozen=True)
class NewJob:
    """request: the fields of a SpeechRequest that its passages need. warnings: of its text, as answers show them.

    engine: the name of the one for which it is made: voices and sample rate are that one's.
    """

    id: str
    owner: str
    title: str
    request: dict[str, Any]
    engine: str
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """request, engine, warnings: as of a NewJob. Times are seconds since 1970."""

    id: str
    owner: str
    title: str
    state: State
    reason: str
    request: dict[str, Any]
    engine: str
    warnings: list[dict[str, Any]]
    created_at: float
    changed_at: float
    total: int  # passages
    done: int
    seconds: float  # of audio that is made, with the pause before each passage
    left_s: float  # of audio that is missing, as estimated
    flawed: int  # passages with a flaw
    version: int  # grows when a passage is to be made again: files of the whole are of one version
    change: int  # grows with every change


@dataclass(frozen=True)
class JobChapter:
    """first: the number of its first passage. seconds: made so far, with the pauses inside it once it is complete.

    start_s: where it begins in the audio of the whole; None while that is not known.
    """

    number: int
    title: str
    first: int
    total: int
    done: int
    seconds: float
    start_s: float | None


@dataclass(frozen=True)
class Part:
    """A passage of a job. pause_s: of silence before it, at the job's pace.

    voice: an id. seed: its own. change: that of the job when it was finished or altered. seconds: None: it is missing.
    start_s: where its sound begins in the audio of the whole; None while that is not known.
    """

    number: int
    chapter: int
    passage: Passage
    pause_s: float
    seed: int | None
    version: int
    change: int
    seconds: float | None
    retried: bool
    flaws: tuple[Flaw, ...]
    spoken: int | None  # words that were told; None: it is missing
    start_s: float | None = None


@dataclass(frozen=True)
class Said:
    """What is known of the sound of a passage. words: with both times, from the start of the passage."""

    seconds: float
    words: tuple[Word, ...]
    retried: bool = False
    flaws: tuple[Flaw, ...] = ()
