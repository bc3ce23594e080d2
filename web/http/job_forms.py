"""The bodies and queries of /api/jobs, checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from speech.errors import InvalidRequest
from speech.jobs.jobs import Change
from speech.jobs.whole import FORMATS, Wanted
from speech.request import SpeechRequest
from speech.text.document import Chapter, Document, Paragraph
from web.http.forms import Name, ReadingForm, Seed, SomeText, StrictForm, Turns

EXAMPLE: dict[str, Any] = {
    "title": "One",
    "chapters": [{"title": "The sea", "paragraphs": [{"text": "It was calm."}, {"text": "Was it?", "voice": None}]}],
}
WHAT = ("text", "turns", "chapters")  # one of them says what is said


class ParagraphForm(StrictForm):
    model_config = ConfigDict(title="Paragraph")

    text: SomeText = Field(description="What to say.")
    voice: Name | None = Field(None, description="Who says it; unset: the job's voice.")


class ChapterForm(StrictForm):
    model_config = ConfigDict(title="Chapter")

    title: Name = Field("", description="Said first, as a heading, and shown in lists.")
    paragraphs: list[ParagraphForm] = Field(description="In order.")

    def chapter(self) -> Chapter:
        return Chapter(self.title, tuple(Paragraph(part.text, part.voice or None) for part in self.paragraphs))


class JobWishes(ReadingForm):
    """The fields of POST /api/jobs that go with a file: how it is said."""

    title: Name = Field("", description="Of the whole; it is shown, and not said.")

    def speech_request(self) -> SpeechRequest:
        return SpeechRequest(**self.model_dump(exclude={"title", *WHAT}))


class JobForm(JobWishes):
    """The body of POST /api/jobs: a text, turns, or a document in chapters."""

    model_config = ConfigDict(title="Job", json_schema_extra={"examples": [{"text": "A long story."}, EXAMPLE]})

    text: SomeText | None = Field(None, description="What to say, up to MAX_JOB_CHARS characters.")
    turns: Turns | None = Field(None, description="Who says what, in order, instead of text; only in JSON.")
    chapters: list[ChapterForm] | None = Field(
        None, description="What to say in chapters, instead of text; only in JSON."
    )

    def document(self) -> Document:
        """Raises InvalidRequest."""
        if sum(getattr(self, name) is not None for name in WHAT) != 1:
            raise InvalidRequest("Exactly one of text, turns, chapters and a file is required.", param="text")
        if self.text is not None:
            return Document.of_text(self.text, self.title)
        if self.turns is not None:
            said = tuple(Paragraph(turn.text, turn.voice or None) for turn in self.turns)
            return Document(self.title, (Chapter("", said),))
        return Document(self.title, tuple(form.chapter() for form in self.chapters or ()))


class PassageForm(StrictForm):
    """The body of POST /api/jobs/ID/passages/N. With nothing in it the passage is said again as it was."""

    model_config = ConfigDict(title="PassageChange", json_schema_extra={"examples": [{"seed": 2}]})

    text: SomeText | None = Field(None, description="What it says instead.")
    voice: Name | None = Field(None, description="Who says it instead.")
    seed: Seed | None = Field(None, description="Another reading of the same text.")

    def change(self) -> Change:
        return Change(self.text, self.voice or None, self.seed)


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")


class JobsQuery(_Page):
    """The query of GET /api/jobs."""

    limit: int = Field(20, ge=1, le=100, description="How many, the newest first.")
    offset: int = Field(0, ge=0, le=1_000_000, description="How many of the newest to leave out.")


class PassagesQuery(_Page):
    """The query of GET /api/jobs/ID/passages."""

    limit: int = Field(100, ge=1, le=1000, description="How many.")
    offset: int = Field(0, ge=0, le=1_000_000, description="The number of the first one.")


ABOUT_CHAPTER = "Number of a chapter, from 0: of that one alone."
ChapterNumber = Annotated[int, Field(ge=0, le=1_000_000)]
JobFormat = Annotated[Literal[FORMATS], Field()]  # type: ignore[valid-type]  # the table of encoders, and m4b


class AudioQuery(_Page):
    """The query of GET /api/jobs/ID/audio."""

    format: JobFormat | None = Field(None, description="Audio format, m4b among them; unset: the job's own.")
    chapter: ChapterNumber | None = Field(None, description=ABOUT_CHAPTER)
    zip: bool = Field(False, description="A zip with a file for each chapter.")

    def wanted(self, own: str) -> Wanted:
        """own: the job's format."""
        return Wanted(self.format or own, self.chapter, self.zip)


class CaptionsQuery(_Page):
    """The query of GET /api/jobs/ID/captions."""

    format: Literal["srt", "vtt", "json"] = Field("srt", description="Format of the captions.")
    chapter: ChapterNumber | None = Field(None, description=ABOUT_CHAPTER)
