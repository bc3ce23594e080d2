"""Long work on the tiny checkpoint, counted in steps of the model: a chapter in passages, jobs beside listeners.

Steps are counted on the engine's thread, which is held while a test brings listeners: no figure depends on a clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from moshi.models.tts import TTSModel

from speech.engines.base import Utterance
from speech.engines.batch.engine import BatchedEngine
from speech.engines.batch.runner import Frame
from speech.engines.batch.scheduler import Step
from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.errors import Cancelled
from speech.jobs.job import State
from speech.jobs.jobs import Jobs
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.session import Speech
from speech.settings import Settings
from speech.text.document import Document
from tests.services import make_service
from tests.waiting import wait_until

SENTENCE = "Every morning she counts the gulls on the wall and the river and the rain."
WORDS = 3000
CHAPTER = " ".join([SENTENCE] * (WORDS // len(SENTENCE.split())))
SLOTS = 8
WAIT_S = 600.0  # against hanging only


class CountedRunner(KyutaiRunner):
    """Counts its steps, tells after how many each watched utterance sounds, and stands still where it is told to."""

    count = 0
    hold_at: int | None = None

    def __init__(self, *arguments: object, **more: object) -> None:
        self.held, self.goes_on = threading.Event(), threading.Event()
        self.watched: dict[Utterance, int] = {}  # since which step
        self.took: dict[Utterance, int] = {}
        super().__init__(*arguments, **more)  # type: ignore[arg-type]

    def step(self, step: Step) -> Mapping[int, Frame]:
        for utterance, since in list(self.watched.items()):
            if utterance.made_s:
                self.took[utterance] = self.count - since
                del self.watched[utterance]
        if self.hold_at is not None and self.count >= self.hold_at:
            self.hold_at = None
            self.held.set()
            assert self.goes_on.wait(WAIT_S)
        self.count += 1
        return super().step(step)


class Stage:
    """A service over a counted engine."""

    def __init__(self, runner: CountedRunner, service: SpeechService) -> None:
        self.runner, self.service = runner, service

    def speak(self, text: str, **more: object) -> Speech:
        return self.service.speak(SpeechRequest(text, cfg_coef=None, **more))  # type: ignore[arg-type]

    def steps_of(self, text: str, **more: object) -> tuple[int, int]:
        """Of one who speaks alone: of all of it, and until the first sound."""
        before = self.runner.count
        with self.speak(text, **more) as speech:
            self.runner.watched[speech.utterance] = before
            for _ in speech.chunks():
                pass
            return self.runner.count - before, self.runner.took[speech.utterance]

    def first_sounds(self, texts: Sequence[str]) -> list[int]:
        """Steps until each of these is heard, who come at once, between two steps."""
        goes_on, runner = self.runner.goes_on, self.runner
        goes_on.clear()
        runner.held.clear()
        runner.hold_at = runner.count
        assert runner.held.wait(WAIT_S)
        with ExitStack() as held:
            speeches = [held.enter_context(self.speak(text)) for text in texts]
            for speech in speeches:
                runner.watched[speech.utterance] = runner.count
            readers = [threading.Thread(target=lambda it=speech: list(it.chunks())) for speech in speeches]
            for reader, speech in zip(readers, speeches, strict=True):
                reader.start()
                assert speech.decided.wait(WAIT_S)
            goes_on.set()
            for reader in readers:
                reader.join()
            return [runner.took[speech.utterance] for speech in speeches]


StageOf = Callable[[int], AbstractContextManager[Stage]]


@pytest.fixture
def stage_of(load_model: Callable[..., TTSModel], embedding: Embedding, tmp_path: Path) -> StageOf:
    @contextmanager
    def of_slots(slots: int) -> Iterator[Stage]:
        runner = CountedRunner(load_model(), lambda _: embedding(None), slots=slots, temperature=0.0)
        engine = BatchedEngine(lambda: runner, max_queue=slots)
        settings = Settings(engine="hibari", gpu_idle_timeout=-1, output_dir=tmp_path)
        service = make_service(lambda _: engine, settings)
        service.load()
        try:
            yield Stage(runner, service)
        finally:
            runner.goes_on.set()
            service.close()

    return of_slots


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_chapter_of_3000_words_takes_a_fifth_of_the_steps_of_one_row(stage_of: StageOf) -> None:
    with stage_of(SLOTS) as stage:
        _, idle = stage.steps_of(SENTENCE)
        with stage.speak(CHAPTER) as chapter:
            reader = threading.Thread(target=drained, args=(chapter,))
            reader.start()
            assert chapter.decided.wait(WAIT_S)
            (second,) = stage.first_sounds([SENTENCE])
            chapter.cancel()
            reader.join()
        side_by_side, first = stage.steps_of(CHAPTER)
        print(f"until the first sound: a sentence {idle}, a chapter {first}, a second listener {second}", flush=True)
        one_row, _ = stage.steps_of(CHAPTER, passages=False)
        print(f"steps: {side_by_side} in passages, {one_row} in one row: {side_by_side / one_row:.1%}")
    assert side_by_side <= one_row / 5
    assert first <= idle
    assert second <= 1.5 * idle


def drained(speech: Speech) -> None:
    """Read to its end, or until it is cancelled."""
    with suppress(Cancelled):
        for _ in speech.chunks():
            pass


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_listeners_beside_twenty_jobs(stage_of: StageOf) -> None:
    """16 slots: the jobs have at most four of them."""
    with stage_of(16) as stage:
        _, idle = stage.steps_of(SENTENCE)
        jobs = Jobs(stage.service, rest_s=0.05)
        try:
            for _ in range(20):
                jobs.add(SpeechRequest(cfg_coef=None, seed=1), "", Document.of_text(f"{SENTENCE} {SENTENCE}"))
            wait_until(lambda: stage.service.engine_status().slots_used == 4)
            sounds = stage.first_sounds([SENTENCE] * 10)
            wait_until(lambda: all(job.state is State.DONE for job in jobs.jobs("", 50)[0]), WAIT_S)
        finally:
            jobs.close()
    print(f"until the first sound: alone {idle}, ten beside twenty jobs {sorted(sounds)}")
    assert max(sounds) <= 1.5 * idle
