"""Places of words in the text, and the follower that finds them again."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from speech.request import Word
from speech.text.feed import clean, pieces, spans
from speech.text.follow import LOOK_AHEAD, Follower

TEXTS = st.lists(
    st.sampled_from(
        ["one", "two.", " ", "\n\n", "\u200b", "\x00", "\x0b", "\u00a0", "😀", '<break time="1s"/>', "<br", "é"]
    )
    | st.text(max_size=4)
).map("".join)


@given(TEXTS)
@example("a\x0cb c")
@example("a\u200bb")
def test_spans_are_the_words_that_are_said(text: str) -> None:
    assert [span.word for span in spans(text)] == [piece for piece in pieces(text) if isinstance(piece, str)]


@given(TEXTS)
def test_a_span_cut_out_of_the_text_is_its_word(text: str) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    for span in spans(text):
        cut = units[2 * span.start : 2 * span.stop].decode("utf-16-le", "surrogatepass")
        assert clean(cut) == span.word


def test_offsets_count_what_javascript_counts() -> None:
    assert [(s.start, s.stop) for s in spans("😀 hi")] == [(0, 2), (3, 5)]


def test_the_follower_skips_what_the_engine_left_out_and_never_goes_back() -> None:
    follower = Follower(spans("the cat and the dog"))
    found = [follower.find(Word(word, 0.0)) for word in ("the", "and", "the", "bird", "dog", "the")]
    assert [span and span.start for span in found] == [0, 8, 12, None, 16, None]


def test_the_follower_looks_only_a_few_words_ahead() -> None:
    follower = Follower(spans("x " * LOOK_AHEAD + "end"))
    assert follower.find(Word("end", 0.0)) is None
