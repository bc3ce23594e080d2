"""A document's passages: its chapters' titles, and a voice for each paragraph."""

from __future__ import annotations

from speech.request import Token
from speech.text.document import Chapter, Document, Paragraph, chapter_passages, spoken_parts
from speech.text.passages import Join, Passage
from speech.text.pipe import Reader
from speech.text.turns import BETWEEN

HELLO, FINE, PAUSE = "Hello there, my friend.", "I am fine. 😀", 'Wait a moment. <break time="2s"/>'


def read(*paragraphs: Paragraph, title: str = "") -> list[Passage]:
    return chapter_passages(Chapter(title, paragraphs), lambda voice: Reader())


def said(passage: Passage) -> str:
    return " ".join(piece.spoken for piece in passage.pieces if isinstance(piece, Token) and piece.spoken)


def test_a_passage_has_one_voice_and_a_title_is_a_heading() -> None:
    found = read(Paragraph(HELLO, "a"), Paragraph(FINE, "b"), Paragraph(HELLO, "b"), title="One")
    assert [(said(passage), passage.voice, passage.join) for passage in found] == [
        ("One", None, Join.START),
        (HELLO, "a", Join.HEADING),
        (f"I am fine. {HELLO}", "b", Join.PARAGRAPH),
    ]


def test_a_pause_at_the_end_of_a_voice_comes_before_the_next() -> None:
    first, second = read(Paragraph(PAUSE, "a"), Paragraph(HELLO, "b"))
    assert (first.pause_s, second.pause_s) == (0, 2)


def test_places_are_those_in_the_chapters_text() -> None:
    chapter = Chapter("The 😀 one", (Paragraph(FINE), Paragraph(HELLO, "b")))
    text = BETWEEN.join(part.text for part in spoken_parts(chapter)).encode("utf-16-le")
    tokens = [piece for passage in chapter_passages(chapter, lambda voice: Reader()) for piece in passage.pieces]
    found = [token for token in tokens if isinstance(token, Token)]
    assert [text[2 * token.start : 2 * token.stop].decode("utf-16-le") for token in found] == [
        token.written for token in found
    ]


def test_a_title_that_the_text_repeats_is_said_once() -> None:
    assert len(spoken_parts(Chapter("One", (Paragraph("# one"), Paragraph(HELLO))))) == 2
    assert len(spoken_parts(Chapter("One", (Paragraph(HELLO),)))) == 2


def test_what_has_no_words_has_no_passages() -> None:
    assert read(Paragraph("* * *")) == []
    assert [passage.voice for passage in read(Paragraph("***", "a"), Paragraph(HELLO, "b"))] == ["b"]
    assert Document.of_text(HELLO).characters == len(HELLO)
