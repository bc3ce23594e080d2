"""Passages side by side, heard in order; and that they take no slot from those who wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest

from speech.engines.base import EngineStatus, Utterance, UtteranceStatus
from speech.engines.sentence.engine import SentenceEngine
from speech.errors import EngineFailed
from speech.relay import Share, seed_of
from speech.request import AudioChunk, SpeechRequest
from speech.session import Speech
from tests.fakes import fake_service
from tests.services import make_service
from tests.stage import StageEngine
from tests.staged import nothing_is_held, staged_service
from tests.toy_engine import Hummer
from tests.waiting import wait_until

SENTENCE = "The keeper of the lighthouse walks along the shore before the sun comes up."
LONG = " ".join([SENTENCE] * 4 * 6)  # six passages
WAIT_S = 20.0


class Reader:
    """Reads speech on a thread of its own."""

    def __init__(self, speech: Speech) -> None:
        self.got: list[AudioChunk] = []
        self.error: BaseException | None = None
        self._speech = speech
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            with self._speech:
                for chunk in self._speech.chunks():
                    self.got.append(chunk)
        except BaseException as error:
            self.error = error

    def join(self) -> None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()


@contextmanager
def reading(speech: Speech) -> Iterator[Reader]:
    reader = Reader(speech)
    try:
        yield reader
    finally:
        speech.cancel()
        reader.join()


def begun(stage: StageEngine, count: int) -> list[Utterance]:
    return [stage.next() for _ in range(count)]


def test_every_word_once_in_order_and_without_clicks() -> None:
    service = make_service(lambda _: SentenceEngine(Hummer(), 8, 8))
    with service.speak(SpeechRequest(LONG)) as speech:
        chunks = list(speech.chunks())
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.text for word in words] == LONG.split()
    assert [word.start for word in words] == sorted({word.start for word in words})
    assert all(one.stop_s is not None and one.stop_s <= two.start_s for one, two in pairwise(words))
    samples = np.concatenate([chunk.samples for chunk in chunks])
    tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(2_000) / Hummer.sample_rate)
    assert np.abs(np.diff(samples)).max() <= np.abs(np.diff(tone)).max() * 1.05
    assert speech.outcome == "ok"
    service.close()


def test_the_same_request_gives_the_same_audio() -> None:
    service = make_service(lambda _: SentenceEngine(Hummer(), 8, 8))
    both = []
    for _ in range(2):
        with service.speak(SpeechRequest(LONG, seed=1)) as speech:
            both.append(np.concatenate([chunk.samples for chunk in speech.chunks()]))
    assert np.array_equal(both[0], both[1])
    service.close()


def test_passages_go_ahead_into_slots_that_nobody_waits_for() -> None:
    stage = StageEngine(slots=4)
    service = staged_service(stage)
    with reading(service.speak(SpeechRequest(LONG))):
        (first,) = begun(stage, 1)
        assert stage.taken.empty()
        stage.play(first, "a", finish=False)
        ahead = begun(stage, 2)
        wait_until(lambda: stage.status().slots_used == 3)  # one of four stays free
        with reading(service.speak(SpeechRequest("Hello."))):
            (listener,) = begun(stage, 1)
            assert listener.status is UtteranceStatus.SPEAKING
            stage.play(ahead[0], "b")
            stage.play(first, "c", finish=False)
            stage.play(listener, "hello")
        stage.play(first, "d", finish=False)
        assert stage.next().status is UtteranceStatus.SPEAKING
        assert [each.patient for each in (first, listener, *ahead)] == [False, False, True, True]
        stage.play(first, "e")
        wait_until(lambda: not ahead[0].patient)  # now it is heard
    wait_until(lambda: nothing_is_held(service, stage))
    service.close()


def test_with_one_slot_passages_follow_each_other() -> None:
    stage = StageEngine(slots=1)
    service = staged_service(stage)
    with reading(service.speak(SpeechRequest(LONG))) as reader:
        for number in range(6):
            utterance = stage.next()
            assert stage.taken.empty()
            assert not utterance.patient  # none that speaks comes before it
            stage.play(utterance, f"word{number}", frames=3)
        reader.join()
    assert reader.error is None
    assert [word.text for chunk in reader.got for word in chunk.words] == [f"word{number}" for number in range(6)]
    assert nothing_is_held(service, stage)
    service.close()


def test_cancelling_frees_every_slot() -> None:
    stage = StageEngine(slots=4)
    service = staged_service(stage)
    with reading(service.speak(SpeechRequest(LONG))):
        (first,) = begun(stage, 1)
        stage.play(first, "a", finish=False)
        begun(stage, 2)
    assert nothing_is_held(service, stage)
    assert not service.streams_open
    service.close()


def test_a_passage_that_fails_fails_the_speech_where_it_would_be_heard() -> None:
    stage = StageEngine(slots=4)
    service = staged_service(stage)
    with reading(service.speak(SpeechRequest(LONG))) as reader:
        (first,) = begun(stage, 1)
        stage.play(first, "a", finish=False)
        second, _ = begun(stage, 2)
        second.fail(EngineFailed("no sound"))
        stage.play(first, "b")
        reader.join()
    assert isinstance(reader.error, EngineFailed)
    assert [word.text for chunk in reader.got for word in chunk.words] == ["a", "b"]
    assert nothing_is_held(service, stage)
    service.close()


def test_passages_false_and_a_short_text_are_one_utterance() -> None:
    for request in (SpeechRequest(LONG, passages=False), SpeechRequest(SENTENCE)):
        service = fake_service()
        with service.speak(request) as speech:
            list(speech.chunks())
            engine = service.manager.peek()
            assert len(engine.started) == 1  # type: ignore[union-attr]
        service.close()


@pytest.mark.parametrize(
    ("speaking", "status", "allowed"),
    [
        (1, EngineStatus(8, 1, 0), True),
        (6, EngineStatus(8, 6, 0), True),
        (7, EngineStatus(8, 7, 0), False),
        (1, EngineStatus(8, 7, 0), False),
        (1, EngineStatus(8, 1, 1), False),
        (1, EngineStatus(1, 1, 0), False),
        (1, EngineStatus(64, 1, 0, at_once=2), True),
        (2, EngineStatus(64, 2, 0, at_once=2), False),
    ],
)
def test_the_share(speaking: int, status: EngineStatus, allowed: bool) -> None:
    assert Share().allows(speaking, status) is allowed


def test_seeds_of_passages() -> None:
    seeds = [seed_of(7, number) for number in range(100)]
    assert seeds[0] == 7
    assert len(set(seeds)) == 100
    assert seeds == [seed_of(7, number) for number in range(100)]
    assert seed_of(None, 3) is None
