"""A chapter read aloud: all of the text, only the text.

The text is from Lewis Carroll's Alice's Adventures in Wonderland (1865, in the public domain): chapter VI and the
beginning of chapter VII, with its hard line ends, its dashes and its quotation marks, as the old plain-text edition
has them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speech.engines.base import Utterance
from speech.engines.hibari.voice import HibariVoice
from speech.engines.sentence.engine import SentenceEngine
from speech.request import SpeechRequest, Token
from speech.text.manner import Manner
from speech.text.pipe import read
from speech.text.remarks import Remarks
from tests.good_ear import heard, word_error_rate, words_of

CHAPTER = Path(__file__).parent / "data" / "alice.txt"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_chapter_of_three_thousand_words_is_heard(voice: HibariVoice) -> None:
    remarks = Remarks()
    pieces = read(CHAPTER.read_text(encoding="utf-8"), Manner("en").reader(remarks))
    said = " ".join(piece.spoken for piece in pieces if isinstance(piece, Token))
    assert len(words_of(said)) >= 2_900
    assert remarks.listed == []
    engine = SentenceEngine(voice, slots=1, max_queue=0)
    try:
        utterance = Utterance(SpeechRequest(seed=1))
        utterance.say(*pieces)
        utterance.end()
        engine.start(utterance)
        samples = np.concatenate([chunk.samples for chunk in utterance.chunks()])
    finally:
        engine.close()
    assert word_error_rate(said, heard(samples, voice.sample_rate)) <= 0.03
