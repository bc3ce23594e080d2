"""Sentences from words as they come."""

from __future__ import annotations

import re

import pytest

from speech.engines.base import Utterance
from speech.request import Pause, SpeechRequest, Token
from speech.text.markup.feed import PARAGRAPH
from speech.text.pipe import read
from speech.text.sentences import MAX_CHARS, MAX_WORD_CHARS, PARAGRAPH_PAUSE_S, Sentence, SentenceReader
from tests.tokens import tokens


def split(text: str) -> list[str]:
    """The plainest rule there is; titles and initials are the voice's matter."""
    return re.split(r"(?<=[.!?])\s+", text.strip())


def reader_of(text: str, ended: bool = True) -> tuple[SentenceReader, Utterance]:
    utterance = Utterance(SpeechRequest())
    utterance.say(*read(text))
    if ended:
        utterance.end()
    return SentenceReader(utterance, split), utterance


def everything(reader: SentenceReader) -> list[object]:
    out: list[object] = []
    while (piece := reader.next()) is not None:
        out.append(piece.text if isinstance(piece, Sentence) else piece)
    return out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One here. Two there! Three?", ["One here.", "Two there!", "Three?"]),
        ("A title\n\nA text.", ["A title.", Pause(PARAGRAPH_PAUSE_S), "A text."]),
        ('Wait <break time="1s"/> here.', ["Wait", Pause(1.0), "here."]),
    ],
)
def test_sentences_and_pauses(text: str, expected: list[object]) -> None:
    reader, _ = reader_of(text)
    assert everything(reader) == expected
    assert reader.finished


def test_a_sentence_is_given_out_when_the_next_begins() -> None:
    reader, utterance = reader_of("One here.", ended=False)
    assert reader.next() is None
    utterance.say(*tokens("Two"))
    assert everything(reader) == ["One here."]
    assert not reader.finished
    utterance.end()
    assert everything(reader) == ["Two"]
    assert reader.finished


def test_a_pause_ends_a_sentence_without_waiting_for_more() -> None:
    reader, _ = reader_of("Yes\n\nno", ended=False)
    assert everything(reader) == ["Yes.", Pause(PARAGRAPH_PAUSE_S)]
    reader, utterance = reader_of("Yes", ended=False)
    utterance.say(PARAGRAPH)
    assert everything(reader) == ["Yes", Pause(PARAGRAPH_PAUSE_S)]


def test_a_long_sentence_is_cut_where_it_may_breathe() -> None:
    text = ", ".join(["some words that go on"] * 30)
    parts = everything(reader_of(text)[0])
    assert " ".join(map(str, parts)) == text
    assert len(parts) > 1
    assert all(len(str(part)) <= MAX_CHARS for part in parts)
    assert all(str(part).endswith(",") for part in parts[:-1])


def test_text_without_any_punctuation_is_cut_between_words_even_before_its_end() -> None:
    reader, _ = reader_of("word " * 200, ended=False)
    parts = everything(reader)
    assert all(len(str(part)) <= MAX_CHARS for part in parts)
    assert sum(len(str(part).split()) for part in parts) > 150


def test_a_very_long_word_is_said_in_parts_cut_after_a_sign() -> None:
    listed = "apples,pears/" * 50
    parts = " ".join(map(str, everything(reader_of(f"Buy {listed} today.")[0]))).split()
    assert parts[0] == "Buy"
    assert parts[-1] == "today."
    assert "".join(parts[1:-1]) == listed
    assert all(len(part) <= MAX_WORD_CHARS and part[-1] in ",/" for part in parts[1:-1])


def test_no_word_is_lost_or_changed() -> None:
    text = "Mr. A said: “Well… (3.5%) it's — fine!” Then x.example/a went\nwrong; e.g. badly."
    assert " ".join(map(str, everything(reader_of(text)[0]))).split() == text.split()


def test_a_word_that_is_said_in_several_is_not_torn() -> None:
    utterance = Utterance(SpeechRequest())
    price = Token("12,50 €", "twelve euros. Fifty", 3, 10)
    utterance.say(*tokens("At"), price, *tokens("and more. Now"))
    reader = SentenceReader(utterance, split)
    assert reader.next() == Sentence((*tokens("At"), price))
    utterance.end()
    assert everything(reader) == ["and more.", "Now"]


def test_a_very_long_word_is_told_of_once() -> None:
    utterance = Utterance(SpeechRequest())
    utterance.say(Token("7" * 400, " ".join(["seven"] * 400), 0, 400))
    utterance.end()
    reader, parts = SentenceReader(utterance, split), []
    while isinstance(sentence := reader.next(), Sentence):
        assert len(sentence.text) <= MAX_CHARS
        parts += sentence.tokens
    assert [token.written for token in parts] == ["7" * 400, *[""] * 399]
    assert " ".join(token.spoken for token in parts) == " ".join(["seven"] * 400)
