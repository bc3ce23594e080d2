"""Marks of voices: who says what, and where it stands in the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from speech.request import Turn
from speech.text.turns import placed, turns

PIECES = st.lists(st.sampled_from(["[voice:a]", "[VOICE: b c ]", "[voice:]", "[voice]", "\n", " ", "hi", "😀", "[x]"]))


def cut(*parts: Turn) -> list[tuple[str | None, str, int]]:
    return [(turn.voice, turn.text, turn.start) for turn in turns(placed(parts))]


def test_a_mark_at_a_lines_start_names_the_voice() -> None:
    text = "😀 Once.\n[voice:bob] Hi!\n\nStill him.\n  [VOICE: ann b.wav ]\nYes.\n[voice:] She left."
    assert cut(Turn(text)) == [
        (None, "😀 Once.\n", 0),
        ("bob", "Hi!\n\nStill him.\n", 21),
        ("ann b.wav", "\nYes.\n", 58),
        (None, "She left.", 73),
    ]


def test_elsewhere_it_is_text() -> None:
    for text in ("Say [voice:bob] now.", "[voice]", "[voice:a\nb]"):
        assert cut(Turn(text)) == [(None, text, 0)]


def test_a_voice_goes_on_over_parts_that_name_none() -> None:
    parts = [Turn("[voice:bob] One."), Turn("Two."), Turn("Three.", "ann"), Turn("Four.")]
    assert cut(*parts) == [("bob", "One.", 12), ("bob", "Two.", 18), ("ann", "Three.", 24), ("bob", "Four.", 32)]


@given(PIECES)
def test_places_are_those_of_the_text(parts: list[str]) -> None:
    text = "".join(parts)
    data = text.encode("utf-16-le")
    for _, said, start in cut(Turn(text)):
        assert data[start * 2 :].decode("utf-16-le").startswith(said)
        assert said.strip()
