"""Jobs as the API shows them: in JSON, and whose they are."""

from __future__ import annotations

import json
from typing import Any

from flask import g

from speech.jobs.job import Job, JobChapter, Part
from speech.jobs.jobs import Progress
from speech.jobs.quality import words_in
from speech.request import Piece, Token


def owner() -> str:
    """The key's name; one for all where no key is needed."""
    return str(g.get("key_name") or "")


def summary(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "reason": job.reason,
        "passages_done": job.done,
        "passages_total": job.total,
        "passages_flawed": job.flawed,
        "audio_s": round(job.seconds, 3),
        "voice": job.request["voice"],
        "format": job.request["format"],
        "created_at": job.created_at,
        "changed_at": job.changed_at,
    }


def progress(progress: Progress) -> dict[str, Any]:
    return {
        **summary(progress.job),
        "seconds_left": _rounded(progress.seconds_left),
        "chapters": [_chapter(chapter) for chapter in progress.chapters],
        "warnings": progress.job.warnings,
    }


def passage(part: Part, job: Job) -> dict[str, Any]:
    return {
        "number": part.number,
        "chapter": part.chapter,
        "text": " ".join(_written(piece) for piece in part.passage.pieces).strip(),
        "voice": part.passage.voice or job.request["voice"],
        "seed": part.seed,
        "done": part.seconds is not None,
        "audio_s": _rounded(part.seconds),
        "start_s": _rounded(part.start_s),
        "words": words_in(part.passage),
        "words_spoken": part.spoken,
        "retried": part.retried,
        "flaws": list(part.flaws),
    }


def event(name: str, number: int, data: dict[str, Any]) -> bytes:
    """One server-sent event. number: the job's change, which a client that comes again sends as Last-Event-ID."""
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _chapter(chapter: JobChapter) -> dict[str, Any]:
    return {
        "number": chapter.number,
        "title": chapter.title,
        "first_passage": chapter.first,
        "passages_done": chapter.done,
        "passages_total": chapter.total,
        "audio_s": _rounded(chapter.seconds),
        "start_s": _rounded(chapter.start_s),
    }


def _written(piece: Piece) -> str:
    """As it could stand in a text."""
    if isinstance(piece, Token):
        return piece.written
    return f'<break time="{piece.seconds:g}s"/>' if piece.seconds else "\n\n"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
