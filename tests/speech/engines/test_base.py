"""Utterance: both faces, from both sides of a thread."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import partial

import numpy as np
import pytest

from speech.engines.base import Utterance, UtteranceStatus
from speech.errors import Cancelled, EngineFailed
from speech.request import AudioChunk, Pause, SpeechRequest, Token
from tests.tokens import tokens

WAIT_S = 10.0


class Engine:
    woken = False

    def wake(self, _utterance: Utterance) -> None:
        self.woken = True


def chunk(seconds: float = 0.08) -> AudioChunk:
    return AudioChunk(np.zeros(round(24_000 * seconds), np.float32), 24_000)


@pytest.fixture
def utterance() -> Utterance:
    return Utterance(SpeechRequest())


def test_words_and_pauses_come_out_in_order(utterance: Utterance) -> None:
    one, two = tokens("One two.")
    utterance.say(one, Token("#", ""), Pause(0.5))
    utterance.say(two)
    assert utterance.words_waiting == 3
    assert [utterance.take_word() for _ in range(4)] == [one, Pause(0.5), two, None]


def test_nothing_is_added_after_the_end(utterance: Utterance) -> None:
    utterance.end()
    utterance.say(*tokens("late"))
    assert utterance.take_word() is None


def test_the_listener_hears_of_every_change_that_gives_work(utterance: Utterance) -> None:
    heard: list[str] = []
    utterance.listen(lambda: heard.append("!"))
    for change in (lambda: utterance.say(*tokens("a")), utterance.end, utterance.cancel, utterance.cancel):
        change()
    assert len(heard) == 4  # at once, say, end, and only the first cancel


@pytest.mark.parametrize("first", ["it is over", "it is listened to"])
def test_one_that_is_over_lets_go_of_its_listener(utterance: Utterance, first: str) -> None:
    """The listener leads to the engine; both in a circle would stay until the collector comes round."""
    engine = Engine()
    gone = weakref.ref(engine)
    if first == "it is over":
        utterance.cancel()
    utterance.listen(partial(engine.wake, utterance))
    utterance.cancel()
    assert engine.woken
    gc.disable()
    try:
        del engine
        assert gone() is None
    finally:
        gc.enable()


def test_the_reader_gets_audio_then_the_end(utterance: Utterance) -> None:
    utterance.begin()
    assert utterance.status is UtteranceStatus.SPEAKING
    first, second = chunk(), chunk()
    utterance.emit(first)
    utterance.emit(second)
    utterance.finish()
    assert list(utterance.chunks()) == [first, second]
    assert utterance.status is UtteranceStatus.FINISHED


def test_the_reader_gets_what_was_made_before_a_failure(utterance: Utterance) -> None:
    utterance.emit(chunk())
    utterance.fail(EngineFailed("broken"))
    utterance.emit(chunk())
    audio = utterance.chunks()
    next(audio)
    with pytest.raises(EngineFailed, match="broken"):
        next(audio)


def test_a_failure_keeps_no_frame_of_the_engine_alive(utterance: Utterance) -> None:
    with pytest.raises(EngineFailed) as raised:
        raise EngineFailed("broken")
    assert raised.value.__traceback__ is not None
    utterance.fail(raised.value)
    assert raised.value.__traceback__ is None


def test_cancelling_drops_the_audio_and_wakes_the_reader(utterance: Utterance) -> None:
    outcome: list[object] = []

    def read() -> None:
        try:
            outcome.extend(utterance.chunks())
        except Cancelled as error:
            outcome.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    utterance.cancel()
    reader.join(WAIT_S)
    assert [type(item) for item in outcome] == [Cancelled]
    utterance.finish()
    assert utterance.status is UtteranceStatus.CANCELLED


def test_a_reader_far_behind_leaves_no_room_until_it_reads(utterance: Utterance) -> None:
    woken: list[bool] = []
    utterance.listen(lambda: woken.append(utterance.has_room))
    woken.clear()
    while utterance.has_room:
        utterance.emit(chunk(1.0))
    audio = utterance.chunks()
    next(audio)
    assert woken == [True]
    next(audio)
    assert woken == [True]  # it had room already


def test_no_room_is_left_over_from_rounding(utterance: Utterance) -> None:
    audio = utterance.chunks()
    for _ in range(10_000):
        utterance.emit(chunk())
        next(audio)
    assert utterance._buffered_s == 0.0
