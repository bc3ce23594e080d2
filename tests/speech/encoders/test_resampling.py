"""Other sample rates: nothing folds back, nothing is lost, and telephones get what they expect."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from speech.encoders import ENCODERS, RATES, make_encoder
from speech.encoders.resampling import Resampler
from speech.engines.hibari.voice import HibariVoice
from tests.ear import heard, word_error_rate
from tests.speech.encoders.test_encoders import FRAME, RATE, SENTENCE, decode, encode, frames

OTHERS = [rate for rate in RATES if rate != RATE]


def tone(hz: float, seconds: float = 1.0, rate: int = RATE) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def resample(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    resampler = Resampler(RATE, rate)
    return np.concatenate([*map(resampler.push, frames(samples)), resampler.flush()])


def level_db(samples: NDArray[np.float32]) -> float:
    """Of the middle half, against the tone's own level."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(20 * np.log10(np.sqrt(np.mean(middle**2)) / (0.5 / np.sqrt(2)) + 1e-9))


def strongest_other_db(samples: NDArray[np.float32], hz: float, rate: int) -> float:
    """The strongest part of the sound that is not the tone, against the tone."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    power = np.abs(np.fft.rfft(middle * np.blackman(len(middle))))
    near = np.abs(np.fft.rfftfreq(len(middle), 1 / rate) - hz) < 50
    return float(20 * np.log10(power[~near].max() / power[near].max()))


def cut_off(samples: NDArray[np.float32], hz: float) -> NDArray[np.float32]:
    """Without anything above hz, as no filter can do it. The recogniser mishears even this at 4 kHz."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE) > hz] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


@pytest.mark.parametrize("rate", [rate for rate in OTHERS if rate < RATE])
@pytest.mark.parametrize("above", [1.05, 1.2, 1.4])
def test_what_the_new_rate_cannot_hold_does_not_fold_back(rate: int, above: float) -> None:
    assert level_db(resample(tone(above * rate / 2), rate)) < -80


@pytest.mark.parametrize("rate", OTHERS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.85])
def test_a_tone_stays_that_tone_alone(rate: int, part: float) -> None:
    hz = part * min(rate, RATE) / 2
    got = resample(tone(hz), rate)
    assert strongest_other_db(got, hz, rate) < -80
    assert abs(level_db(got)) < 0.1


@pytest.mark.parametrize("rate", OTHERS)
@pytest.mark.parametrize("length", [1, 7, 100, 500, 1199, FRAME, 5 * FRAME + 123])
def test_it_lasts_as_long(rate: int, length: int) -> None:
    got = resample(tone(440)[:length], rate)
    assert abs(len(got) - length * rate / RATE) <= 1


@pytest.mark.parametrize("rate", OTHERS)
def test_no_chunk_is_held_back_for_long(rate: int) -> None:
    resampler, got = Resampler(RATE, rate), 0
    for count, frame in enumerate(frames(tone(440, 0.96)), 1):
        got += len(resampler.push(frame))
        assert got / rate > count * FRAME / RATE - 0.04


@pytest.mark.parametrize("rate", OTHERS)
def test_nothing_in_nothing_out(rate: int) -> None:
    resampler = Resampler(RATE, rate)
    assert len(resampler.push(np.zeros(0, np.float32))) == len(resampler.flush()) == 0


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ["wav", "mulaw", "alaw"])
def test_the_same_words_are_heard(name: str, rate: int, voice: HibariVoice) -> None:
    if rate not in ENCODERS[name].rates:
        pytest.skip(f"{name} has no {rate} Hz")
    samples = voice.speak(SENTENCE, seed=1).samples
    with closing(make_encoder(name, RATE, wanted=rate)) as encoder:
        data = b"".join([*map(encoder.encode, frames(samples)), encoder.flush()])
    decoded = decode(name, data)
    assert abs(len(decoded) - len(samples)) / RATE < 0.001
    best = word_error_rate(SENTENCE, heard(cut_off(samples, rate / 2), RATE))
    assert word_error_rate(SENTENCE, heard(decoded, RATE)) <= best + 0.1


@pytest.mark.parametrize(("name", "silence"), [("mulaw", 0xFF), ("alaw", 0xD5)])
def test_the_telephone_codes_are_those_of_g711(name: str, silence: int) -> None:
    """Silence and the loudest samples, as G.711's tables have them."""
    assert set(encode(name, np.zeros(FRAME, np.float32))) == {silence}
    loud = encode(name, np.full(4 * FRAME, 0.999, np.float32))
    assert {0x80 if name == "mulaw" else 0xAA} == set(loud[len(loud) // 3 : len(loud) // 2])
