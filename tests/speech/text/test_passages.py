"""Passages: where a long text is cut, and that nothing of it is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.request import Pause, Piece, Token
from speech.text.markup.feed import PARAGRAPH
from speech.text.passages import MAX_S, SHORT_S, Join, Passage, passages
from speech.text.pipe import read

SENTENCE = "The keeper of the lighthouse walks along the shore before the sun comes up."  # about 4.3 s


def said(passage: Passage) -> str:
    return " ".join(piece.spoken for piece in passage.pieces if isinstance(piece, Token) and piece.spoken)


def tokens_of(pieces: list[Piece] | tuple[Piece, ...]) -> list[Token]:
    return [piece for piece in pieces if isinstance(piece, Token)]


def cut(text: str) -> list[str]:
    return [said(passage) for passage in passages(read(text))]


def test_a_short_text_is_one_passage() -> None:
    (only,) = passages(read("Hello there. How are you?"))
    assert only.join is Join.START
    assert only.pause_s == 0


def test_nothing_gives_nothing() -> None:
    assert passages([]) == []


def test_a_long_paragraph_is_cut_at_ends_of_sentences() -> None:
    found = passages(read(" ".join([SENTENCE] * 12)))
    assert [said(passage).count(SENTENCE) for passage in found] == [4, 4, 4]
    assert [passage.join for passage in found] == [Join.START, Join.SENTENCE, Join.SENTENCE]


def test_a_sentence_that_is_too_long_is_cut_at_commas() -> None:
    long = ", ".join(["and the wind went on over the low grey hills of the coast"] * 20) + "."
    found = passages(read(long))
    assert len(found) > 1
    assert all(said(passage).endswith((",", ".")) for passage in found)
    assert {passage.join for passage in found[1:]} == {Join.PHRASE}


def test_without_any_sign_it_is_cut_between_words() -> None:
    found = passages(read("word " * 400))
    assert len(found) > 1
    assert " ".join(map(said, found)).split() == ["word"] * 400


@pytest.mark.parametrize("name", ["Dr.", "Mrs.", "J.", "e.g.", "(p."])
def test_an_abbreviation_ends_no_sentence(name: str) -> None:
    text = " ".join([f"We had met {name} Brown on the long way down to the harbour that evening."] * 12)
    assert all(part.startswith("We had") for part in cut(text))


def test_a_reading_is_never_cut() -> None:
    reading = Token("12.5.2026", "the twelfth of May. Twenty twenty six", 0, 9)
    found = passages([*read(SENTENCE), *[reading] * 30])
    assert [token for passage in found for token in tokens_of(passage.pieces)][-30:] == [reading] * 30


def test_short_paragraphs_are_joined_and_headings_stay_alone() -> None:
    found = passages(read(f"# One\n\nYes.\n\nNo.\n\n{SENTENCE}\n\n## Two\n\n{SENTENCE}"))
    assert [said(passage) for passage in found] == ["One.", f"Yes. No. {SENTENCE}", "Two.", SENTENCE]
    assert [passage.join for passage in found] == [Join.START, Join.HEADING, Join.HEADING, Join.HEADING]


def test_a_heading_without_an_empty_line_behind_it() -> None:
    found = passages(read(f"# One\n{SENTENCE}"))
    assert [said(passage) for passage in found] == ["One.", SENTENCE]


def test_two_long_paragraphs_are_two_passages() -> None:
    found = passages(read(f"{SENTENCE} {SENTENCE}\n\n{SENTENCE} {SENTENCE}"))
    assert [passage.join for passage in found] == [Join.START, Join.PARAGRAPH]


def test_a_pause_between_passages_is_told_and_the_last_one_stays() -> None:
    text = " ".join([SENTENCE] * 4) + '<break time="2s"/>' + " ".join([SENTENCE] * 4) + '<break time="1s"/>'
    first, second = passages(read(text))
    assert second.pause_s == 2
    assert not any(isinstance(piece, Pause) for piece in first.pieces)
    assert second.pieces[-1] == Pause(1.0)


WORDS = st.text("abcdefghij", min_size=1, max_size=12)
SIGNS = st.sampled_from(["", "", "", "", ",", ";", ".", ".", "!", "?", ".”", "…"])
TOKENS = st.builds(lambda word, sign: Token(word + sign, word + sign), WORDS, SIGNS)
UNSAID = st.sampled_from(["#", "*", "😀"]).map(lambda mark: Token(mark, ""))
PIECES = st.lists(TOKENS | TOKENS | TOKENS | UNSAID | st.just(PARAGRAPH) | st.just(Pause(0.7)), max_size=400)


@settings(max_examples=200, deadline=None)
@given(PIECES)
def test_properties(pieces: list[Piece]) -> None:
    found = passages(pieces)
    given_tokens = [piece for piece in pieces if isinstance(piece, Token)]
    assert [token for passage in found for token in tokens_of(passage.pieces)] == given_tokens
    assert found == passages(pieces)
    assert all(passage.seconds <= MAX_S + SHORT_S for passage in found)
    asked_s = sum(piece.seconds for piece in pieces if isinstance(piece, Pause))
    kept_s = sum(piece.seconds for passage in found for piece in passage.pieces if isinstance(piece, Pause))
    assert kept_s + sum(passage.pause_s for passage in found) == pytest.approx(asked_s)
    if any(token.spoken for token in given_tokens):
        assert all(said(passage) for passage in found)
    assert all(one.seconds + two.seconds > SHORT_S or Join.HEADING in (two.join,) for one, two in pairwise(found))
