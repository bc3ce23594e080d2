"""What a batched model looks like from outside (ModelRunner, Row). Knows no thread, no queue, no torch.

A runner is used by one thread from `reset` to `close`; only `prepare` and `memory_bytes` may be called from others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speech.engines.batch.scheduler import Step, StepKind
from speech.request import Piece, Samples, SpeechRequest, Word


class OutOfMemory(Exception):
    """The accelerator has no room for what was asked. The rows that took part are lost, the runner is not."""


@dataclass(frozen=True)
class Frame:
    """80 ms of one row, as the model made them."""

    samples: Samples  # a copy: the next step does not change it; empty where the end alone is told
    words: tuple[Word, ...] = ()  # those that begin in it
    last: bool = False  # nothing comes after it


class Row(ABC):
    """One utterance inside a runner: text goes in word by word."""

    tokens: int = 0  # text tokens that it has got so far; 0 where the model has no such thing
    bounded: bool = False  # it stops a text that comes to no end by itself

    @property
    @abstractmethod
    def hungry(self) -> bool:
        """It can take another piece before its next step."""

    @property
    @abstractmethod
    def words_left(self) -> int:
        """Words it has that were not said yet."""

    @abstractmethod
    def say(self, piece: Piece) -> None:
        """One more word or pause. Any exception fails this utterance alone."""

    @abstractmethod
    def end(self) -> None:
        """No more pieces will come."""

    @property
    @abstractmethod
    def needs(self) -> StepKind | None:
        """The step that takes it further; None while it must wait for words."""


class ModelRunner(ABC):
    """One model stepping `slots` rows together. Owns the codec: what comes out is audio."""

    slots: int
    sample_rate: int  # Hz

    @abstractmethod
    def prepare(self, request: SpeechRequest) -> Any:
        """What `reset` needs to seat this request. Touches no accelerator; may read a file.

        Raises a SpeechError if the request cannot be spoken (voice, cfg_coef).
        """

    @abstractmethod
    def reset(self, joins: Mapping[int, Any]) -> Mapping[int, Row]:
        """Seat new utterances: slot -> what `prepare` gave. Nothing of a slot's past remains. Raises OutOfMemory."""

    @abstractmethod
    def step(self, step: Step) -> Mapping[int, Frame]:
        """Run one step; the frames of those rows that sound. Raises OutOfMemory.

        A runner whose device runs ahead may give the frames of the step before instead; then rows are up to date after
        `settle`, and `flush` gives the rest.
        """

    def settle(self) -> None:  # noqa: B027  nothing to wait for where step waits
        """Wait until the rows know what the last step made of them. Called before each turn."""

    def flush(self) -> Mapping[int, Frame]:
        """The frames that were not given yet, when no step follows."""
        return {}

    @abstractmethod
    def recover(self) -> None:
        """After OutOfMemory: give back what can be given back."""

    @property
    def memory_bytes(self) -> int | None:
        """Held on the accelerator; None where there is none."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Free the model. Called by the thread that used it, as its last act."""
