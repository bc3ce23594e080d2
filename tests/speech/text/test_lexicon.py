"""An operator's and a request's own words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from speech.request import Pause, Token
from speech.text.lexicon import NONE, Entries, Folder, Lexicon, entries, merged


def said(found: Entries, text: str, phonemes: bool = False) -> str:
    lexicon = Lexicon(found, phonemes)
    pieces = [*lexicon.feed([Token(word, word) for word in text.split()]), *lexicon.flush()]
    return " ".join(piece.spoken for piece in pieces if isinstance(piece, Token))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kyutai speaks.", "kyoo-tie speaks."),
        ("“Kyutai’s voice”", "“kyoo-tie’s voice”"),
        ("kyutai speaks", "kyutai speaks"),
        ("use SQL, Sql or sql!", "use sequel, sequel or sequel!"),
        ("in New York City now", "in the big one now"),
        ("in New York now", "in noo york now"),
        ("in New, York now", "in New, York now"),
        ("at New", "at New"),
    ],
)
def test_entries_are_found_by_the_rules_of_case_and_length(text: str, expected: str) -> None:
    found = entries({"Kyutai": "kyoo-tie", "sql": "sequel", "New York": "noo york", "New York City": "the big one"})
    assert said(found, text) == expected


def test_a_phrase_is_one_token_over_its_words() -> None:
    lexicon = Lexicon(entries({"New York": "noo york"}))
    assert lexicon.feed([Token("New", "New", 0, 3)]) == []
    assert lexicon.feed([Token("York.", "York.", 4, 9)]) == [Token("New York.", "noo york.", 0, 9)]


def test_a_word_that_begins_no_entry_is_not_held() -> None:
    token = Token("old", "old")
    assert Lexicon(entries({"New York City": "x"})).feed([token]) == [token]


def test_a_pause_ends_a_phrase() -> None:
    lexicon = Lexicon(entries({"New York": "x"}))
    new, york = Token("New", "New"), Token("York", "York")
    assert lexicon.feed([new, Pause(1.0), york]) == [new, Pause(1.0), york]


def test_phonemes_are_for_the_engine_that_takes_them() -> None:
    found = entries({"Kyutai": "kyoo-tie | /kjˈutI/", "Moshi": "/mˈOʃi/"})
    assert said(found, "Kyutai, Moshi", phonemes=True) == "[kyoo-tie](/kjˈutI/), [Moshi](/mˈOʃi/)"
    assert said(found, "Kyutai, Moshi") == "kyoo-tie, Moshi"


def test_a_requests_own_entries_go_before_the_folders() -> None:
    both = merged(entries({"sql": "mine"}), entries({"sql": "theirs", "api": "A P I"}))
    assert said(both, "sql api") == "mine A P I"


def test_a_changed_file_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "en.txt"
    path.write_text("# names\nsql = sequel\nnonsense\n", encoding="utf-8")
    folder = Folder(tmp_path)
    assert said(folder.entries("en"), "sql") == "sequel"
    assert "line 3" in caplog.text
    path.write_text("sql = squirrel\n", encoding="utf-8")
    os.utime(path, ns=(1, 1))  # changed, whatever the clock's grain
    assert said(folder.entries("en"), "sql") == "squirrel"
    path.unlink()
    assert folder.entries("en") is NONE
    assert folder.entries("fr") is NONE


def test_a_file_that_is_no_text_is_named_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "en.txt").write_bytes(b"caf\xe9 = x")
    assert Folder(tmp_path).entries("en") is NONE
    assert "en.txt" in caplog.text
