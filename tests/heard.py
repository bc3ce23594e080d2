"""An utterance as a test hears it: all that the engine said, also after the listener left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from speech.engines.base import Utterance
from speech.request import AudioChunk, Piece, SpeechRequest, Word
from tests.tokens import tokens


class Heard(Utterance):
    """An utterance that keeps all it was given, cancelled or not."""

    def __init__(self, request: SpeechRequest, *, buffer_s: float = 1e6) -> None:
        super().__init__(request, buffer_s=buffer_s)
        self.heard: list[AudioChunk] = []

    def emit(self, chunk: AudioChunk) -> None:
        if not self.over:
            self.heard.append(chunk)
        super().emit(chunk)

    @property
    def pcm(self) -> np.ndarray:
        return np.concatenate([chunk.samples for chunk in self.heard] or [np.zeros(0, np.float32)])

    @property
    def words(self) -> list[Word]:
        return [word for chunk in self.heard for word in chunk.words]


def utter(request: SpeechRequest, pieces: Sequence[Piece] | None = None) -> Heard:
    """An utterance whose whole text is there."""
    utterance = Heard(request)
    utterance.say(*(tokens(request.text) if pieces is None else pieces))
    utterance.end()
    return utterance
