"""Turns: which utterance says its next sentence, what a slot is, what a failure costs. No model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pytest

from speech.engines.base import Utterance, UtteranceStatus
from speech.engines.sentence.engine import SentenceEngine
from speech.errors import Cancelled, EngineClosed, EngineFailed, QueueFull, Unavailable
from speech.request import Samples, SpeechRequest, Token
from speech.text.pipe import read

WAIT_S = 20.0
RATE = 24_000


@dataclass(frozen=True)
class Said:
    """A tenth of a second of silence."""

    samples: Samples = field(default_factory=lambda: np.zeros(RATE // 10, np.float32))
    tokens: int = 1

    def word_times(self, words: tuple[str, ...]) -> list[tuple[float, float]]:
        each = 0.1 / len(words)
        return [(index * each, (index + 1) * each) for index in range(len(words))]


def speaking(text: str, seed: int | None = None, caller: str = "") -> Utterance:
    utterance = Utterance(SpeechRequest(seed=seed, caller=caller))
    utterance.say(*read(text))
    utterance.end()
    return utterance


class SlowVoice:
    """Speaks when it is let: one pass of the gate for each sentence."""

    sample_rate = RATE

    def __init__(self) -> None:
        self.said: list[str] = []
        self.gate = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)

    def speak(self, text: str, seed: int | None = None, voice: str | None = None) -> Said:
        self.asked.release()
        assert self.gate.acquire(timeout=WAIT_S)
        self.said.append(text)
        if text == "Trouble.":
            raise RuntimeError("cannot say this")
        return Said()

    def split(self, text: str) -> list[str]:
        return [f"{part}." for part in text.split(".") if part.strip()] or [text]


@pytest.fixture
def slow() -> SlowVoice:
    return SlowVoice()


@pytest.fixture
def slow_engine(slow: SlowVoice) -> Iterator[SentenceEngine]:
    engine = SentenceEngine(slow, slots=2, max_queue=1, threads=1)
    yield engine
    slow.gate.release(1000)
    engine.close()


def test_utterances_take_turns_by_the_sentence(slow: SlowVoice, slow_engine: SentenceEngine) -> None:
    first, second = speaking("A one. A two. A three."), speaking("B one. B two.")
    slow_engine.start(first)
    assert slow.asked.acquire(timeout=WAIT_S)
    slow_engine.start(second)
    slow.gate.release(5)
    list(first.chunks())
    list(second.chunks())
    assert slow.said == ["A one.", "B one.", "A two.", "B two.", "A three."]


def test_between_two_sentences_a_slot_goes_to_a_caller_that_has_none(
    slow: SlowVoice, slow_engine: SentenceEngine
) -> None:
    """Both slots are one caller's. Another's single sentence comes next but one, and nothing is lost of the others."""
    first, second = speaking("A one. A two. A three.", caller="many"), speaking("B one. B two.", caller="many")
    slow_engine.start(first)
    assert slow.asked.acquire(timeout=WAIT_S)
    slow_engine.start(second)
    single = speaking("Single.", caller="single")
    slow_engine.start(single)
    assert slow_engine.status().slots_used == 2
    assert single.status is UtteranceStatus.SPEAKING
    slow.gate.release(6)
    assert [len(list(one.chunks())) > 0 for one in (single, first, second)] == [True] * 3
    assert slow.said[:2] == ["A one.", "Single."]
    assert sorted(slow.said[2:]) == ["A three.", "A two.", "B one.", "B two."]
    assert [one.status for one in (first, second)] == [UtteranceStatus.FINISHED] * 2


def test_a_resting_utterance_can_be_cancelled(slow: SlowVoice, slow_engine: SentenceEngine) -> None:
    first, second = speaking("A one.", caller="many"), speaking("B one.", caller="many")
    slow_engine.start(first)
    assert slow.asked.acquire(timeout=WAIT_S)
    slow_engine.start(second)
    single = speaking("Single.", caller="single")
    slow_engine.start(single)
    assert slow_engine.position(second) == 1
    second.cancel()
    assert slow_engine.status().queue_depth == 0
    slow.gate.release(2)
    list(single.chunks())
    list(first.chunks())
    assert slow.said == ["A one.", "Single."]


def test_a_word_said_in_several_has_one_time_and_its_place(slow: SlowVoice, slow_engine: SentenceEngine) -> None:
    slow.gate.release(1)
    utterance = Utterance(SpeechRequest())
    utterance.say(Token("At", "At", 0, 2), Token("7 €", "seven euros", 3, 6), Token("1" * 99, "one " * 30, 7, 106))
    utterance.end()
    slow_engine.start(utterance)
    words = [word for chunk in utterance.chunks() for word in chunk.words]
    assert [(word.text, word.start, word.stop) for word in words] == [("At", 0, 2), ("7 €", 3, 6), ("1" * 99, 7, 106)]
    assert [(word.start_s, word.stop_s) for word in words] == [
        (pytest.approx(0.1 * begin / 33), pytest.approx(0.1 * end / 33)) for begin, end in ((0, 1), (1, 3), (3, 33))
    ]


def test_a_full_queue_refuses_and_a_cancelled_place_is_free_at_once(
    slow: SlowVoice, slow_engine: SentenceEngine
) -> None:
    first, second, third, fourth = (speaking(f"Number {n}.") for n in range(4))
    for utterance in (first, second, third):
        slow_engine.start(utterance)
    assert slow_engine.status().queue_depth == 1
    with pytest.raises(QueueFull):
        slow_engine.start(fourth)
    third.cancel()
    slow_engine.start(fourth)
    slow.gate.release(3)
    for utterance in (first, second, fourth):
        list(utterance.chunks())
    assert "Number 2." not in slow.said
    assert slow_engine.status().slots_used == 0


def test_cancelling_ends_it_before_the_next_sentence(slow: SlowVoice, slow_engine: SentenceEngine) -> None:
    utterance = speaking("One. Two. Three.")
    slow_engine.start(utterance)
    assert slow.asked.acquire(timeout=WAIT_S)
    utterance.cancel()
    with pytest.raises(Cancelled):
        list(utterance.chunks())
    slow.gate.release(3)
    after = speaking("After.")
    slow_engine.start(after)
    list(after.chunks())
    assert slow.said == ["One.", "After."]


def test_a_cancelled_slot_is_free_at_once_though_the_threads_are_busy(
    slow: SlowVoice, slow_engine: SentenceEngine
) -> None:
    first, second, third, fourth = (speaking(f"Number {n}.") for n in range(4))
    slow_engine.start(first)
    assert slow.asked.acquire(timeout=WAIT_S)
    slow_engine.start(second)
    second.cancel()
    assert slow_engine.status().slots_used == 1
    slow_engine.start(third)  # takes the second slot
    slow_engine.start(fourth)
    assert (slow_engine.status().slots_used, slow_engine.status().queue_depth) == (2, 1)
    slow.gate.release(3)
    for utterance in (first, third, fourth):
        list(utterance.chunks())
    assert slow.said == ["Number 0.", "Number 2.", "Number 3."]


def test_one_misfortune_harms_nobody_else(slow: SlowVoice, slow_engine: SentenceEngine) -> None:
    bad, good = speaking("Trouble."), speaking("Fine.")
    slow_engine.start(bad)
    slow_engine.start(good)
    slow.gate.release(2)
    with pytest.raises(EngineFailed):
        list(bad.chunks())
    assert len(list(good.chunks())) == 2
    assert slow_engine.status().slots_used == 0


def test_closing_fails_everybody_it_holds(slow: SlowVoice) -> None:
    engine = SentenceEngine(slow, slots=1, max_queue=1, threads=1)
    speaks, waits = speaking("One. Two."), speaking("Three.")
    engine.start(speaks)
    engine.start(waits)
    slow.gate.release(10)
    engine.close()
    engine.close()
    for utterance in (speaks, waits):
        assert utterance.status in (UtteranceStatus.FAILED, UtteranceStatus.FINISHED)
        with suppress(Unavailable):  # and nothing else
            list(utterance.chunks())
    assert waits.status is UtteranceStatus.FAILED or "Three." in slow.said
    with pytest.raises(EngineClosed):
        engine.start(speaking("Four."))


def test_a_reader_far_behind_rests_only_its_own_utterance(slow: SlowVoice) -> None:
    engine = SentenceEngine(slow, slots=2, max_queue=0, threads=1)
    try:
        lazy = Utterance(SpeechRequest(), buffer_s=0.05)
        lazy.say(*read("A one. A two."))
        lazy.end()
        other = speaking("B one. B two.")
        slow.gate.release(10)
        engine.start(lazy)
        engine.start(other)
        list(other.chunks())
        assert "A two." not in slow.said
        list(lazy.chunks())
        assert "A two." in slow.said
    finally:
        engine.close()
