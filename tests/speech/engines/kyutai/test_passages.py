"""A chapter in passages on the tiny checkpoint, counted in steps of the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from moshi.models.tts import TTSModel

from speech.engines.batch.engine import BatchedEngine
from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.request import SpeechRequest
from tests.services import make_service

SENTENCE = "Every morning she counts the gulls on the wall and the river and the rain."
CHAPTER = " ".join([SENTENCE] * 40)  # 600 words
SLOTS = 8


@pytest.mark.slow
def test_a_chapter_takes_a_quarter_of_the_steps_of_one_row(
    load_model: Callable[..., TTSModel], embedding: Embedding
) -> None:
    runner = KyutaiRunner(load_model(), lambda _: embedding(None), slots=SLOTS, temperature=0.0)
    engine = BatchedEngine(lambda: runner, max_queue=8)
    service = make_service(lambda _: engine)

    def steps(passages: bool) -> tuple[int, int]:
        """Of the whole, and until the first sound."""
        before = engine.status().steps.count
        with service.speak(SpeechRequest(CHAPTER, passages=passages, cfg_coef=None)) as speech:
            speech.start()
            first = engine.status().steps.count - before
            for _ in speech.chunks():
                pass
        return engine.status().steps.count - before, first

    side_by_side, one_row = steps(True), steps(False)
    service.close()
    print(f"steps: {side_by_side} in passages, {one_row} in one row")
    assert side_by_side[0] <= one_row[0] / 4  # 24 % at 600 words: the last round of slots is not full
