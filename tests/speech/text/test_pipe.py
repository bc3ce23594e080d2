"""The pipe from written text to what is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.request import Pause, Piece, Token
from speech.text.marks import spoken
from speech.text.markup.held import clean
from speech.text.messages import MessageFeed
from speech.text.pipe import Reader, anything_said, read
from speech.text.steps import EachWord, joined
from tests.tokens import written

TEXTS = st.lists(
    st.sampled_from(
        ["one", "**two.**", " ", "  ", "\n\n", "\r\n", "😀", "12,50", " € ", "[a](b)", "<b>", "\u200b", "#"]
    )
    | st.sampled_from(['<break time="1s"/>', "<break ", "https://example.com/a?b", "_x_", "\u00a0", "3 * 4"])
    | st.text(max_size=3)
).map("".join)

MARKUP = set("<[$\\`~")  # begins what may be left out as a whole


class Money:
    """A reading step as small as one can be: a word and the € behind it are one token. Holds one word back."""

    def __init__(self) -> None:
        self._held: Token | None = None

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        out: list[Piece] = []
        for piece in pieces:
            if self._held is not None and isinstance(piece, Token) and piece.written == "€":
                self._held, piece = None, joined([self._held, piece], f"{self._held.spoken} euros")
                out.append(piece)
                continue
            out += self.flush()
            if isinstance(piece, Token):
                self._held = piece
            else:
                out.append(piece)
        return out

    def flush(self) -> list[Piece]:
        held, self._held = self._held, None
        return [] if held is None else [held]


def reader(reading: type[Money] | None) -> Reader:
    return Reader(steps=[EachWord(spoken), *([reading()] if reading else [])])


def cut(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    return [text[begin:end] for begin, end in pairwise(edges)]


def fed(reader: Reader, texts: Sequence[str]) -> list[Piece]:
    return [piece for text in texts for piece in reader.feed(text)] + reader.flush()


@pytest.mark.parametrize("reading", [None, Money])
@given(text=TEXTS, cuts=st.lists(st.integers(0, 100)))
def test_any_cut_gives_the_same_tokens(reading: type[Money] | None, text: str, cuts: list[int]) -> None:
    assert fed(reader(reading), cut(text, cuts)) == read(text, reader(reading))


@pytest.mark.parametrize("reading", [None, Money])
@given(text=TEXTS)
def test_written_words_joined_are_the_text_without_marks(reading: type[Money] | None, text: str) -> None:
    """But for pauses and white space; the places say where each stood."""
    units, said, end = text.encode("utf-16-le", "surrogatepass"), [], 0
    for piece in read(text, reader(reading)):
        if isinstance(piece, Token):
            place = units[2 * piece.start : 2 * piece.stop].decode("utf-16-le", "surrogatepass")
            assert piece.start >= end
            assert same_words(piece.written, clean(place))
            between = units[2 * end : 2 * piece.start].decode("utf-16-le", "surrogatepass")
            assert not re.sub(r"<[^<>]*>|\[[^][]*\]", "", clean(between)).strip() or MARKUP & set(between)
            end = piece.stop
            said.append(piece.written)
    if not MARKUP & set(text):
        assert "".join(" ".join(said).split()) == "".join(clean(text).split())


def same_words(written: str, place: str) -> bool:
    """Words that are read together may have stood around markup, which is no part of what was written."""
    words = written.split()
    if len(words) > 1 and MARKUP & set(place):
        return re.fullmatch(".*?".join(map(re.escape, words)), place, re.DOTALL) is not None
    return words == place.split()


def test_words_joined_across_a_tag_are_told_without_it() -> None:
    assert read("one<b> € ", reader(Money)) == [Token("one €", "one euros", 0, 8)]


def test_marks_are_not_said_but_stay() -> None:
    assert read("# **One** 😀") == [Token("#", "", 0, 1), Token("**One**", "One", 2, 9), Token("😀", "", 10, 12)]


def test_a_step_joins_words_and_holds_them_back() -> None:
    pipe = reader(Money)
    assert written(pipe.feed("it is 12,50 ")) == ["it", "is"]
    assert pipe.feed("€ no") == [Token("12,50 €", "12,50 euros", 6, 13)]
    assert written(pipe.flush()) == ["no"]
    assert read("a 5 €", reader(Money))[1] == Token("5 €", "5 euros", 2, 5)


def test_who_rests_gets_what_the_steps_hold_but_no_half_word() -> None:
    pipe = reader(Money)
    assert written(pipe.feed("one two thr")) == ["one"]
    assert written(pipe.nudge()) == ["two"]
    assert pipe.nudge() == []
    assert written(pipe.feed("ee ") + pipe.flush()) == ["three"]


def test_messages_end_words() -> None:
    reader = Reader(MessageFeed())
    assert [*reader.feed("**a"), *reader.feed("b**"), *reader.flush()] == [
        Token("**a", "a", 0, 3),
        Token("b**", "b", 3, 6),
    ]


def test_anything_said() -> None:
    assert not anything_said(read("# ** 😀 \n\n - <break time='1s'/>"))
    assert anything_said(read("# a"))
    assert not anything_said([Pause(1.0)])


NONSENSE = [
    "<",
    "<break ",
    '<break time="',
    "](",
    "**",
    "_",
    "0",
    "é",
    "😀",
    "\r",
    "\n",
    "\u200b",
    "a\u200b",
    "http://",
]


@pytest.mark.parametrize("part", [*NONSENSE, "x", "x ", " ", "[a](b", "<b>", "1,", "`", "\ud83d"])
def test_a_hundred_kilobytes_of_nonsense_take_no_time(part: str) -> None:
    """The time that a test has is the bound: what is more than linear would not end within it."""
    text = part * (100_000 // len(part))
    whole = read(text)
    reader = Reader()
    assert fed(reader, [text[begin : begin + 7] for begin in range(0, len(text), 7)]) == whole
