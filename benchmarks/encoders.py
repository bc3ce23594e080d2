"""Processor time of each audio format for a second of audio, in frames of 80 ms as an engine gives them.

python -m benchmarks encoders
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.common import options, tell
from speech.encoders import ENCODERS, make_encoder
from speech.request import FRAME_S, Samples

RATE = 24_000  # Hz, of every engine that is here
ROUNDS = 5


def main() -> None:
    told = options(__doc__)
    samples = voice_like(2.0 if told.quick else 30.0)
    tell("encoders", [measure(name, samples) for name in ENCODERS], told.json)


def voice_like(seconds: float) -> Samples:
    """A tone that swells and falls, and noise: silence and pure tones cost some formats less than speech."""
    at = np.arange(int(RATE * seconds)) / RATE
    tone = np.sin(2 * np.pi * 140 * at) + 0.5 * np.sin(2 * np.pi * 700 * at)
    noise = np.random.default_rng(1).normal(0, 0.05, len(at))
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * at)
    return (0.3 * swell * (tone + noise)).astype(np.float32)


def measure(name: str, samples: Samples) -> dict[str, Any]:
    """The best of some rounds, which other processes disturb least."""
    best, size, frame = float("inf"), 0, int(RATE * FRAME_S)
    for _ in range(ROUNDS):
        started = time.process_time()
        encoder = make_encoder(name, RATE)
        parts = [encoder.head(), *(encoder.encode(samples[at : at + frame]) for at in range(0, len(samples), frame))]
        size = sum(map(len, [*parts, encoder.flush()]))
        best = min(best, time.process_time() - started)
    seconds = len(samples) / RATE
    return {"format": name, "CPU ms for each s of audio": 1000 * best / seconds, "kbit/s": size * 8 / 1000 / seconds}


if __name__ == "__main__":
    main()
