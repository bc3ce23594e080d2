"""How many model steps a listener waits, counted on the real runner."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from moshi.models.tts import TTSModel
from torch.utils._python_dispatch import TorchDispatchMode

from speech.engines.batch.runner import Frame, ModelRunner, Row
from speech.engines.batch.scheduler import Step, StepKind
from speech.engines.batch.stepper import Stepper
from speech.engines.kyutai.graphs import Action, AtOnce
from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.request import SpeechRequest
from tests.heard import utter
from tests.speech.engines.kyutai.checkpoint import VOICES
from tests.speech.engines.kyutai.helpers import CASES, Job, play
from tests.tokens import tokens

FIRST_SOUND = [StepKind.TEXT_ONLY] * 16 + [StepKind.FULL] * 3


class Counted(ModelRunner):
    """A runner that notes what it was asked for."""

    def __init__(self, runner: ModelRunner) -> None:
        self.runner, self.slots, self.sample_rate = runner, runner.slots, runner.sample_rate
        self.steps: list[Step] = []
        self.frames: list[set[int]] = []
        self.resets: list[set[int]] = []

    def prepare(self, request: SpeechRequest) -> Any:
        return self.runner.prepare(request)

    def reset(self, joins: Mapping[int, Any]) -> Mapping[int, Row]:
        self.resets.append(set(joins))
        return self.runner.reset(joins)

    def step(self, step: Step) -> Mapping[int, Frame]:
        frames = self.runner.step(step)
        self.steps.append(step)
        self._note(frames)
        return frames

    def settle(self) -> None:
        self.runner.settle()

    def flush(self) -> Mapping[int, Frame]:
        frames = self.runner.flush()
        self._note(frames)
        return frames

    def _note(self, frames: Mapping[int, Frame]) -> None:
        """After how many steps they came: a device that runs ahead gives them after the next one was begun."""
        self.frames += [set()] * (len(self.steps) - len(self.frames))
        if frames:
            self.frames[-1] = self.frames[-1] | set(frames)

    def recover(self) -> None:
        self.runner.recover()

    def close(self) -> None:
        self.runner.close()


class Operations(TorchDispatchMode):
    """Notes which of torch's operations run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(str(func))
        return func(*args, **(kwargs or {}))


class Tried(AtOnce):
    """Runs a part once when it is made, as for a graph."""

    def part(self, action: Action) -> Action:
        action()
        return action


@pytest.fixture(scope="module")
def eight(load_model: Callable[..., TTSModel], embedding: Embedding) -> Iterator[KyutaiRunner]:
    runner = KyutaiRunner(load_model(), embedding, slots=8, temperature=0.0)
    yield runner
    runner.close()


def test_first_sound_after_16_text_only_and_3_full_steps(runner: KyutaiRunner) -> None:
    counted = Counted(runner)
    job = Job(CASES[2])
    play(Stepper(counted, max_queue=0), [job])
    assert [step.kind for step in counted.steps[:19]] == FIRST_SOUND
    heard = next(index for index, frames in enumerate(counted.frames) if frames)
    assert heard == 18 + runner._launcher.ahead, "a device that runs ahead was given the next step already"
    assert all(step.kind is StepKind.FULL for step in counted.steps[19:])
    assert len(counted.steps) == 18 + len(job.utterance.heard)


def test_a_newcomer_beside_seven_speakers(eight: KyutaiRunner) -> None:
    counted = Counted(eight)
    stepper = Stepper(counted, max_queue=0, clock=lambda: 0.0)  # as if steps were slow: 2 text-only ones between
    request = SpeechRequest(voice=VOICES[1])
    for number in range(7):
        stepper.admit(utter(request, tokens("river " * (12 + number))))
    for _ in range(30):
        stepper.turn()
    newcomer, came = utter(request, tokens("hello river")), len(counted.steps)
    stepper.admit(newcomer)
    while not newcomer.heard:
        stepper.turn()
    assert counted.resets == [set(range(7)), {7}]
    assert len(counted.steps) - came <= 1.5 * 19
    kinds = [step.kind for step in counted.steps[came:]]
    assert [StepKind.TEXT_ONLY] * 3 not in [kinds[i : i + 3] for i in range(len(kinds))]
    for row in range(7):
        sounded = [index for index, frames in enumerate(counted.frames) if row in frames and index >= came - 3]
        assert max(later - sooner for sooner, later in itertools.pairwise(sounded)) <= 3
    while stepper.turn():
        pass


def test_who_cancels_takes_part_in_no_further_step(runner: KyutaiRunner) -> None:
    counted = Counted(runner)
    stepper = Stepper(counted, max_queue=1)
    jobs = [Job(CASES[0], leaves=25), Job(CASES[1])]
    play(stepper, jobs)
    assert 0 in counted.steps[24].rows
    assert all(0 not in step.rows for step in counted.steps[25:])


def test_the_first_listeners_ask_for_nothing_that_the_warm_up_did_not(
    load_model: Callable[..., TTSModel], embedding: Embedding
) -> None:
    """CUDA loads the code of an operation when it first runs: of joins, of steps, and of moves to lower rows."""
    with Operations() as warmed:
        runner = KyutaiRunner(load_model(), embedding, slots=8, launch=Tried())
    try:
        with Operations() as asked:
            play(Stepper(Counted(runner), max_queue=0), [Job(CASES[0], leaves=30) for _ in range(6)] + [Job(CASES[1])])
        assert [runner._places[slot] for slot in range(8)] != list(range(8)), "a row was moved"
        assert asked.names - warmed.names == set()
    finally:
        runner.close()
