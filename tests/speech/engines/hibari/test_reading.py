"""What the embedded voice makes of what reading gives it."""

from __future__ import annotations

import json
import re

import pytest

from speech.engines import ENGINES
from speech.engines.hibari.voice import HibariVoice
from speech.request import Token
from speech.text.lexicon import entries
from speech.text.manner import Manner
from speech.text.pipe import read
from speech.text.remarks import Remarks
from tests.speech.text.reading.reading import CASES


def phonemes(voice: HibariVoice, said: str) -> str:
    """Without stress, punctuation and gaps: two spellings of the same words may differ in these."""
    return re.sub(r"[\W_ˈˌ]", "", voice.phonemes(said))


def said(text: str, manner: Manner | None = None) -> str:
    pieces = read(text, (manner or Manner("en")).reader(Remarks()))
    return " ".join(piece.spoken for piece in pieces if isinstance(piece, Token) and piece.spoken)


def test_the_trials_sound_like_their_words_spelled_out(voice: HibariVoice) -> None:
    trials = json.loads((CASES / "trials.json").read_text(encoding="utf-8"))["en"]
    wrong = [
        case["written"]
        for case in trials
        if phonemes(voice, said(case["written"]))
        not in [phonemes(voice, f"{spoken[0].upper()}{spoken[1:]}.") for spoken in case["spoken"]]
    ]
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize(
    ("written", "spelled_out"),
    [
        ("He said no... never mind.", "He said no, never mind."),
        ("Call 555-123-4567.", "Call five five five one two three four five six seven."),
        ("IT IS US OR THEM", "it is us or them"),
        ("CHAPTER II.", "chapter two."),
        ("DRINK ME", "drink me"),
    ],
)
def test_what_it_used_to_get_wrong(voice: HibariVoice, written: str, spelled_out: str) -> None:
    assert phonemes(voice, said(written)) == phonemes(voice, spelled_out)


def test_phonemes_of_the_lexicon_are_what_it_says(voice: HibariVoice) -> None:
    assert ENGINES["hibari"].phonemes
    manner = Manner("en", entries=entries({"Kyutai": "/kjˈutI/"}), phonemes=True)
    spoken = voice.speak(said("Kyutai's voice.", manner))
    assert spoken.phonemes.startswith("kjˈutI")
