"""Words, their places and pauses, whole and cut anywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speech.request import Pause, Piece, Token
from speech.text.feed import LONGEST_GAP, MAX_PAUSE_S, MAX_WORD_CHARS, PARAGRAPH, TextFeed, clean
from tests.tokens import written


def fed(*texts: str) -> list[Piece]:
    feed = TextFeed()
    return [piece for text in texts for piece in feed.feed(text)] + feed.flush()


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
def test_words_and_pauses(text: str, expected: list[object]) -> None:
    assert written(fed(text)) == expected


TEXTS = st.lists(
    st.sampled_from(
        ["word", "Dr.", " ", "\n", "\n\n", "\r", "\r\n", '<break time="0.5s"/>', "<", "<b", ">", "break", "é", "😀"]
    )
    | st.sampled_from(
        ["\x00", "\x0b", "\x1c", "\u200b", "\u00a0", "\x85", "x" * (MAX_WORD_CHARS - 2), " " * (2 * LONGEST_GAP)]
    )
    | st.text(max_size=4)
).map("".join)


@given(TEXTS, st.lists(st.integers(0, 3000)))
@example("a" + " " * 20 + "\r\nb", [21, 22])
@example("a" + " " * 20 + "\nb", [11, 21])
@example("x" * 5000 + "<break time='1s'/>y", [999, 1000, 1001, 5003])
def test_text_cut_anywhere_gives_the_same_words(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    assert fed(*(text[begin:end] for begin, end in pairwise(edges))) == fed(text)


@given(TEXTS)
def test_words_hold_no_white_space_and_nothing_that_cannot_be_said(text: str) -> None:
    for piece in fed(text):
        if isinstance(piece, Token):
            assert 0 < len(piece.written) <= MAX_WORD_CHARS
            assert not any(c.isspace() for c in piece.written)
            assert clean(piece.written) == piece.written == piece.spoken
        else:
            assert 0 <= piece.seconds <= MAX_PAUSE_S


@given(TEXTS)
def test_a_word_cut_out_of_the_text_at_its_place_is_that_word(text: str) -> None:
    units, end = text.encode("utf-16-le", "surrogatepass"), 0
    for token in (piece for piece in fed(text) if isinstance(piece, Token)):
        assert end <= token.start < token.stop
        end = token.stop
        cut = units[2 * token.start : 2 * token.stop].decode("utf-16-le", "surrogatepass")
        assert clean(cut) == token.written


def test_places_count_what_javascript_counts_over_the_whole_stream() -> None:
    feed = TextFeed()
    got = [*feed.feed("😀 h"), *feed.feed("i "), *feed.flush()]
    assert got == [Token("😀", "😀", 0, 2), Token("hi", "hi", 3, 5)]


def test_a_word_is_given_out_as_soon_as_white_space_follows() -> None:
    feed = TextFeed()
    assert written(feed.feed("Hel")) == []
    assert written(feed.feed("lo wor")) == ["Hello"]
    assert written(feed.feed("ld. ")) == ["world."]
    assert written(feed.feed("<bre")) == []
    assert feed.feed('ak time="1s"/>') == [Pause(1.0)]
    assert feed.flush() == []


@pytest.mark.parametrize("piece", ["x", " ", "\n", "\r\n", "\u200b", "<break", "😀"])
def test_what_never_ends_is_not_held_for_ever(piece: str) -> None:
    """Else each piece would cost more than the one before."""
    feed, came = TextFeed(), []
    for _ in range(3 * MAX_WORD_CHARS):
        came += feed.feed(piece)
        assert len(feed._held) < MAX_WORD_CHARS + 100
        assert len(feed._places) == len(feed._held)
    words = [token.written for token in [*came, *feed.flush()] if isinstance(token, Token)]
    assert "".join(words) == clean(piece * 3 * MAX_WORD_CHARS).strip()
