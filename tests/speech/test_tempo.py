"""speed: how long it takes, how high it sounds, whether it can be understood, and when the words come."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech.engines.hibari.voice import HibariVoice
from speech.request import AudioChunk, Word
from speech.tempo import factors, tempo, with_tempo
from tests.ear import heard, pcm16, word_error_rate

RATE = 24_000
FRAME = 1_920
SENTENCE = "We were all away a year ago, and now we are home again."  # voiced nearly throughout
speeds = pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.5, 2.0, 4.0])


@pytest.fixture(scope="module")
def speech(voice: HibariVoice) -> NDArray[np.float32]:
    return voice.speak(SENTENCE, seed=1).samples


def paced(samples: NDArray[np.float32], speed: float, words: tuple[Word, ...] = ()) -> list[AudioChunk]:
    chunks = [AudioChunk(samples[i : i + FRAME], RATE) for i in range(0, len(samples), FRAME)]
    chunks[0] = AudioChunk(chunks[0].samples, RATE, words)
    return list(with_tempo(chunks, RATE, speed))


def joined(chunks: list[AudioChunk]) -> NDArray[np.float32]:
    return np.concatenate([chunk.samples for chunk in chunks])


def pitch(samples: NDArray[np.float32]) -> float:
    """Median fundamental frequency in Hz, from the autocorrelation of 50 ms windows that are clearly voiced."""
    found = []
    for begin in range(0, len(samples) - 1200, 240):
        window = samples[begin : begin + 1200] * np.hanning(1200)
        spectrum = np.fft.rfft(window, 8192)
        correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:600]
        if correlation[0] < 1e-3:
            continue
        lag = 60 + int(np.argmax(correlation[60:400]))  # 60 to 400 Hz
        if correlation[lag] > 0.4 * correlation[0]:
            below, peak, above = correlation[lag - 1 : lag + 2]
            found.append(RATE / (lag + 0.5 * (below - above) / (below - 2 * peak + above)))
    return float(np.median(found))


@speeds
def test_duration_and_pitch(speed: float, speech: NDArray[np.float32]) -> None:
    changed = joined(paced(speech, speed))
    assert len(changed) == pytest.approx(len(speech) / speed, rel=0.02)
    assert pitch(changed) == pytest.approx(pitch(speech), rel=0.02)


def test_still_understood_at_one_and_a_half(speech: NDArray[np.float32]) -> None:
    assert word_error_rate(heard(speech, RATE), heard(joined(paced(speech, 1.5)), RATE)) <= 0.2


def test_a_changed_pitch_would_be_noticed(speech: NDArray[np.float32]) -> None:
    assert pitch(speech[::2]) > 1.5 * pitch(speech)


@speeds
def test_the_first_sound_is_not_held_back(speed: float, speech: NDArray[np.float32]) -> None:
    filtered, out = tempo(RATE, speed), 0
    for count in range(1, 20):
        out += len(filtered.push(speech[(count - 1) * FRAME : count * FRAME]))
        assert count * FRAME - out * speed < 0.24 * RATE * max(1.0, speed)


def test_words_are_in_the_time_of_the_audio_that_is_sent(speech: NDArray[np.float32]) -> None:
    words = (Word("We", 0.4, 0.5), Word("were", 1.0, None), Word("late", 99.0, None))
    chunks = paced(speech, 2.0, words)
    placed = [(index, word) for index, chunk in enumerate(chunks) for word in chunk.words]
    assert placed[:2] == [(2, Word("We", 0.2, 0.25)), (6, Word("were", 0.5, None))]
    assert placed[2] == (len(chunks) - 1, Word("late", 49.5, None))


@given(st.floats(0.25, 4.0))
def test_factors_stay_within_one_filter(speed: float) -> None:
    assert math.prod(factors(speed)) == pytest.approx(speed)
    assert all(0.5 <= factor <= 2.0 for factor in factors(speed))


def test_silence_is_nothing() -> None:
    assert list(with_tempo([], RATE, 2.0)) == []


def test_speed_through_the_api(client: FlaskClient) -> None:
    def samples(speed: float) -> NDArray[np.float32]:
        answer = client.post("/api/tts", json={"text": SENTENCE, "format": "pcm", "speed": speed, "seed": 1})
        assert float(answer.headers["X-Audio-Duration"]) == pytest.approx(len(answer.data) / 48_000, abs=0.001)
        return pcm16(answer.data)

    normal, fast = samples(1.0), samples(2.0)
    assert len(fast) == pytest.approx(len(normal) / 2, rel=0.02)
    assert pitch(fast) == pytest.approx(pitch(normal), rel=0.02)
