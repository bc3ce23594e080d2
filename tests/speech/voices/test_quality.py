"""Faults of a recording, on the embedded voice's speech and on what is no speech."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from speech.engines.hibari.voice import SAMPLE_RATE, HibariVoice
from speech.request import Samples
from speech.voices.quality import faults

TEXT = "Every morning she counts the gulls on the wall. Seven is a good number, and eight means rain."


@pytest.fixture(scope="module")
def voice() -> Samples:
    return HibariVoice().speak(TEXT).samples


def noise(count: int, level: float) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0, level, count)


def codes(samples: NDArray[np.floating]) -> list[str]:
    return [fault.code for fault in faults(samples.astype(np.float32), SAMPLE_RATE)]


def test_a_clean_voice_has_none(voice: Samples) -> None:
    assert codes(voice) == []
    assert codes(voice + noise(len(voice), 0.001)) == []


def test_noise_below_a_voice(voice: Samples) -> None:
    assert codes(voice + noise(len(voice), float(voice.std()) * 0.3)) == ["noisy"]


def test_noise_alone() -> None:
    assert codes(noise(72_000, 0.1)) == ["noise"]


def test_silence() -> None:
    assert codes(np.zeros(72_000)) == ["silent"]
    assert codes(noise(72_000, 0.0005)) == ["silent"]


def test_clipping(voice: Samples) -> None:
    assert codes(np.clip(voice * 8, -1, 1)) == ["clipped"]


def test_a_low_level(voice: Samples) -> None:
    assert codes(voice * 0.03) == ["quiet"]


def test_hardly_any_speech(voice: Samples) -> None:
    assert codes(np.concatenate([voice[:SAMPLE_RATE], np.zeros(3 * SAMPLE_RATE)])) == ["little_speech"]
