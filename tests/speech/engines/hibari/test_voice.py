"""The embedded voice: what it says, and when each word is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from speech.engines.base import Utterance, UtteranceStatus
from speech.engines.hibari.voice import SAMPLE_RATE, HibariVoice
from speech.engines.sentence.engine import SentenceEngine
from speech.request import AudioChunk, SpeechRequest
from speech.text.pipe import read
from tests.ear import heard, word_errors
from tests.tokens import tokens

FOX = "The quick brown fox jumped over the lazy dog."


@pytest.fixture
def engine(voice: HibariVoice) -> Iterator[SentenceEngine]:
    engine = SentenceEngine(voice, slots=2, max_queue=1, threads=2)
    yield engine
    engine.close()


def speaking(text: str, seed: int | None = None) -> Utterance:
    utterance = Utterance(SpeechRequest(seed=seed))
    utterance.say(*read(text))
    utterance.end()
    return utterance


def samples_of(chunks: list[AudioChunk]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


def test_what_is_said_is_heard(engine: SentenceEngine) -> None:
    utterance = speaking(FOX)
    engine.start(utterance)
    chunks = list(utterance.chunks())
    assert utterance.status is UtteranceStatus.FINISHED
    assert word_errors(FOX, heard(samples_of(chunks), SAMPLE_RATE)) == 0
    assert {len(chunk.samples) for chunk in chunks[:-1]} == {1920}
    assert all(chunk.samples.dtype == np.float32 and np.abs(chunk.samples).max() <= 1 for chunk in chunks)


def test_every_word_comes_once_in_its_own_spelling_with_the_chunk_it_begins_in(engine: SentenceEngine) -> None:
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


def test_titles_and_initials_end_no_sentence(voice: HibariVoice) -> None:
    assert voice.split("Dr. Smith met J. R. Miller. They spoke.") == ["Dr. Smith met J. R. Miller.", "They spoke."]
    assert voice.split("word") == ["word"]


def test_the_same_seed_gives_the_same_samples(voice: HibariVoice) -> None:
    a, b, c = (voice.speak(FOX, seed=seed).samples for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_nothing_to_say_is_silence_of_no_length(voice: HibariVoice) -> None:
    for text in ("…", "你好", "!!!", "🙂"):
        assert len(voice.speak(text).samples) == 0


@pytest.mark.parametrize("word", ["7" * 50, "1" + "0" * 39, "₂㎏", "xİF"])
def test_a_word_that_the_rules_of_reading_fail_on_does_not_stop_the_rest(voice: HibariVoice, word: str) -> None:
    words = ("My", "brother", word, "behind", "the", "garden.")
    spoken = voice.speak(" ".join(words))
    assert all(voice.speak(other).phonemes in spoken.phonemes for other in ("brother", "garden"))
    times = spoken.word_times(words)
    assert all(begin < end for begin, end in times)


def test_what_cannot_be_said_does_not_stop_the_rest(engine: SentenceEngine) -> None:
    utterance = speaking("你好。 🙂 " + FOX)
    engine.start(utterance)
    assert word_errors(FOX, heard(samples_of(list(utterance.chunks())), SAMPLE_RATE)) == 0


def test_words_that_come_late_are_said_when_they_come(engine: SentenceEngine) -> None:
    utterance = Utterance(SpeechRequest())
    engine.start(utterance)
    chunks = utterance.chunks()
    utterance.say(*tokens("The quick brown fox. Jumped"))
    first = [next(chunks)]
    utterance.say(*tokens("over the lazy dog."))
    utterance.end()
    rest = list(chunks)
    assert word_errors("the quick brown fox jumped over the lazy dog", heard(samples_of(first + rest), 24_000)) <= 1
