"""Driving a Stepper turn by turn, without a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from speech.engines.batch.stepper import Stepper
from speech.request import SpeechRequest
from tests.heard import Heard
from tests.speech.engines.kyutai.checkpoint import VOICES
from tests.tokens import tokens

FRAME = 1920


@dataclass(frozen=True)
class Case:
    """A text with its voice and cfg_coef."""

    text: str
    voice: str = VOICES[0]
    cfg_coef: float = 2.0

    @property
    def request(self) -> SpeechRequest:
        return SpeechRequest(text=self.text, voice=self.voice, cfg_coef=self.cfg_coef)


CASES = (
    Case("Hello world, this is a test (of the) river: short.", VOICES[0], 1.0),
    Case("Every morning she counts the gulls on the wall", VOICES[1], 2.0),
    Case("Rain.", VOICES[2], 3.5),
    Case("Rain and the café", VOICES[0], 2.0),
    Case("A letter for the post, ten past the hour.", VOICES[3], 4.0),
    Case("Answers come quickly", VOICES[2], 1.5),
)


@dataclass
class Job:
    """A case that comes at some turn, perhaps with its words one by one, and perhaps leaves early."""

    case: Case
    arrives: int = 0
    turns_per_word: int = 0  # 0: the whole text at once
    leaves: int | None = None  # so many turns after it came
    utterance: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.utterance = Heard(self.case.request)
        self._words = tokens(self.case.text)

    def act(self, turn: int, stepper: Stepper) -> None:
        """What the caller does at this turn."""
        since = turn - self.arrives
        if since == 0:
            stepper.admit(self.utterance)
        if since >= 0 and (self.turns_per_word == 0 or since % self.turns_per_word == 0):
            self._talk()
        if since == self.leaves:
            self.utterance.cancel()

    def _talk(self) -> None:
        if self.turns_per_word == 0:
            self.utterance.say(*self._words)
            self._words = []
        elif self._words:
            self.utterance.say(self._words.pop(0))
        if not self._words:
            self.utterance.end()


def play(stepper: Stepper, jobs: Sequence[Job], each_turn: Callable[[int], None] = lambda turn: None) -> int:
    """Turn until every job is over; how many turns that took."""
    turn = 0
    while not all(job.utterance.over for job in jobs):
        for job in jobs:
            job.act(turn, stepper)
        stepper.turn()
        each_turn(turn)
        turn += 1
        assert turn < 2000, "it does not end"
    stepper.turn()  # an utterance cancelled at the last turn gives its slot back
    return turn
