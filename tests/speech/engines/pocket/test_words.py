"""When words are said: estimated from the sound, told once each, in order, with the passage in which they are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.engines.batch.stepper import Stepper
from speech.engines.hibari.voice import HibariVoice
from speech.engines.pocket.pace import HOP_S, Floats, Span, levels_of, word_times
from speech.engines.pocket.runner import PocketRunner
from speech.request import Pause, Samples, SpeechRequest, Token, Word
from tests.good_ear import spoken_words
from tests.speech.engines.pocket.conftest import MakeRunner
from tests.speech.engines.pocket.helpers import CASES, Case, Heard, listen, utter
from tests.tokens import tokens

RATE = 24_000


def sound(*parts: float) -> Floats:
    """Levels: so many seconds loud, so many silent, and so on."""
    levels = [np.full(round(abs(seconds) / HOP_S), -20.0 if seconds > 0 else -80.0) for seconds in parts]
    return np.concatenate([np.zeros(0), *levels])


def near(found: list[Span], right: list[Span]) -> bool:
    return len(found) == len(right) and np.allclose(found, right, atol=0.011)


class TestPace:
    def test_equal_words_share_the_sound_without_its_edges(self) -> None:
        assert near(word_times(["one", "two"], sound(-0.2, 1.0, -0.3)), [(0.2, 0.7), (0.7, 1.2)])

    def test_longer_words_take_longer(self) -> None:
        (_, one), (_, two) = word_times(["a", "wonderful"], sound(1.2))
        assert one < 0.3 < two == pytest.approx(1.2)

    def test_a_silence_lies_at_the_mark(self) -> None:
        """The words before it are said faster than those after it."""
        found = word_times(["Wait", "here.", "Now", "we", "go", "home."], sound(0.5, -0.4, 1.4))
        assert near([found[1], found[2]], [(0.25, 0.5), (0.9, found[2][1])])

    def test_a_silence_without_a_mark_lies_where_the_pace_is_even(self) -> None:
        found = word_times(["one"] * 6, sound(0.6, -0.2, 1.2))
        assert near([found[1], found[2]], [(0.3, 0.6), (0.8, 1.1)])

    def test_a_short_silence_may_lie_inside_a_word(self) -> None:
        assert near(word_times(["backpacks"], sound(0.3, -0.1, 0.3)), [(0.0, 0.7)])

    def test_far_too_many_words_share_the_sound(self) -> None:
        found = word_times(["one"] * 3_000, sound(1.0, -0.5, 1.0))
        assert near([found[0], found[-1]], [(0.0, 0.001), (2.499, 2.5)])

    def test_no_sound_at_all(self) -> None:
        assert word_times(["a", "b"], np.zeros(0)) == [(0.0, 0.005), (0.005, 0.01)]
        assert len(word_times(["a", "b"], np.full(100, -100.0))) == 2

    @given(
        words=st.lists(st.text("abcäß.,!—'1 ", min_size=1, max_size=12), min_size=1, max_size=40),
        parts=st.lists(st.floats(0.01, 1.0), max_size=60),
    )
    @settings(max_examples=60, deadline=None)
    def test_words_lie_in_order_inside_the_sound(self, words: list[str], parts: list[float]) -> None:
        levels = sound(*(part if number % 2 else -part for number, part in enumerate(parts)))
        found = word_times(words, levels)
        assert len(found) == len(words)
        assert all(start <= stop for start, stop in found)
        assert all(one[1] <= other[0] + 1e-9 for one, other in pairwise(found))
        assert found[0][0] >= 0
        assert found[-1][1] <= max(1, len(levels)) * HOP_S + 1e-9

    def test_levels(self) -> None:
        loud = np.sin(np.arange(RATE) * 0.3).astype(np.float32)
        assert levels_of(loud, RATE) == pytest.approx(np.full(100, -3.0), abs=0.3)
        assert len(levels_of(np.zeros(1919, np.float32), RATE)) == 7


def told(utterance: Heard) -> list[Word]:
    return [word for chunk in utterance.heard for word in chunk.words]


def check(utterance: Heard, said: list[str]) -> None:
    words = told(utterance)
    assert [word.text for word in words] == said
    assert all(word.estimated and word.stop_s is not None for word in words)
    assert all((one.stop_s or 0) <= other.start_s + 1e-9 for one, other in pairwise(words))
    assert (words[-1].stop_s or 0) <= len(utterance.pcm) / RATE + 1e-9


class TestTold:
    @pytest.mark.parametrize("case", CASES)
    def test_every_word_once(self, runner: PocketRunner, case: Case) -> None:
        utterance = utter(case.request)
        listen(Stepper(runner, 0), utterance)
        check(utterance, utterance.request.text.split())

    def test_many_side_by_side(self, runner: PocketRunner) -> None:
        stepper, utterances = Stepper(runner, len(CASES)), [utter(case.request) for case in CASES]
        for utterance in utterances:
            stepper.admit(utterance)
        while not all(utterance.over for utterance in utterances):
            stepper.turn()
        for utterance in utterances:
            check(utterance, utterance.request.text.split())

    def test_a_pause_lies_between_its_words(self, runner: PocketRunner) -> None:
        said = [*tokens("Rain comes home."), Pause(1.0), *tokens("Gulls rest.")]
        utterance = utter(SpeechRequest(), said)
        listen(Stepper(runner, 0), utterance)
        check(utterance, ["Rain", "comes", "home.", "Gulls", "rest."])
        words = told(utterance)
        assert words[3].start_s - (words[2].stop_s or 0) > 0.95, "in whole frames"

    def test_what_is_read_as_several_words_is_told_as_it_is_written(self, runner: PocketRunner) -> None:
        said = [Token("12,50 €", "twelve euros"), Token("", "fifty"), Token("please.", "please.")]
        utterance = utter(SpeechRequest(), said)
        listen(Stepper(runner, 0), utterance)
        check(utterance, ["12,50 €", "please."])

    def test_words_that_the_model_does_not_know(self, runner: PocketRunner) -> None:
        utterance = utter(SpeechRequest(text="αβγ δεζ Rain."))
        listen(Stepper(runner, 0), utterance)
        check(utterance, ["αβγ", "δεζ", "Rain."])

    def test_they_come_while_the_text_is_still_written(self, runner: PocketRunner) -> None:
        """Behind a whole sentence, though its listener says nothing more."""
        stepper, utterance = Stepper(runner, 0), Heard(SpeechRequest())
        utterance.say(*tokens("Rain comes home. And"))
        stepper.admit(utterance)
        for _ in range(2_000):
            stepper.turn()
        assert [word.text for word in told(utterance)] == ["Rain", "comes", "home."]
        utterance.end()
        while not utterance.over:
            stepper.turn()
        check(utterance, ["Rain", "comes", "home.", "And"])

    def test_a_text_without_end(self, endless: Path, make_runner: MakeRunner) -> None:
        utterance = utter(CASES[1].request)
        listen(Stepper(make_runner(endless), 0), utterance)
        check(utterance, ["Rain."])


CHAPTER = Path(__file__).parents[1] / "hibari" / "data" / "alice.txt"
PASSAGE_WORDS = 34  # about 50 tokens


def passages(voice: HibariVoice, count: int) -> list[list[str]]:
    """Sentences side by side, as pocket-tts puts them together."""
    sentences = voice.split(" ".join(CHAPTER.read_text(encoding="utf-8").replace("_", "").split()))
    found: list[list[str]] = [[]]
    for sentence in sentences:
        if found[-1] and sum(len(one.split()) for one in [*found[-1], sentence]) > PASSAGE_WORDS:
            found.append([])
        found[-1].append(sentence)
    return found[:count]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_they_lie_near_what_a_recogniser_hears() -> None:
    """The embedded voice alone can be heard here; its own times are not looked at."""
    voice, errors = HibariVoice(), []
    for sentences in passages(voice, 40):
        samples: Samples = np.concatenate([voice.speak(sentence, seed=1).samples for sentence in sentences])
        words = " ".join(sentences).split()
        found = word_times(words, levels_of(samples, RATE))
        errors += [abs(found[index][0] - start_s) for index, start_s in spoken_words(samples, RATE, words)]
    assert len(errors) > 700, "most words are heard"
    assert np.median(errors) <= 0.15
