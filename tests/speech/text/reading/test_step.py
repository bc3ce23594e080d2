"""The step that reads: words go through at once, or wait for what they are read with."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.request import Pause, Token
from speech.text.reading import LANGUAGES, Reading, reading
from speech.text.reading.step import MAX_STRETCH, Settled
from tests.speech.text.reading.reading import UNSAYABLE, cases, plain, read, said, tokens

WORDS = st.lists(
    st.sampled_from(
        sorted({word for language in LANGUAGES for case in cases(language) for word in case.written.split()})
    )
    | st.text("abAXIV0129$%€#@&.,-/+*^_=<>()[]{}°²½é'\":~|\\", min_size=1, max_size=12),
    max_size=30,
)


@pytest.mark.parametrize("language", list(LANGUAGES))
@given(words=WORDS, cuts=st.lists(st.integers(0, 30), max_size=5))
def test_cut_anywhere_a_text_is_read_the_same(language: str, words: list[str], cuts: list[int]) -> None:
    whole = [Token(word, word, place, place + 1) for place, word in enumerate(words)]
    step = Reading(LANGUAGES[language]())
    edges = [0, *sorted(cut for cut in cuts if cut < len(words)), len(words)]
    came = [piece for begin, end in pairwise(edges) for piece in step.feed(whole[begin:end])]
    other = Reading(LANGUAGES[language]())
    assert [*came, *step.flush()] == [*other.feed(whole), *other.flush()]


@pytest.mark.parametrize("language", list(LANGUAGES))
@given(words=WORDS)
def test_whatever_is_written_no_sign_is_left_and_no_word_is_lost(language: str, words: list[str]) -> None:
    got = read(language, " ".join(words))
    assert " ".join(token.written for token in got if isinstance(token, Token)).split() == " ".join(words).split()
    assert not UNSAYABLE.intersection(said(got))


NUMERALS = "".join(sign for sign in map(chr, range(0x110000)) if sign.isalnum() and not sign.isalpha())


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_numeral_of_every_script_is_read_or_left_out_wherever_it_stands(language: str) -> None:
    assert len(NUMERALS) > 1500
    for context in ("{}", "{}A", "A{}", "{}a", "a{}", "{0}{0}", "{}5", "5{}", "a{}-5"):
        got = said(read(language, " ".join(map(context.format, NUMERALS))))
        assert not UNSAYABLE.intersection(got)


def test_a_run_that_begins_with_a_numeral_without_a_reading_is_read_by_its_letters() -> None:
    """U+0D70, Malayalam ten."""
    assert said(read("en", "Plan \u0d70A is on.")) == "Plan A is on."


def test_a_plain_word_goes_through_at_once() -> None:
    step = Reading(LANGUAGES["en"]())
    assert step.feed(tokens("The house is")) == tokens("The house is")


def test_a_number_waits_for_the_word_behind_it_and_no_longer() -> None:
    step = Reading(LANGUAGES["en"]())
    assert step.feed(tokens("On 3")) == tokens("On")
    assert step.feed(tokens("May")) == []
    assert said(step.feed(tokens("we"))) == "the third of May we"


def test_who_rests_has_it_said() -> None:
    step = Reading(LANGUAGES["en"]())
    assert said(step.feed(tokens("I have 3"))) == "I have"
    assert said(step.flush()) == "three"
    assert said(step.feed(tokens("May days"))) == "May days"


def test_a_pause_parts_what_would_be_read_together() -> None:
    step = Reading(LANGUAGES["en"]())
    got = step.feed([*tokens("On 3"), Pause(1.0), *tokens("May we")])
    assert [piece if isinstance(piece, Pause) else piece.spoken for piece in got] == [
        "On",
        "three",
        Pause(1.0),
        "May",
        "we",
    ]


def test_several_words_read_as_one_are_one_token_with_its_place() -> None:
    step = Reading(LANGUAGES["fr"]())
    got = step.feed(
        [
            Token("12,50", "12,50", 8, 13),
            Token("€", "€", 14, 15),
            Token("et", "et", 16, 18),
            Token("oui", "oui", 19, 22),
        ]
    )
    assert got[0] == Token("12,50 €", "douze euros cinquante", 8, 15)


def test_at_most_so_many_words_wait() -> None:
    step, waiting = Reading(LANGUAGES["en"]()), 0
    for count in range(200):
        waiting += 1 - len(step.feed(tokens("7")))
        assert waiting < MAX_STRETCH, count


def test_what_is_settled_is_left_alone() -> None:
    settled = Settled("Kyutai", "[Kyutai](/kjˈutI/)", 0, 6)
    assert Reading(LANGUAGES["en"]()).feed([settled]) == [settled]


def test_a_word_that_is_not_said_stays_unsaid() -> None:
    assert Reading(LANGUAGES["en"]()).feed([Token("#", ""), Token("One", "One")]) == [
        Token("#", ""),
        Token("One", "One"),
    ]


def test_a_language_without_rules_is_left_to_the_engine() -> None:
    assert reading("xx") is None


@pytest.mark.parametrize("word", ["9" * 20_000, "x" * 20_000, "x1" * 10_000, "$" * 20_000, "1/" * 10_000])
def test_a_word_far_too_long_is_read_all_the_same(word: str) -> None:
    got = said(read("en", word))
    assert not UNSAYABLE.intersection(got)
    assert plain(got) or word[0] == "$"
