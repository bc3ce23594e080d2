"""Captions: two independent parsers read them, every word is there once, and rows are short."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import timedelta
from itertools import pairwise

import srt
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.request import Word
from speech.subtitles import CAPTIONS, ROW_CHARS, SHOWN_S, Cue, as_json, as_srt, as_vtt, cues

STORY = (
    "Every morning, before the sun came over the low hills, the keeper walked along the wall and counted the gulls. "
    "There were nine. On the tenth day he wrote a letter, sealed it with care, and gave it to the ferryman."
)


def spoken(text: str, word_s: float = 0.3) -> list[Word]:
    return [
        Word(word, index * word_s, (index + 1) * word_s, index, index + 1) for index, word in enumerate(text.split())
    ]


def rows(cue: Cue) -> list[str]:
    return [" ".join(word.text for word in row) for row in cue.rows]


def words_of(text: str) -> list[str]:
    return re.sub(r"<[^>]*>", "", text).split()


def test_captions_end_with_sentences_and_phrases() -> None:
    assert [rows(cue) for cue in cues(spoken(STORY))] == [
        ["Every morning,", "before the sun came over the low hills,"],
        ["the keeper walked along the", "wall and counted the gulls."],
        ["There were nine."],
        ["On the tenth day he wrote a letter, sealed", "it with care, and gave it to the ferryman."],
    ]


def test_a_silence_parts_captions_as_behind_a_heading() -> None:
    words = [Word("Home", 0.0, 0.4), Word("It", 0.9, 1.0), Word("is", 1.1, 1.5), Word("late.", 1.6, 2.0)]
    assert [rows(cue) for cue in cues(words)] == [["Home"], ["It is late."]]


def test_an_independent_parser_reads_srt() -> None:
    found = cues(spoken(STORY))
    parsed = list(srt.parse(as_srt(found)))
    assert [cue.content.splitlines() for cue in parsed] == [rows(cue) for cue in found]
    assert parsed[0].start == timedelta(0)
    assert [cue.index for cue in parsed] == list(range(1, len(found) + 1))


def test_an_independent_parser_reads_vtt_with_the_times_of_words() -> None:
    found = cues(spoken(STORY))
    parsed = webvtt.from_buffer(io.StringIO(as_vtt(found)))
    assert [cue.text.splitlines() for cue in parsed] == [rows(cue) for cue in found]
    assert parsed[1].start == "00:00:03.000"
    assert "Every <00:00:00.300>morning,\n<00:00:00.600>before" in as_vtt(found)


def test_json_has_every_word_with_its_place() -> None:
    told = json.loads(as_json(cues(spoken(STORY))))["cues"]
    words = [word for cue in told for word in cue["words"]]
    assert [word["word"] for word in words] == STORY.split()
    assert [word["from"] for word in words] == list(range(len(words)))


def test_marks_are_not_shown_and_signs_are_escaped() -> None:
    found = cues(spoken("**R&D** says a<b --> # 😀 c", word_s=0.2))
    assert [word.text for cue in found for word in cue.words] == ["R&D", "says", "a<b", "-->", "c"]
    (vtt,) = webvtt.from_buffer(io.StringIO(as_vtt(found)))
    assert html.unescape(vtt.text) == "R&D says a<b --> c"
    (sub,) = srt.parse(as_srt(found))
    assert sub.content == "R&D says a<b → c"


def test_a_word_longer_than_a_row_is_divided() -> None:
    long = "x" * 100
    found = cues([Word(long, 0.0, 5.0)])
    assert "".join("".join(rows(cue)) for cue in found) == long
    assert all(len(row) <= ROW_CHARS for cue in found for row in rows(cue))


def test_a_short_caption_stays_a_second_if_it_can() -> None:
    alone, before, after = cues([Word("Yes.", 0, 0.3), Word("No.", 5, 5.2), Word("Oh.", 5.5, 5.9)])
    assert (alone.stop_s, before.stop_s, after.stop_s) == (SHOWN_S, 5.5, 5.5 + SHOWN_S)


def test_hours_have_as_many_digits_as_they_need() -> None:
    text = as_srt(cues([Word("late", 360_001.5, 360_002.0)]))
    assert "100:00:01,500 --> 100:00:02,500" in text


def test_no_words_are_an_empty_file_that_can_be_read() -> None:
    assert set(CAPTIONS) == {"srt", "vtt", "json"}
    assert list(srt.parse(as_srt([]))) == []
    assert not len(webvtt.from_buffer(io.StringIO(as_vtt([]))))
    assert json.loads(as_json([])) == {"cues": []}


WORDS = st.text("abcdeé&<", min_size=1, max_size=60).map(lambda word: "a" + word)
SIGNED = st.builds(str.__add__, WORDS, st.sampled_from(["", "", ",", ".", "?", ";"]))


@settings(deadline=None)
@given(st.lists(st.tuples(SIGNED, st.floats(0.08, 1), st.floats(0, 3)), max_size=60))
def test_properties(drawn: list[tuple[str, float, float]]) -> None:
    words, now_s = [], 0.0
    for text, long_s, gap_s in drawn:
        words.append(Word(text, now_s, now_s + long_s))
        now_s += long_s + gap_s
    found = cues(words)
    assert all(len(row) <= ROW_CHARS for cue in found for row in rows(cue))
    assert all(1 <= len(cue.rows) <= 2 for cue in found)
    assert all(one.stop_s <= two.start_s for one, two in pairwise(found))
    assert "".join(word.text for cue in found for word in cue.words) == "".join(text for text, _, _ in drawn)
    parsed = list(srt.parse(as_srt(found)))
    assert [cue.content.splitlines() for cue in parsed] == [rows(cue) for cue in found]
    read = webvtt.from_buffer(io.StringIO(as_vtt(found)))
    assert [html.unescape(cue.text).split() for cue in read] == [" ".join(rows(cue)).split() for cue in found]
