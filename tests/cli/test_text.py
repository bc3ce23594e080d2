"""A text in parts, and in turns."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.feed import Feed
from cli.text import parts, pieces, turns


@given(st.text(alphabet=st.sampled_from("ab .\n!é"), max_size=400), st.integers(1, 50))
def test_parts_are_the_text(text: str, most: int) -> None:
    found = list(parts(text, most))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(len(part) <= most and part.strip() for part in found)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One two.\n\nThree four. Five.", "One two.\n\n"),
        ("One two three. Four five six.", "One two three. "),
        ("One two three four five six", "One two three four "),
        ("A" * 30, "A" * 20),
    ],
)
def test_a_part_ends_where_a_person_would_pause(text: str, first: str) -> None:
    assert next(parts(text, 20)) == first


def test_a_letter_in_two_pieces_of_a_pipe() -> None:
    reading, writing = os.pipe()
    found = pieces(reading)
    os.write(writing, "caf\u00e9"[:3].encode() + b"\xc3")
    assert next(found) == "caf"
    os.write(writing, b"\xa9 \xff")
    assert next(found) == "\u00e9 \ufffd"
    os.close(writing)
    assert list(found) == []
    os.close(reading)


def test_a_turn_ends_with_a_line_or_at_last_with_a_sentence() -> None:
    lines = iter(["One.\n", "Two. ", "Three. ", "Four. ", "Five."])
    assert list(turns(lines, 5)) == [
        ("One.\n", True),
        ("Two. ", False),
        ("Three. ", True),
        ("Four. ", False),
        ("Five.", True),
    ]


class Talker:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ended = threading.Event()

    def say(self, text: str) -> None:
        self.heard.append(text)

    def end(self) -> None:
        self.ended.set()


def test_a_talk_that_was_refused_is_followed_by_one_with_the_same_words() -> None:
    more = threading.Event()

    def text() -> Iterator[tuple[str, bool]]:
        yield "one ", False
        more.wait(60)
        yield "two", True
        yield "three", False

    feed, refused, taken, last = Feed(text()), Talker(), Talker(), Talker()
    assert feed.next_turn()
    feed.attach(refused)
    assert refused.heard == ["one "]
    feed.attach(taken)
    more.set()
    assert taken.ended.wait(60)
    assert taken.heard == ["one ", "two"]
    assert feed.next_turn()
    feed.attach(last)
    assert last.ended.wait(60)
    assert last.heard == ["three"]
    assert not feed.next_turn()
