"""Markup and lines: what of a text is words, where a sentence ends, and what listeners are told."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.request import Pause, Token
from speech.text.markup.feed import LINE_END, PARAGRAPH, Markup
from speech.text.remarks import About, Remark


def fed(*texts: str, read_code: bool = False) -> tuple[list[Token | Pause], list[Remark]]:
    markup = Markup(read_code=read_code)
    pieces = [piece for text in texts for piece in markup.feed(text)]
    return [*pieces, *markup.flush()], markup.remarks.listed


def spoken(text: str, read_code: bool = False) -> list[str | Pause]:
    """What is said; words that are not said are left out."""
    pieces, _ = fed(text, read_code=read_code)
    return [
        piece if isinstance(piece, Pause) else piece.spoken
        for piece in pieces
        if isinstance(piece, Pause) or piece.spoken
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fish &amp; chips &mdash; it&#39;s", ["Fish", "&", "chips", "—", "it's"]),
        ("cafe\u0301", ["café"]),
        ("one<br>two<br/>three", ["one", "two", "three"]),
        ("<think>Let me add.</think>The end", ["The", "end"]),
        ("[THINK]hm[/THINK] ok", ["ok"]),
        ('<emphasis level="strong">wait</emphasis> now', ["wait", "now"]),
        ('a <break time="500ms"/> b', ["a", Pause(0.5), "b"]),
        ('a<break strength="strong"/>b', ["a", Pause(0.75), "b"]),
        ("[pause:2s] a [pause:500ms] b", [Pause(2.0), "a", Pause(0.5), "b"]),
        ("known [1], [2, 3] and [1][2] so [^a].", ["known", ",", "and", "so", "."]),
        ("oh [sigh] no [clears throat]", ["oh", "no"]),
        ("so x[i] stays", ["so", "x[i]", "stays"]),
        ("[guide](https://a.b) here", ["[guide](https://a.b)", "here"]),
        ('<sub alias="World Wide Web">WWW</sub> on', ["World Wide Web", "on"]),
        ('<say-as interpret-as="characters">ab1</say-as> on', ["A B 1", "on"]),
        ("<speak><p>One</p><p>Two</p></speak>", ["One.", LINE_END, "Two.", LINE_END]),
        ("<!-- hidden --> seen", ["seen"]),
        ("so <b>bold</b>, she said", ["so", "bold,", "she", "said"]),
        ("a < b and c > d", ["a", "<", "b", "and", "c", ">", "d"]),
        ("Mix <b>very</b> well", ["Mix", "very", "well"]),
        ("<script>alert(1)</script>Hi", ["Hi"]),
        (r"so $x^2 = \frac{1}{2}$ holds", ["so", "x² = 1/2", "holds"]),
        (r"\(\alpha \leq \sqrt{y}\)", ["α ≤ √ y"]),
        ("costs $5 and $10 or $HOME", ["costs", "$5", "and", "$10", "or", "$HOME"]),
        ("```py\nprint(1)\n```\nAfter", ["After"]),
        ("Run `make` now", ["Run", "`make`", "now"]),
    ],
)
def test_marks_are_not_said(text: str, expected: list[object]) -> None:
    assert spoken(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Title\nText here", ["Title.", LINE_END, "Text", "here"]),
        ("# Title\n\nText", ["Title.", LINE_END, "Text"]),
        ("- an *item*\n- two", ["an", "*item*.", LINE_END, "two"]),
        ("Title\n=====\nBody", ["Title.", LINE_END, "Body"]),
        ("- one\n- two\nEnd.", ["one.", LINE_END, "two.", LINE_END, "End."]),
        ("- one that\n  goes on\n- two", ["one", "that", "goes", "on.", LINE_END, "two"]),
        ("1. Mix it\n2) Bake", ["1,", "Mix", "it.", LINE_END, "2,", "Bake"]),
        ("Buy:\n- eggs", ["Buy:", LINE_END, "eggs"]),
        ("Chapter One\nIt was dark", ["Chapter", "One.", LINE_END, "It", "was", "dark"]),
        ("THE END\nof it", ["THE", "END", "of", "it"]),
        ("I saw it in\nLondon today", ["I", "saw", "it", "in", "London", "today"]),
        ("It goes\non and on.", ["It", "goes", "on", "and", "on."]),
        ("One\n\nTwo", ["One.", PARAGRAPH, "Two"]),
        ("One!\r\n\r\nTwo", ["One!", PARAGRAPH, "Two"]),
        ("| Name | Age |\n|---|---|\n| Bob | 5 |", ["Name,", "Age,", LINE_END, "Bob,", "5,"]),
        ("a state-\nment of", ["a", "statement", "of"]),
        ("a well-\nknown fact", ["a", "well-known", "fact"]),
        ("a dash -\nthen", ["a", "dash", "-", "then"]),
        ("> It goes\n> on", ["It", "goes", "on"]),
        ("- [x] done\n- [ ] open", ["done.", LINE_END, "open"]),
    ],
)
def test_lines_end_sentences_where_a_reader_would_stop(text: str, expected: list[object]) -> None:
    assert spoken(text) == expected


@pytest.mark.parametrize(
    ("text", "about", "quoted"),
    [
        ("<think>hm</think>a", About.THOUGHTS_UNSAID, "<think>"),
        ("```\nx\n```\na", About.CODE_UNSAID, "```"),
        ("a [sigh] b", About.DIRECTION_UNSAID, "[sigh]"),
        (r"a $\mystery^2$ b", About.FORMULA_UNSAID, r"\mystery"),
        ('<prosody rate="fast">a</prosody>', About.TAG_IGNORED, '<prosody rate="fast">'),
    ],
)
def test_what_is_not_said_is_told(text: str, about: About, quoted: str) -> None:
    _, remarks = fed(text)
    assert remarks == [Remark(about, quoted)]
    assert quoted in remarks[0].sentence


def test_code_is_read_when_it_is_asked_for() -> None:
    assert spoken("```py\nprint()\n```\nAfter", read_code=True) == ["print()", LINE_END, "After"]


def test_a_thought_that_never_ends_is_never_said() -> None:
    assert spoken("Yes. <think>one two") == ["Yes."]


def test_words_keep_their_spelling_and_their_place() -> None:
    pieces, _ = fed("😀 a &amp; b state-\nment")
    tokens = [(piece.written, piece.start, piece.stop) for piece in pieces if isinstance(piece, Token)]
    assert tokens == [("😀", 0, 2), ("a", 3, 4), ("&amp;", 5, 10), ("b", 11, 12), ("state-ment", 13, 24)]


PARTS = [
    "word", "Dr.", " ", "  ", "\n", "\n\n", "\r", "\r\n", '<break time="0.5s"/>', "<", "<b", ">", "é", "😀", "[",
    "]", "[1]", "[sigh]",
    "$", "$$", "$x^2$", "\\(", "\\)", "\\[", "# ", "- ", "1. ", "|", "`", "```", "~~~", "<think>", "</think>",
    "<p>", "</p>", "state-",
    "&amp;", "&", "</sub>", '<sub alias="x y">', "===", "---", "> ", "[THINK]", "[/THINK]",
    "(", "Title", "\\frac{1}{2}", "\u0301", "\x00",
    "\u00a0", "x" * 995, "<pre>", "</pre>", "$5", "<!--", "-->",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=12).map("".join)


@given(TEXTS, st.lists(st.integers(0, 300), max_size=6))
def test_cut_anywhere_a_text_gives_the_same(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]
    assert fed(*(text[begin:end] for begin, end in pairwise(edges))) == fed(text) == fed(*text)


@given(TEXTS)
def test_places_grow_and_words_hold_no_white_space(text: str) -> None:
    end = 0
    for piece in fed(text)[0]:
        if isinstance(piece, Token):
            assert end <= piece.start < piece.stop
            assert piece.written.strip()
            end = piece.stop


@pytest.mark.parametrize("part", ["[", "<a ", "$a ", "\\(", "<think>", "```\n", "- ", "a-\n", "&", "|", "[a ", "`"])
def test_what_never_ends_is_not_held_for_ever(part: str) -> None:
    markup = Markup()
    for _ in range(3_000):
        markup.feed(part)
        assert len(markup._held.text) < 1_500
