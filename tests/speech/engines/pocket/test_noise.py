"""Noise is a function of seed, frame and place."""

from __future__ import annotations

import numpy as np

from speech.engines.pocket.noise import noise


def test_the_same_each_time_and_another_for_another_seed_or_frame() -> None:
    one = noise(1, 0, 32, 1.0)
    assert np.array_equal(one, noise(1, 0, 32, 1.0))
    for other in (noise(2, 0, 32, 1.0), noise(1, 1, 32, 1.0), noise(2**64 - 1, 0, 32, 1.0)):
        assert not np.isclose(one, other).any()


def test_it_is_normal_and_the_temperature_is_its_variance() -> None:
    drawn = np.concatenate([noise(7, frame, 64, 0.25) for frame in range(400)])
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 0.5) < 0.01
    assert abs((np.abs(drawn) < 0.5).mean() - 0.683) < 0.01


def test_without_temperature_there_is_none() -> None:
    assert not noise(7, 0, 32, 0.0).any()


def test_a_clamp_bounds_it_and_piles_nothing_up_there() -> None:
    drawn = np.concatenate([noise(7, frame, 64, 1.0, clamp=0.8) for frame in range(100)])
    assert np.abs(drawn).max() <= 0.8
    assert (np.abs(drawn) > 0.799).mean() < 0.01
    assert np.abs(drawn).std() > 0.2
