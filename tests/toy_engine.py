"""The smallest engine there can be: it hums a tone for each word. CONTRIBUTING's example of adding one.

Its row is in tests/speech/engines/test_toy.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from speech.engines.base import Engine
from speech.engines.sentence.engine import SentenceEngine
from speech.progress import Progress
from speech.request import Samples
from speech.settings import Settings
from speech.voices.catalogue import Voice, VoiceCatalogue

RATE = 16_000  # Hz
WORD_S = 0.25


@dataclass(frozen=True)
class Hummed:
    samples: Samples
    tokens: int

    def word_times(self, words: tuple[str, ...]) -> list[tuple[float, float]]:
        return [(index * WORD_S, (index + 1) * WORD_S) for index in range(len(words))]


class Hummer:
    """The voice: what an engine that speaks sentence by sentence needs of a model."""

    sample_rate = RATE

    def speak(self, text: str, seed: int | None = None, voice: str | None = None) -> Hummed:
        words = len(text.split())
        time_s = np.arange(round(words * WORD_S * RATE)) / RATE
        return Hummed((0.5 * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32), words)

    def split(self, text: str) -> list[str]:
        return [text]


def build(settings: Settings, progress: Progress) -> Engine:
    progress("learning to hum", 0, 0, None)
    return SentenceEngine(Hummer(), settings.max_slots, settings.max_queue)


def catalogue(settings: Settings) -> VoiceCatalogue:
    hum = Voice(id="hum", name="Hum", language="en", licence="MIT", commercial=True, set="toy")
    return VoiceCatalogue([hum], settings.default_voice)
