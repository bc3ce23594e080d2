"""Words and pauses, whole and cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.request import Pause
from speech.text.feed import MAX_HELD_CHARS, MAX_PAUSE_S, PARAGRAPH, TextFeed, clean, pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two.", ["One", "two."]),
        ("  One\ttwo.\n", ["One", "two."]),
        ("One\ntwo.", ["One", "two."]),
        ("One.\n\nTwo.", ["One.", PARAGRAPH, "Two."]),
        ("One.\r\n \r\n\r\nTwo.", ["One.", PARAGRAPH, "Two."]),
        ('a<break time="0.5s"/>b', ["a", Pause(0.5), "b"]),
        ("a <BREAK time='250ms' /> b", ["a", Pause(0.25), "b"]),
        ('<break time="99s"/>', [Pause(MAX_PAUSE_S)]),
        ('<break time="much"/>', ["<break", 'time="much"/>']),
        ("3 < 4 and 5 > 4", ["3", "<", "4", "and", "5", ">", "4"]),
        ("zero​width\x07bell", ["zerowidthbell"]),
        ("\n\nOne.\n\n", ["One."]),
        ("", []),
    ],
)
def test_pieces(text: str, expected: list[object]) -> None:
    assert pieces(text) == expected


TAGGED = st.lists(
    st.sampled_from(
        [
            "word",
            "Dr.",
            " ",
            "\n",
            "\n\n",
            "\r\n",
            '<break time="0.5s"/>',
            "<",
            "<b",
            ">",
            "break",
            "é",
            "\x1c",
            "\u200b",
            "\x85",
        ]
    )
).map("".join)


@given(TAGGED, st.lists(st.integers(0, 200)))
def test_text_cut_anywhere_gives_the_same_words(text: str, cuts: list[int]) -> None:
    feed, out, begin = TextFeed(), [], 0
    for end in sorted(cut for cut in cuts if cut < len(text)):
        out += feed.feed(text[begin:end])
        begin = end
    out += feed.feed(text[begin:]) + feed.flush()
    assert out == pieces(text)


@given(st.text())
def test_words_hold_no_white_space_and_nothing_that_cannot_be_said(text: str) -> None:
    for piece in pieces(text):
        if isinstance(piece, str):
            assert piece
            assert not any(c.isspace() for c in piece)
            assert clean(piece) == piece
        else:
            assert 0 <= piece.seconds <= MAX_PAUSE_S


def test_a_word_is_given_out_as_soon_as_white_space_follows() -> None:
    feed = TextFeed()
    assert feed.feed("Hel") == []
    assert feed.feed("lo wor") == ["Hello"]
    assert feed.feed("ld. ") == ["world."]
    assert feed.feed("<bre") == []
    assert feed.feed('ak time="1s"/>') == [Pause(1.0)]
    assert feed.flush() == []


def test_what_never_ends_is_not_held_for_ever() -> None:
    """Else each piece would cost more than the one before."""
    for piece in ("x", " ", "\n"):
        feed, came = TextFeed(), []
        for _ in range(3 * MAX_HELD_CHARS):
            came += feed.feed(piece)
            assert len(feed._held) <= MAX_HELD_CHARS
        words = [word for word in [*came, *feed.flush()] if isinstance(word, str)]
        assert "".join(words) == (piece * 3 * MAX_HELD_CHARS).strip()
