"""Words get both of their times, in order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.captions import with_times
from speech.request import FRAME_S, AudioChunk, Word

RATE = 24_000
TIMES = st.floats(0, 4)


def chunk(*words: Word) -> AudioChunk:
    return AudioChunk(np.zeros(1_920, np.float32), RATE, words)


def told(chunks: Iterable[AudioChunk]) -> list[list[tuple[str, float, float | None]]]:
    return [[(word.text, word.start_s, word.stop_s) for word in each.words] for each in with_times(chunks)]


def test_a_word_without_an_end_is_told_when_the_next_begins() -> None:
    chunks = [chunk(Word("a", 0.0)), chunk(), chunk(Word("b", 0.16))]
    assert told(chunks) == [[], [], [("a", 0.0, 0.16)], [("b", 0.16, pytest.approx(0.24))]]


def test_a_word_with_an_end_is_told_at_once() -> None:
    chunks = [chunk(Word("a", 0.0, 0.1), Word("b", 0.3, 0.5)), chunk()]
    assert told(chunks) == [[("a", 0.0, 0.1), ("b", 0.3, 0.5)], []]


def test_a_word_that_takes_no_time_gets_a_frame() -> None:
    ((_, (dash, a, b)),) = [(0, each) for each in told([chunk(Word("—", 1, 1), Word("a", 1, 1.4), Word("b", 1.4, 2))])]
    assert dash == ("—", 1, 1 + FRAME_S)
    assert a == ("a", 1 + FRAME_S, 1.4)
    assert b == ("b", 1.4, 2)


def test_the_audio_is_the_same_and_waits_for_no_word() -> None:
    made: list[int] = []

    def making() -> Iterable[AudioChunk]:
        for index in range(3):
            made.append(index)
            yield chunk(Word(str(index), index * 0.08))

    got = []
    for each in with_times(making()):
        got.append(len(each.samples))
        assert len(made) == min(len(got), 3)
    assert got == [1920, 1920, 1920, 0]


def test_nothing_is_nothing() -> None:
    assert list(with_times([])) == []


@given(st.lists(st.tuples(TIMES, st.none() | TIMES)), st.integers(1, 3))
def test_every_word_is_told_once_and_times_are_in_order(words: list[tuple[float, float | None]], each: int) -> None:
    given_words = [Word(str(i), start, stop, i, i + 1) for i, (start, stop) in enumerate(words)]
    chunks = [chunk(*given_words[i : i + each]) for i in range(0, len(words), each)]
    got = [word for part in with_times(chunks) for word in part.words]
    assert [(word.text, word.start, word.stop) for word in got] == [(w.text, w.start, w.stop) for w in given_words]
    assert all(word.stop_s is not None and word.stop_s >= word.start_s + FRAME_S for word in got)
    assert all(a.stop_s is not None and a.stop_s <= b.start_s for a, b in pairwise(got))
    assert all(word.start_s >= as_given.start_s for word, as_given in zip(got, given_words, strict=True))
