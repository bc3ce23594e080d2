"""The whole pipe as a request has it: markup, marks, lexicon and reading together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.request import Pause, Piece, Token
from speech.text.lexicon import entries
from speech.text.manner import Manner
from speech.text.markup.held import clean
from speech.text.pipe import read
from speech.text.remarks import About, Remarks
from tests.speech.text.reading.reading import UNSAYABLE, cases

WORDS = sorted({word for language in ("en", "fr") for case in cases(language) for word in case.written.split()})
TEXTS = st.lists(
    st.sampled_from(WORDS)
    | st.sampled_from(
        [" ", " ", " ", "\n", "\n\n", "- ", "# ", "<b>", "</p>", "[1]", "$x^2$", "**", "`", "你好", "😀", "New York"]
    )
    | st.text("aI19$%€#@&.,-/+*^_=<>()[]{}°²é'\":|\\\n ", min_size=1, max_size=6)
    | st.text(max_size=6),
    max_size=15,
).map(" ".join)
OWN = entries({"New York": "noo york", "7 cats": "cats", "sql": "/ˈɛs/"})


def manner(language: str) -> Manner:
    return Manner(language, entries=OWN)


@pytest.mark.parametrize("language", ["en", "fr", "de"])
@given(text=TEXTS, cuts=st.lists(st.integers(0, 150), max_size=6))
def test_any_cut_of_any_text_gives_the_same_tokens_as_the_whole(language: str, text: str, cuts: list[int]) -> None:
    whole, parts = Remarks(), Remarks()
    reader, came = manner(language).reader(parts), []
    edges = [0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]
    for begin, end in pairwise(edges):
        came += reader.feed(text[begin:end])
    assert [*came, *reader.flush()] == read(text, manner(language).reader(whole))
    assert parts.listed == whole.listed


@pytest.mark.parametrize("language", ["en", "fr"])
@given(text=TEXTS)
def test_what_an_engine_gets_has_no_sign_and_lies_on_the_text(language: str, text: str) -> None:
    units, end = text.encode("utf-16-le"), 0
    for token in tokens(read(text, manner(language).reader(Remarks()))):
        assert not UNSAYABLE.intersection(token.spoken)
        assert end <= token.start < token.stop
        place = units[2 * token.start : 2 * token.stop].decode("utf-16-le")
        if "<" not in place and "[" not in place:
            assert "".join(clean(place).split()) == "".join(token.written.split())
        end = token.stop


def tokens(pieces: list[Piece]) -> list[Token]:
    return [piece for piece in pieces if isinstance(piece, Token)]


@pytest.mark.parametrize(
    "part",
    [
        "7",
        "7 ",
        "1 000 ",
        "[",
        "[a ",
        "<b>",
        "<a ",
        "$a ",
        "$",
        "\\(",
        "AB ",
        "1:",
        "1/",
        "+1 ",
        "a@",
        "x1",
        "- ",
        "&amp;",
        "May ",
    ],
)
def test_a_hundred_kilobytes_of_nonsense_are_read(part: str) -> None:
    """The time that a test has is the bound: what is more than linear would not end within it."""
    for language in ("en", "fr"):
        pieces = read(part * (100_000 // len(part)), manner(language).reader(Remarks()))
        assert not any(UNSAYABLE.intersection(token.spoken) for token in tokens(pieces))


def test_without_normalizing_markup_and_remarks_stay() -> None:
    remarks = Remarks()
    pieces = read("# It costs <b>$5</b> 你好", Manner("en", normalize=False).reader(remarks))
    assert [token.spoken for token in tokens(pieces) if token.spoken] == ["It", "costs", "$5", "你好"]
    assert [remark.about for remark in remarks.listed] == [About.SIGNS_UNSAID]


@pytest.mark.parametrize("sign", ["\u0d70", "\u3289", "\u2e93", "\u213e", "\u20bf"])
def test_a_sign_or_numeral_without_a_reading_is_told_of(sign: str) -> None:
    remarks = Remarks()
    pieces = read(f"Plan {sign} is on.", Manner("en").reader(remarks))
    assert [token.spoken for token in tokens(pieces) if token.spoken] == ["Plan", "is", "on."]
    assert [(remark.about, remark.quoted) for remark in remarks.listed] == [(About.SIGNS_UNSAID, sign)]


def test_a_language_without_rules_leaves_numbers_to_the_engine() -> None:
    pieces = read("Es kostet 5 €.", Manner("de").reader(Remarks()))
    assert [token.spoken for token in tokens(pieces)] == ["Es", "kostet", "5", "€."]


def test_the_requests_language_goes_before_the_voices() -> None:
    remarks = Remarks()
    pieces = read("5 €", Manner("en", "fr").reader(remarks))
    assert [token.spoken for token in tokens(pieces)] == ["cinq euros"]
    assert [remark.about for remark in remarks.listed] == [About.OTHER_LANGUAGE]


def test_an_entry_of_the_lexicon_goes_before_the_rules() -> None:
    assert [token.spoken for token in tokens(read("I have 7 cats.", manner("en").reader(Remarks())))] == [
        "I",
        "have",
        "cats.",
    ]


def test_pauses_part_readings() -> None:
    pieces = read('On 3 <break time="1s"/> May we', manner("en").reader(Remarks()))
    assert [piece if isinstance(piece, Pause) else piece.spoken for piece in pieces] == [
        "On",
        "three",
        Pause(1.0),
        "May",
        "we",
    ]
