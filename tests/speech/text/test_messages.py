"""Words from messages: each message ends a word, a pause may be cut in pieces."""

from __future__ import annotations

from itertools import combinations

import pytest

from speech.request import Pause, Token
from speech.text.markup.feed import Markup
from speech.text.messages import MessageFeed
from tests.tokens import written

BREAK = '<break time="0.5s"/>'


def fed(*messages: str) -> list[str | Pause]:
    feed = MessageFeed()
    return written([piece for message in messages for piece in feed.feed(message)] + feed.flush())


def test_a_message_ends_a_word() -> None:
    assert fed("Hel", "lo", "you there") == ["Hel", "lo", "you", "there"]


def test_a_word_is_there_at_once() -> None:
    assert written(MessageFeed().feed("One")) == ["One"]


@pytest.mark.parametrize("cut", list(combinations(range(1, len(BREAK)), 2)))
def test_a_pause_cut_anywhere(cut: tuple[int, int]) -> None:
    first, second = cut
    assert fed("One", BREAK[:first], BREAK[first:second], BREAK[second:], "two") == ["One", Pause(0.5), "two"]


def test_a_pause_sent_word_by_word() -> None:
    assert fed(*f"One {BREAK} two".split()) == ["One", Pause(0.5), "two"]


def test_a_pause_among_words() -> None:
    assert fed(f"One{BREAK}two <break", "time='2s' />three") == ["One", Pause(0.5), "two", Pause(2.0), "three"]


@pytest.mark.parametrize("text", ["<", "<br", "a < b", "<b", "<break", "<break the rules", "5 <6"])
def test_what_only_looks_like_a_pause_is_said(text: str) -> None:
    assert fed(*text.split(), "end") == [*text.split(), "end"]
    assert fed(*text.split()) == text.split()


def test_whole_text_in_one_message() -> None:
    text = f"One two. {BREAK}\n\nThree"
    whole = Markup()
    assert fed(text) == written([*whole.feed(text), *whole.flush()])


def test_what_nobody_can_say_is_dropped() -> None:
    assert fed("\n\n", "a\x00b\u200b", "\x07", "c\n\n") == ["ab", "c"]


def test_nothing_is_no_part_of_a_pause() -> None:
    """Else each of these messages would cost more than the one before."""
    feed = MessageFeed()
    assert written(feed.feed("One <break")) == ["One"]
    for message in ("", " ", "\n\n", "\u200b") * 100:
        assert feed.feed(message) == []
    assert feed._parts == [(4, "<break")]
    assert feed.feed('time="1s"/>') == [Pause(1.0)]


def test_places_are_those_in_all_messages_together() -> None:
    feed = MessageFeed()
    got = feed.feed("😀") + feed.feed("<br") + feed.feed(" ") + feed.feed("ok") + feed.feed(f"{BREAK}a<break")
    got += feed.feed(' time="1s"/>b') + feed.flush()
    text = f'😀<br ok{BREAK}a<break time="1s"/>b'
    units = text.encode("utf-16-le")
    tokens = [piece for piece in got if isinstance(piece, Token)]
    assert [token.written for token in tokens] == ["😀", "<br", "ok", "a", "b"]
    assert [units[2 * t.start : 2 * t.stop].decode("utf-16-le") for t in tokens] == [t.written for t in tokens]
