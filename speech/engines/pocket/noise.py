"""What is random in Pocket TTS: one vector of noise a frame. Knows no model and no torch."""

from __future__ import annotations

import numpy as np

from speech.request import Samples


def noise(seed: int, frame: int, size: int, temperature: float, clamp: float | None = None) -> Samples:
    """(size,), normal with the variance `temperature`: the same for the same seed, frame and place.

    seed: 64 bits. frame: of the utterance, from 0. Philox is a generator without a past: seed and frame are its key.
    clamp: no number lies further from 0; those that would are drawn again, as pocket-tts's noise_clamp has it.
    """
    if temperature == 0:
        return np.zeros(size, np.float32)
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, frame], np.uint64)))
    drawn = generator.standard_normal(size, np.float32) * np.float32(temperature**0.5)
    while clamp is not None and (outside := np.abs(drawn) > clamp).any():
        drawn[outside] = generator.standard_normal(int(outside.sum()), np.float32) * np.float32(temperature**0.5)
    return drawn
