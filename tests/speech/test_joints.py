"""The edges of passages: silence goes, sound stays, and nothing clicks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.joints import FADE_S, KEPT_S, QUIET, later, silence, without_edges
from speech.request import AudioChunk, Samples, Word

RATE = 24_000
FRAME = 1_920


def tone(seconds: float) -> Samples:
    return (0.5 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def frames(samples: Samples, *words: Word) -> list[AudioChunk]:
    parts = [samples[start : start + FRAME] for start in range(0, len(samples), FRAME)]
    return [AudioChunk(part, RATE, words if not index else ()) for index, part in enumerate(parts)]


def whole(chunks: list[AudioChunk]) -> Samples:
    return np.concatenate([quiet(0), *(chunk.samples for chunk in chunks)])


def test_silence_goes_at_both_ends_and_stays_inside() -> None:
    sound = np.concatenate([quiet(0.5), tone(1), quiet(0.8), tone(1), quiet(2)])
    left = whole(list(without_edges(frames(sound), RATE)))
    assert len(left) / RATE == pytest.approx(2.8 + 2 * KEPT_S, abs=0.01)


def test_times_count_from_what_is_left() -> None:
    sound = np.concatenate([quiet(0.5), tone(1)])
    got = list(without_edges(frames(sound, Word("a", 0.5, 1.0), Word("b", 1.0, 1.5)), RATE))
    (a, b) = [word for chunk in got for word in chunk.words]
    assert a.start_s == pytest.approx(KEPT_S, abs=0.002)
    assert b.start_s - a.start_s == pytest.approx(0.5)


def test_the_first_passage_begins_at_once() -> None:
    begun = without_edges(frames(np.concatenate([quiet(0.5), tone(1)])), RATE, keep_start=True)
    assert len(next(begun).samples) >= FRAME - FADE_S * RATE


def test_words_of_a_silent_passage_are_told() -> None:
    got = list(without_edges(frames(quiet(0.5), Word("hush", 0.1, 0.2)), RATE))
    assert [word.text for chunk in got for word in chunk.words] == ["hush"]


def test_a_cut_through_sound_is_faded() -> None:
    left = whole(list(without_edges(frames(tone(1.013)), RATE)))
    assert abs(left[0]) < QUIET
    assert abs(left[-1]) < QUIET
    assert np.abs(np.diff(left)).max() <= np.abs(np.diff(tone(1))).max() * 1.05


def test_silence_comes_in_frames() -> None:
    assert sum(len(chunk.samples) for chunk in silence(0.35, RATE)) == round(0.35 * RATE)
    assert list(silence(0, RATE)) == []


def test_later() -> None:
    ((moved,),) = [chunk.words for chunk in later([AudioChunk(quiet(0), RATE, (Word("a", 1.0, None),))], 2)]
    assert (moved.start_s, moved.stop_s) == (3.0, None)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.5)), max_size=8), st.booleans())
def test_loud_samples_are_never_lost(parts: list[tuple[bool, float]], keep_start: bool) -> None:
    sound = np.concatenate([quiet(0), *((tone if loud else quiet)(seconds) for loud, seconds in parts)])
    left = whole(list(without_edges(frames(sound), RATE, keep_start)))
    faded = 2 * FADE_S * RATE + 4  # at the edges
    assert np.count_nonzero(np.abs(left) > QUIET) >= np.count_nonzero(np.abs(sound) > QUIET) - faded
    assert len(left) <= len(sound)
