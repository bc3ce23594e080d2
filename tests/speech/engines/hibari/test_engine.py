"""The embedded voice: what it says, when each word is, who gets a turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest

from speech.engines.base import Utterance, UtteranceStatus
from speech.engines.hibari.engine import HibariEngine
from speech.engines.hibari.voice import SAMPLE_RATE, HibariVoice, SpokenSentence
from speech.errors import Cancelled, EngineFailed, QueueFull, Unavailable
from speech.request import AudioChunk, SpeechRequest
from speech.text.feed import pieces
from tests.ear import heard, word_errors

FOX = "The quick brown fox jumped over the lazy dog."
WAIT_S = 20.0


@pytest.fixture
def engine(voice: HibariVoice) -> Iterator[HibariEngine]:
    engine = HibariEngine(voice, slots=2, max_queue=1, threads=2)
    yield engine
    engine.close()


def speaking(text: str, seed: int | None = None) -> Utterance:
    utterance = Utterance(SpeechRequest(seed=seed))
    utterance.say(*pieces(text))
    utterance.end()
    return utterance


def samples_of(chunks: list[AudioChunk]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


def test_what_is_said_is_heard(engine: HibariEngine) -> None:
    utterance = speaking(FOX)
    engine.start(utterance)
    chunks = list(utterance.chunks())
    assert utterance.status is UtteranceStatus.FINISHED
    assert word_errors(FOX, heard(samples_of(chunks), SAMPLE_RATE)) == 0
    assert {len(chunk.samples) for chunk in chunks[:-1]} == {1920}
    assert all(chunk.samples.dtype == np.float32 and np.abs(chunk.samples).max() <= 1 for chunk in chunks)


def test_every_word_comes_once_in_its_own_spelling_with_the_chunk_it_begins_in(engine: HibariEngine) -> None:
    text = "Dr. Smith paid $12.50 at 12:30 PM. It's 3 o'clock — fine!"
    utterance = speaking(text)
    engine.start(utterance)
    words, end_s = [], 0.0
    for chunk in utterance.chunks():
        begin_s, end_s = end_s, end_s + chunk.seconds
        for word in chunk.words:
            assert word.start_s < end_s + 1e-6
            assert word.start_s >= begin_s - 1e-6 or word.text == words[-1].text
            words.append(word)
    assert [word.text for word in words] == text.split()
    assert all(a.start_s <= b.start_s for a, b in pairwise(words))
    assert all(word.stop_s is not None and word.start_s <= word.stop_s <= end_s + 1e-6 for word in words)


def test_words_are_where_they_are_heard(voice: HibariVoice) -> None:
    """Cut the audio at the time of a word: what is heard on each side are the words on that side."""
    text = "The quick brown fox jumped over the lazy dog because nobody was watching the house"
    words = tuple(text.split())
    spoken = voice.speak(text)
    cut_s = spoken.word_times(words)[words.index("dog")][1]
    cut = round(cut_s * SAMPLE_RATE)
    before, after = heard(spoken.samples[:cut], SAMPLE_RATE), heard(spoken.samples[cut:], SAMPLE_RATE)
    assert word_errors("the quick brown fox jumped over the lazy dog", before) <= 1
    assert word_errors("because nobody was watching the house", after) <= 1


def test_word_times_cover_the_sentence_when_numbers_are_read_out(voice: HibariVoice) -> None:
    words = ("In", "1999", "it", "cost", "$3,200,000.")
    times = voice.speak(" ".join(words)).word_times(words)
    assert all(a[1] == b[0] for a, b in pairwise(times))
    assert all(begin < end for begin, end in times)


def test_the_same_seed_gives_the_same_samples(voice: HibariVoice) -> None:
    a, b, c = (voice.speak(FOX, seed=seed).samples for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_nothing_to_say_is_silence_of_no_length(voice: HibariVoice) -> None:
    for text in ("…", "你好", "!!!", "🙂"):
        assert len(voice.speak(text).samples) == 0


def test_markdown_and_emoji_are_not_said(voice: HibariVoice) -> None:
    words = ("##", "He", "said", "**no**", "and", "~~yes~~", "😀", "at", "https://example.com/a?b=c.")
    plain = voice.speak("He said no and yes at example.com/a.")
    marked = voice.speak(" ".join(words))
    assert marked.phonemes == plain.phonemes
    times = marked.word_times(words)
    assert [begin == end for begin, end in times] == [word in ("##", "😀") for word in words]


@pytest.mark.parametrize("word", ["7" * 50, "1" + "0" * 39, "₂㎏", "xİF"])
def test_a_word_that_the_rules_of_reading_fail_on_does_not_stop_the_rest(voice: HibariVoice, word: str) -> None:
    words = ("My", "brother", word, "behind", "the", "garden.")
    spoken = voice.speak(" ".join(words))
    assert all(voice.speak(other).phonemes in spoken.phonemes for other in ("brother", "garden"))
    times = spoken.word_times(words)
    assert all(begin < end for begin, end in times)


def test_what_cannot_be_said_does_not_stop_the_rest(engine: HibariEngine) -> None:
    utterance = speaking("你好。 🙂 " + FOX)
    engine.start(utterance)
    assert word_errors(FOX, heard(samples_of(list(utterance.chunks())), SAMPLE_RATE)) == 0


class SlowVoice(HibariVoice):
    """Speaks when it is let: one pass of the gate for each sentence."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.gate = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)

    def speak(self, text: str, seed: int | None = None) -> SpokenSentence:
        self.asked.release()
        assert self.gate.acquire(timeout=WAIT_S)
        self.said.append(text)
        if text == "Trouble.":
            raise RuntimeError("cannot say this")
        words = text.split()
        return SpokenSentence(np.zeros(2400, np.float32), "a", 0.0, (0.1,), tuple("a" for _ in words))


@pytest.fixture
def slow() -> SlowVoice:
    return SlowVoice()


@pytest.fixture
def slow_engine(slow: SlowVoice) -> Iterator[HibariEngine]:
    engine = HibariEngine(slow, slots=2, max_queue=1, threads=1)
    yield engine
    slow.gate.release(1000)
    engine.close()


def test_utterances_take_turns_by_the_sentence(slow: SlowVoice, slow_engine: HibariEngine) -> None:
    first, second = speaking("A one. A two. A three."), speaking("B one. B two.")
    slow_engine.start(first)
    assert slow.asked.acquire(timeout=WAIT_S)
    slow_engine.start(second)
    slow.gate.release(5)
    list(first.chunks())
    list(second.chunks())
    assert slow.said == ["A one.", "B one.", "A two.", "B two.", "A three."]


def test_a_full_queue_refuses_and_a_cancelled_place_is_free_at_once(slow: SlowVoice, slow_engine: HibariEngine) -> None:
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


def test_cancelling_ends_it_before_the_next_sentence(slow: SlowVoice, slow_engine: HibariEngine) -> None:
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
    slow: SlowVoice, slow_engine: HibariEngine
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


def test_one_misfortune_harms_nobody_else(slow: SlowVoice, slow_engine: HibariEngine) -> None:
    bad, good = speaking("Trouble."), speaking("Fine.")
    slow_engine.start(bad)
    slow_engine.start(good)
    slow.gate.release(2)
    with pytest.raises(EngineFailed):
        list(bad.chunks())
    assert len(list(good.chunks())) == 2
    assert slow_engine.status().slots_used == 0


def test_closing_fails_everybody_it_holds(slow: SlowVoice) -> None:
    engine = HibariEngine(slow, slots=1, max_queue=1, threads=1)
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
    with pytest.raises(EngineFailed):
        engine.start(speaking("Four."))


def test_a_reader_far_behind_rests_only_its_own_utterance(slow: SlowVoice) -> None:
    engine = HibariEngine(slow, slots=2, max_queue=0, threads=1)
    try:
        lazy = Utterance(SpeechRequest(), buffer_s=0.05)
        lazy.say(*pieces("A one. A two."))
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


def test_words_that_come_late_are_said_when_they_come(engine: HibariEngine) -> None:
    utterance = Utterance(SpeechRequest())
    engine.start(utterance)
    chunks = utterance.chunks()
    utterance.say("The", "quick", "brown", "fox.", "Jumped")
    first = [next(chunks)]
    utterance.say("over", "the", "lazy", "dog.")
    utterance.end()
    rest = list(chunks)
    assert word_errors("the quick brown fox jumped over the lazy dog", heard(samples_of(first + rest), 24_000)) <= 1
