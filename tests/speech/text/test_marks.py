"""What of a word is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.text.marks import spoken


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("**very**", "very"),
        ("**Note:**", "Note:"),
        ("*“quote”*,", "“quote”,"),
        ("_no_", "no"),
        ("~~yes~~", "yes"),
        ("`make`,", "make,"),
        ("__init__", "init"),
        ("[the", "the"),
        ("guide](https://example.com/a)", "guide"),
        ("[guide](https://example.com).", "guide."),
        ("![alt](y.png)", "alt"),
        ("[river](https://example.com/River_(water)).", "river."),
        ("<b>bold</b>", "bold"),
        ("https://example.com/a?b=c#d", "example.com/a"),
        ("(http://example.com/a/)", "(example.com/a)"),
        ("https://example.com.", "example.com."),
        ("<https://example.com/a?b>,", "example.com/a,"),
        ("<mailto:joe@example.com>", "joe@example.com"),
        ("<joe@example.com>.", "joe@example.com."),
        ("5<6@7>", "5<6@7>"),
        ("1️⃣", "1"),
        ("good❤️", "good"),
    ],
)
def test_marks_are_not_said(word: str, said: str) -> None:
    assert spoken(word) == said


@pytest.mark.parametrize(
    "word", ["#", "###", "*", "-", "---", "•", "|", "|---|:-:|", "```", "**", "😀", "❤️", "👍🏽", "🇫🇷", "✓", "<br/>"]
)
def test_nothing_is_said_of_what_is_only_a_mark(word: str) -> None:
    assert spoken(word) == ""


AS_THEY_ARE = """
    don't l'été C++ C# #1 3*4 a_b_c 5° © ™ + = > < & 10% $12.50 12:30 e-mail well-known — -- … ... !? « » 1. 2) ( ) “a”
    @joe joe@example.com /path/to 日本 List<String> ~5 --flag →
"""


@pytest.mark.parametrize("word", AS_THEY_ARE.split())
def test_words_are_left_as_they_are(word: str) -> None:
    assert spoken(word) == word


@given(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1))
def test_nothing_is_added_and_no_letter_or_digit_is_lost(word: str) -> None:
    """Save in addresses, targets of links and tags, which the alphabet here can hardly make."""
    said = spoken(word)
    rest = iter(word)
    assert all(character in rest for character in said)
    if not set("<[:") & set(word):
        assert [c for c in said if c.isalnum()] == [c for c in word if c.isalnum() and not "\u2600" <= c <= "\u27bf"]


@pytest.mark.parametrize(
    "part", ["](", "](a(", "http://", "http://.", "![", "<a", "*_", "|:", "`", "*", "](a)", "http://a/?", "**a", "_"]
)
def test_a_long_word_takes_no_longer_for_each_letter_than_a_short_one(part: str) -> None:
    """Else this would not end within a test's time: the engine's thread asks, and all listeners would wait."""
    spoken(part * (600_000 // len(part)))
