"""The turn and the thread, with a runner that only counts."""

from __future__ import annotations

import gc
import os
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from speech.engines.base import STEP_S, Utterance, UtteranceStatus
from speech.engines.batch.engine import BatchedEngine
from speech.engines.batch.runner import Frame, ModelRunner, OutOfMemory, Row
from speech.engines.batch.scheduler import Step, StepKind
from speech.engines.batch.stepper import Stepper, fade, longest_s, text_only_between
from speech.errors import EngineBroken, EngineClosed, EngineFailed, InvalidRequest, QueueFull, SpeechError, Unavailable
from speech.request import Pause, Piece, SpeechRequest, Token, Word
from tests.heard import Heard, utter
from tests.tokens import tokens

RATE = 24_000
PATIENCE_S = 20  # how long a test waits for another thread before it fails


class CountingRow(Row):
    """Every word is one full step. The word "lead" is a text-only one, "endless" never ends, "bad" cannot be read."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.ended = False
        self.asked = 0  # every turn asks

    @property
    def hungry(self) -> bool:
        self.asked += 1
        return not self.ended and len(self.pieces) < 3

    @property
    def words_left(self) -> int:
        return len(self.pieces)

    def say(self, piece: Piece) -> None:
        word = piece.spoken if isinstance(piece, Token) else ""
        if word == "bad":
            raise ValueError(word)
        self.pieces.append(word)

    def end(self) -> None:
        self.ended = True

    @property
    def needs(self) -> StepKind | None:
        if not self.pieces:
            return None
        return StepKind.TEXT_ONLY if self.pieces[0] == "lead" else StepKind.FULL


class CountingRunner(ModelRunner):
    """Frames of ones. `fail_with` is raised by the next step, `fail_reset_with` by the next reset."""

    sample_rate = RATE

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self.rows: dict[int, CountingRow] = {}
        self.steps: list[Step] = []
        self.resets: list[list[int]] = []
        self.prepared: list[SpeechRequest] = []
        self.fail_with: Exception | None = None
        self.fail_reset_with: Exception | None = None
        self.recovered = self.closed = 0
        self.threads: set[int] = set()

    def prepare(self, request: SpeechRequest) -> Any:
        self.prepared.append(request)
        if request.voice == "nobody":
            raise InvalidRequest("no such voice", param="voice")
        return request

    def reset(self, joins: Mapping[int, Any]) -> Mapping[int, Row]:
        self.threads.add(threading.get_ident())
        self.resets.append(list(joins))
        self._raise("fail_reset_with")
        self.rows |= {slot: CountingRow() for slot in joins}
        return {slot: self.rows[slot] for slot in joins}

    def step(self, step: Step) -> Mapping[int, Frame]:
        self.threads.add(threading.get_ident())
        self.steps.append(step)
        self._raise("fail_with")
        if step.kind is StepKind.TEXT_ONLY:
            for slot in step.rows:
                self.rows[slot].pieces.pop(0)
            return {}
        return {slot: self._frame(self.rows[slot]) for slot in step.rows}

    def recover(self) -> None:
        assert sys.exc_info()[1] is None, "the error still holds what filled the memory"
        self.recovered += 1

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed += 1

    def _raise(self, name: str) -> None:
        error, _ = getattr(self, name), setattr(self, name, None)
        if error is not None:
            raise error

    @staticmethod
    def _frame(row: CountingRow) -> Frame:
        word = row.pieces[0]
        value = np.nan if word == "nan" else 1.0
        if word != "endless":
            row.pieces.pop(0)
        last = row.ended and not row.pieces
        return Frame(np.full(1920, value, np.float32), (Word(word, 0.0),), last)


def say(text: str, **request: Any) -> Heard:
    return utter(SpeechRequest(text=text, **request))


def run(stepper: Stepper) -> None:
    while stepper.turn():
        pass


class TestStepper:
    def test_it_speaks(self) -> None:
        stepper, one = Stepper(CountingRunner(), 0), say("a b c d e")
        stepper.admit(one)
        run(stepper)
        assert one.status is UtteranceStatus.FINISHED
        assert [word.text for word in one.words] == list("abcde")
        assert len(one.pcm) == 5 * 1920

    def test_all_joins_of_a_turn_in_one_reset(self) -> None:
        runner = CountingRunner(slots=3)
        stepper = Stepper(runner, 2)
        for text in ("a b", "c", "d e f", "g"):
            stepper.admit(say(text))
        run(stepper)
        assert runner.resets == [[0, 1, 2], [1]]

    def test_a_full_queue_refuses_before_anything_is_prepared(self) -> None:
        runner = CountingRunner(slots=1)
        stepper = Stepper(runner, 1)
        stepper.admit(say("a"))
        stepper.admit(say("b"))
        prepared = len(runner.prepared)
        with pytest.raises(QueueFull):
            stepper.admit(say("c"))
        assert len(runner.prepared) == prepared

    def test_steps_are_counted_and_timed(self) -> None:
        times = iter([0.0, 0.0, 0.0, 0.012, 1.0, 1.0, 1.0, 1.5, 2.0, 2.0])  # of each turn: settling, then the step
        stepper = Stepper(CountingRunner(), 0, clock=lambda: next(times))
        stepper.admit(say("a b"))
        assert stepper.turn()
        assert stepper.turn()
        assert not stepper.turn()
        steps = stepper.status().steps
        assert (steps.count, steps.total_s) == (2, pytest.approx(0.512))
        assert steps.within == [0, *[1] * (len(STEP_S) - 1)]

    @pytest.mark.parametrize(
        ("text_only_s", "full_s", "between"),
        [(0.0, 0.0, 2), (0.004, 0.0, 2), (0.003, 0.010, 5), (0.001, 0.010, 16), (0.1, 0.3, 2), (0.02, 0.025, 2)],
    )
    def test_newcomers_get_on_as_fast_as_leaves_the_others_thrice_real_time(
        self, text_only_s: float, full_s: float, between: int
    ) -> None:
        assert text_only_between(text_only_s, full_s) == between

    def test_a_request_that_cannot_be_spoken_is_refused_at_the_door(self) -> None:
        stepper = Stepper(CountingRunner(), 0)
        with pytest.raises(InvalidRequest):
            stepper.admit(say("a", voice="nobody"))
        assert stepper.status().slots_used == 0
        assert not stepper.turn()

    def test_a_cancelled_row_is_out_before_the_next_step(self) -> None:
        runner = CountingRunner(slots=1)
        stepper, one, two = Stepper(runner, 1), say("a b c d e f"), say("x")
        stepper.admit(one)
        stepper.admit(two)
        stepper.turn()
        one.cancel()
        stepper.turn()
        assert two.status is UtteranceStatus.FINISHED
        assert len(runner.steps) == 2

    def test_a_reader_that_does_not_read_rests_its_own_row(self) -> None:
        runner = CountingRunner()
        stepper = Stepper(runner, 0)
        lazy, eager = Utterance(SpeechRequest(), buffer_s=0.16), say("a b c d e")
        lazy.say(*tokens("u v w x y z"))
        lazy.end()
        stepper.admit(lazy)
        stepper.admit(eager)
        run(stepper)
        assert eager.status is UtteranceStatus.FINISHED
        assert sum(0 in step.rows for step in runner.steps) == 2
        chunks = lazy.chunks()
        next(chunks)
        run(stepper)
        assert sum(0 in step.rows for step in runner.steps) == 3

    def test_a_row_without_words_rests_and_goes_on(self) -> None:
        runner = CountingRunner()
        stepper, one = Stepper(runner, 0), Heard(SpeechRequest())
        stepper.admit(one)
        one.say(*tokens("a"))
        run(stepper)
        assert not stepper.turn()
        assert len(runner.steps) == 1
        one.say(*tokens("b"))
        one.end()
        run(stepper)
        assert one.status is UtteranceStatus.FINISHED

    def test_words_are_handed_on_a_few_at_a_time(self) -> None:
        runner = CountingRunner()
        stepper, one = Stepper(runner, 0), say("a b c d e f g h")
        stepper.admit(one)
        stepper.turn()
        assert len(runner.rows[0].pieces) == 2
        assert one.words_waiting == 5

    def test_a_word_that_cannot_be_read_fails_its_own_utterance(self) -> None:
        stepper, bad, good = Stepper(CountingRunner(), 0), say("a bad b"), say("a b c")
        stepper.admit(bad)
        stepper.admit(good)
        run(stepper)
        assert good.status is UtteranceStatus.FINISHED
        assert bad.status is UtteranceStatus.FAILED

    def test_a_row_that_never_ends_is_stopped(self, caplog: pytest.LogCaptureFixture) -> None:
        stepper, endless, good = Stepper(CountingRunner(), 0), say("a endless"), say("a b c")
        stepper.admit(endless)
        stepper.admit(good)
        run(stepper)
        assert good.status is UtteranceStatus.FINISHED
        with pytest.raises(EngineFailed, match="no end"):
            list(endless.chunks())
        assert 5 < len(endless.pcm) / RATE < 12
        assert "came to no end" in caplog.text
        assert stepper.status().slots_used == 0

    def test_nobody_speaks_for_ever(self) -> None:
        stepper, one = Stepper(CountingRunner(), 0, most_s=2.0), say("a " * 100)
        stepper.admit(one)
        run(stepper)
        with pytest.raises(EngineFailed, match="2 s"):
            list(one.chunks())
        assert 2.0 <= len(one.pcm) / RATE <= 2.1

    def test_what_is_no_sound_is_not_handed_out(self) -> None:
        stepper, one = Stepper(CountingRunner(), 0), say("a nan b")
        stepper.admit(one)
        run(stepper)
        with pytest.raises(EngineFailed):
            list(one.chunks())
        assert np.isfinite(one.pcm).all()

    def test_out_of_memory_in_a_step_fails_those_who_ran(self) -> None:
        runner = CountingRunner(slots=2)
        stepper, new, old, waiting = Stepper(runner, 1), say("lead a"), say("a b"), say("c")
        for one in (new, old, waiting):
            stepper.admit(one)
        runner.fail_with = OutOfMemory("2 GB")
        stepper.turn()  # a text-only step of the newcomer alone
        assert [one.status for one in (new, old)] == [UtteranceStatus.FAILED, UtteranceStatus.SPEAKING]
        run(stepper)
        assert [one.status for one in (old, waiting)] == [UtteranceStatus.FINISHED] * 2
        assert runner.recovered == 1
        with pytest.raises(Unavailable):
            list(new.chunks())

    def test_out_of_memory_at_a_join_fails_those_who_joined(self) -> None:
        runner = CountingRunner(slots=2)
        stepper, old, new, next_one = Stepper(runner, 1), say("a b c d"), say("x"), say("y")
        stepper.admit(old)
        stepper.turn()
        runner.fail_reset_with = OutOfMemory("2 GB")
        stepper.admit(new)
        stepper.turn()
        stepper.admit(next_one)
        run(stepper)
        assert [one.status.value for one in (old, new, next_one)] == ["finished", "failed", "finished"]

    def test_pieces_bound_the_audio(self) -> None:
        assert longest_s(Pause(2.0)) > 2.0
        assert longest_s(Token("a", "a")) > 0.72
        assert longest_s(Token("7", "a b")) > 2 * 0.72
        assert longest_s(Token("x", "x" * 200)) > 16

    @pytest.mark.parametrize(("start", "stop"), [(True, False), (False, True), (True, True)])
    def test_fades(self, start: bool, stop: bool) -> None:
        ones = np.ones(1920, np.float32)
        faded = fade(ones, RATE, start, stop)
        assert (faded[0] == 0) == start
        assert (faded[-1] == 0) == stop
        assert (faded[120:-120] == 1).all()
        assert (ones == 1).all()
        assert np.abs(np.diff(faded)).max() < 0.01

    def test_only_the_ends_are_faded(self) -> None:
        stepper, one = Stepper(CountingRunner(), 0), say("a b c")
        stepper.admit(one)
        run(stepper)
        first, middle, last = one.heard
        assert (first.samples[0], first.samples[-1]) == (0, 1)
        assert (middle.samples == 1).all()
        assert (last.samples[0], last.samples[-1]) == (1, 0)


@pytest.fixture
def runner() -> CountingRunner:
    return CountingRunner()


@pytest.fixture
def engine(runner: CountingRunner) -> Iterator[BatchedEngine]:
    engine = BatchedEngine(lambda: runner, max_queue=50)
    yield engine
    engine.close()


class TestBatchedEngine:
    def test_many_speak_at_once(self, engine: BatchedEngine) -> None:
        def speak(number: int) -> int:
            one = say("a b c d e " * 10)
            engine.start(one)
            return sum(len(chunk.samples) for chunk in one.chunks())

        with ThreadPoolExecutor(12) as pool:
            assert list(pool.map(speak, range(24))) == [50 * 1920] * 24

    def test_one_thread_owns_the_model(self, engine: BatchedEngine, runner: CountingRunner) -> None:
        one = say("a b")
        engine.start(one)
        list(one.chunks())
        engine.close()
        assert len(runner.threads) == 1
        assert runner.threads.isdisjoint({threading.get_ident()})

    def test_words_that_come_later_wake_it(self, engine: BatchedEngine) -> None:
        one = Heard(SpeechRequest())
        engine.start(one)
        chunks = one.chunks()
        for word in "abc":
            one.say(*tokens(word))
            assert [w.text for w in next(chunks).words] == [word]

    def test_idle_it_takes_no_turns(self, runner: CountingRunner) -> None:
        """Asleep on an event: no step, no look at the clock, however long it takes."""
        engine = BatchedEngine(lambda: runner, max_queue=0)
        one = Heard(SpeechRequest())
        engine.start(one)
        one.say(*tokens("a"))
        next(one.chunks())
        asked, before = runner.rows[0].asked, os.times()
        assert not threading.Event().wait(0.5)
        after = os.times()
        assert runner.rows[0].asked <= asked + 1  # the turn that found nothing to do may still have been under way
        assert (after.user + after.system) - (before.user + before.system) < 0.25
        engine.close()

    def test_close_fails_what_speaks_or_waits(self, engine: BatchedEngine, runner: CountingRunner) -> None:
        people = [Heard(SpeechRequest()) for _ in range(4)]
        for one in people:
            engine.start(one)
        with ThreadPoolExecutor(4) as pool:
            readers = [pool.submit(list, one.chunks()) for one in people]
            engine.close()
            errors = [reader.exception(PATIENCE_S) for reader in readers]
        assert [(type(error), getattr(error, "code", None)) for error in errors] == [
            (EngineClosed, "engine_closed")
        ] * 4
        assert [one.status for one in people] == [UtteranceStatus.FAILED] * 4
        assert runner.closed == 1
        with pytest.raises(EngineClosed):
            engine.start(say("a"))
        engine.close()
        assert runner.closed == 1

    def test_a_crash_fails_everybody_and_is_final(self, engine: BatchedEngine, runner: CountingRunner) -> None:
        waiting = [Heard(SpeechRequest()) for _ in range(3)]
        for one in waiting:
            engine.start(one)
        runner.fail_with = RuntimeError("CUDA error: an illegal memory access was encountered")
        waiting[0].say(*tokens("a"))
        for one in waiting:
            with pytest.raises(EngineBroken):
                list(one.chunks())
        engine.close()
        assert isinstance(engine.fatal, EngineBroken)
        assert runner.closed == 1
        with pytest.raises(EngineFailed):
            engine.start(say("a"))

    def test_a_model_that_makes_no_sound_for_three_in_a_row_is_broken(self) -> None:
        """One that speaks between them shows that it is not."""
        engine = BatchedEngine(CountingRunner, max_queue=4)

        def spoken(text: str) -> str | None:
            one = say(text)
            engine.start(one)
            try:
                list(one.chunks())
            except EngineFailed as error:
                return error.code
            return None

        said = [spoken(text) for text in ("nan", "nan", "a", "nan", "nan")]
        assert said == ["no_sound", "no_sound", None, "no_sound", "no_sound"]
        assert engine.fatal is None
        assert spoken("nan") == "no_sound"
        engine.close()
        assert isinstance(engine.fatal, EngineBroken)

    def test_a_gpu_that_hangs_fails_everybody_and_the_engine(self) -> None:
        """And closing it does not wait for the thread that hangs."""
        never = threading.Event()

        class Hanging(CountingRunner):
            def step(self, step: Step) -> Mapping[int, Frame]:
                never.wait()
                return {}

        engine = BatchedEngine(Hanging, max_queue=4, step_timeout_s=0.05)
        both = say("a"), say("b")
        for one in both:
            engine.start(one)
        for one in both:
            with pytest.raises(EngineBroken) as broken:
                list(one.chunks())
            assert broken.value.code == "gpu_hangs"
        with pytest.raises(EngineBroken):
            engine.start(say("c"))
        engine.close()
        never.set()
        engine._thread.join(PATIENCE_S)
        assert not engine._thread.is_alive()

    def test_a_crash_keeps_no_hold_of_the_model(self) -> None:
        runner = CountingRunner()
        gone = weakref.ref(runner)
        runner.fail_with = RuntimeError("boom")
        engine = BatchedEngine([runner].pop, max_queue=0)
        del runner
        one = say("a")
        engine.start(one)
        with pytest.raises(EngineFailed):
            list(one.chunks())
        engine.close()
        gc.collect()
        assert gone() is None

    @pytest.mark.parametrize(
        ("error", "raised"), [(Unavailable("no memory"), Unavailable), (OSError("disk"), EngineFailed)]
    )
    def test_what_goes_wrong_while_loading_is_raised(self, error: Exception, raised: type[SpeechError]) -> None:
        freed = []

        def build() -> ModelRunner:
            raise error

        with pytest.raises(raised, match=str(error)):
            BatchedEngine(build, max_queue=0, free=lambda: freed.append(True))
        assert freed == [True]

    def test_status(self, engine: BatchedEngine) -> None:
        assert engine.status().slots_total == 2
        people = [Heard(SpeechRequest()) for _ in range(3)]
        for one in people:
            engine.start(one)
            one.say(*tokens("a"))
        for one in people[:2]:
            next(one.chunks())
        status = engine.status()
        assert (status.slots_used, status.queue_depth) == (2, 1)
        engine.close()
        assert engine.status().slots_total == 0
