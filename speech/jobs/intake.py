"""A document -> a new job: its texts are read and cut into passages here, once, and every voice is looked up."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any

from speech.errors import ErrorCode, InvalidRequest
from speech.jobs.job import Job, NewJob, Part
from speech.jobs.store import NewPart
from speech.relay import PAUSES_S
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.text.document import Chapter, Document, Paragraph, chapter_passages
from speech.text.passages import MAX_S, Join, Passage
from speech.text.pipe import Reader
from speech.text.remarks import Remarks

KEPT = (
    *("voice", "format", "bitrate", "sample_rate", "speed", "cfg_coef", "temperature", "top_k", "seed"),
    *("language", "lexicon", "normalize", "code"),
)
CHAPTER_PAUSE_S = 2 * PAUSES_S[Join.HEADING]
LONGEST_PASSAGE_S = 2 * MAX_S  # of one that is altered, as estimated


@dataclass(frozen=True)
class Taken:
    """What the store takes."""

    job: NewJob
    titles: list[str]
    parts: list[NewPart]


class Intake:
    def __init__(self, service: SpeechService) -> None:
        self._service = service

    def take(self, request: SpeechRequest, owner: str, document: Document) -> Taken:
        """request: how it is said; its text is not looked at. Raises InvalidRequest, VoiceNotFound."""
        most = self._service.settings.max_job_chars
        if document.characters > most:
            message = f"text has {document.characters} characters; at most {most} are allowed (MAX_JOB_CHARS)."
            raise InvalidRequest(message, param="text", code=ErrorCode.TEXT_TOO_LONG)
        request = self._seeded(self._service.settled(replace(request, owner=owner)))
        reading = _Reading(self._service, request)
        said = [(chapter.title, reading.passages(chapter)) for chapter in document.chapters]
        said = [(title, passages) for title, passages in said if passages]
        if not said:
            raise InvalidRequest("text has no words that can be said.", param="text", code=ErrorCode.NOTHING_TO_SAY)
        parts = [part for number, (_, found) in enumerate(said) for part in _parts(number, found, request.speed)]
        job_id, engine = secrets.token_urlsafe(16), self._service.choice.spec.name
        job = NewJob(job_id, owner, document.title, _kept(request), engine, _plain(reading.remarks))
        return Taken(job, [title for title, _ in said], parts)

    def altered(self, job: Job, part: Part, text: str | None, voice: str | None) -> Passage:
        """The job's passage with another text or voice. Raises InvalidRequest, VoiceNotFound."""
        request = SpeechRequest(**job.request, owner=job.owner)
        speaker = self._service.voice(voice, job.owner).id if voice else part.passage.voice
        if text is None:
            return replace(part.passage, voice=speaker)
        found = _Reading(self._service, request).passages(Chapter("", (Paragraph(text, speaker),)))
        if not found:
            raise InvalidRequest("text has no words that can be said.", param="text", code=ErrorCode.NOTHING_TO_SAY)
        pieces = tuple(piece for passage in found for piece in passage.pieces)
        passage = Passage(pieces, part.passage.join, part.passage.pause_s, speaker)
        if passage.seconds > LONGEST_PASSAGE_S:
            message = f"text would last about {passage.seconds:.0f} s; a passage may have {LONGEST_PASSAGE_S:g} s."
            raise InvalidRequest(message, param="text", code=ErrorCode.TEXT_TOO_LONG)
        return passage

    def _seeded(self, request: SpeechRequest) -> SpeechRequest:
        return replace(request, seed=secrets.randbits(32) if request.seed is None else request.seed)


class _Reading:
    """Reads the chapters of one document."""

    def __init__(self, service: SpeechService, request: SpeechRequest) -> None:
        self.remarks = Remarks()  # what is not said of them
        self._service, self._request = service, request

    def passages(self, chapter: Chapter) -> list[Passage]:
        found = chapter_passages(chapter, self._reader)
        return [replace(passage, voice=self._voice(passage.voice)) for passage in found]

    def _voice(self, name: str | None) -> str | None:
        return self._service.voice(name, self._request.owner or "").id if name else self._request.voice

    def _reader(self, voice: str | None) -> Reader:
        request = replace(self._request, voice=voice or self._request.voice)
        return self._service.manner(request).reader(self.remarks)


def _parts(chapter: int, passages: list[Passage], speed: float) -> list[NewPart]:
    return [
        NewPart(chapter, passage, _pause_s(chapter, number, passage) / speed, passage.seconds / speed)
        for number, passage in enumerate(passages)
    ]


def _pause_s(chapter: int, number: int, passage: Passage) -> float:
    """Before a passage, at the usual pace; none before the first of all."""
    between_s = CHAPTER_PAUSE_S if chapter and not number else PAUSES_S[passage.join]
    return max(passage.pause_s, between_s)


def _kept(request: SpeechRequest) -> dict[str, Any]:
    """The fields of a request that its passages need, as JSON has them."""
    fields = asdict(request)
    return {name: fields[name] for name in KEPT}


def _plain(remarks: Remarks) -> list[dict[str, Any]]:
    """As answers show them."""
    return [{"code": r.about.value, "text": r.quoted, "message": r.sentence} for r in remarks.listed]
