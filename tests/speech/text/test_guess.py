"""Which language a text is in."""

from __future__ import annotations

import json

import pytest

from speech.text.guess import guess
from tests.speech.text.reading.reading import CASES


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Il est tard, et la nuit est belle.", "fr"),
        ("C'est à Paris qu'il l'a dit.", "fr"),
        ("It is late and the night is fair.", "en"),
        ("Das ist gut, und ich bin nicht müde.", "de"),
        ("El gato y la luna que no se ven por la noche", "es"),
        ("OK, Paris!", None),
        ("12,50 €", None),
        ("", None),
    ],
)
def test_a_text_of_some_words_tells(text: str, language: str | None) -> None:
    assert guess(text) == language


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_english_text_is_taken_for_french_nor_the_other_way(language: str) -> None:
    trials = json.loads((CASES / "trials.json").read_text(encoding="utf-8"))[language]
    assert guess(" ".join(case["written"] for case in trials)) == language
    other = {"en": "fr", "fr": "en"}[language]
    assert other not in {guess(case["written"]) for case in trials}
