"""What is made of a job: its passages, audio and captions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from flask import Blueprint, Response, jsonify, request, send_file

from speech.encoders import ENCODERS
from speech.encoders.m4b import M4bEncoder
from speech.errors import JobNotFound
from speech.jobs.follow import Gone, News
from speech.jobs.job import Flaw, Job
from speech.jobs.jobs import Jobs
from speech.jobs.whole import ZIP_TYPE
from speech.subtitles import CAPTIONS
from web.http.answers import JobAnswer, PassagesAnswer
from web.http.context import jobs
from web.http.describe import BODY, Access, operation, query_parameters
from web.http.following import follow
from web.http.forms import read_form, read_query
from web.http.job_forms import AudioQuery, CaptionsQuery, PassageForm, PassagesQuery
from web.http.jobs import event, owner, passage, progress, summary
from web.http.sse import KEEP_ALIVE
from web.routes.jobs import ID

blueprint = Blueprint("job_parts", __name__)

NUMBER = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "Of the passage, from 0.",
    "schema": {"type": "integer", "minimum": 0},
    "example": 0,
}
MEDIA_TYPES = (*(encoder.media_type for encoder in ENCODERS.values()), M4bEncoder.media_type, ZIP_TYPE)
FILE: dict[str, dict[str, object]] = {media_type: {"schema": {}} for media_type in MEDIA_TYPES}
MOST_DIGITS = 18  # of a Last-Event-ID; SQLite's numbers have more
ABOUT_FLAWS = {
    Flaw.WORDS_MISSING: "Fewer words were said than the text has.",
    Flaw.TOO_LONG: "It lasts far longer than its text should.",
    Flaw.SILENT: "There is no sound, or a silence that the text does not ask for.",
    Flaw.CLIPPED: "It is too loud for its format.",
}
TEXT: dict[str, dict[str, object]] = {captions.media_type: {"schema": {}} for captions in CAPTIONS.values()}


@blueprint.get("/api/jobs/<job_id>/passages")
@operation(
    "The passages of a job",
    tag="Jobs",
    access=Access.KEY,
    gives=PassagesAnswer,
    fails=(400, 404, 503),
    parameters=[ID, *query_parameters(PassagesQuery)],
)
def passages(job_id: str) -> Response:
    """In order: what each says, and how it came out."""
    query = read_query(PassagesQuery)
    job = jobs().job(job_id, owner())
    found = jobs().passages(job_id, owner(), query.limit, query.offset)
    return jsonify(passages=[passage(part, job) for part in found], total=job.total)


@blueprint.post("/api/jobs/<job_id>/passages/<int:number>")
@operation(
    "Say a passage of a job again",
    tag="Jobs",
    access=Access.SPEAKS,
    takes=PassageForm,
    gives=JobAnswer,
    status=202,
    fails=(*BODY, 404, 409, 503, 507),
    parameters=[ID, NUMBER],
)
def say_again(job_id: str, number: int) -> tuple[Response, int]:
    """With another text, voice or seed. That passage alone is made again, also of a job that is done; the job goes on,
    and its audio and captions follow."""
    form = read_form(PassageForm)
    return jsonify(summary(jobs().make_again(job_id, owner(), number, form.change()))), 202


@blueprint.get("/api/jobs/<job_id>/audio")
@operation(
    "The audio of a job",
    name="job_audio",
    tag="Jobs",
    access=Access.KEY,
    gives=FILE,
    fails=(400, 404, 409, 429, 503, 507),
    parameters=[ID, *query_parameters(AudioQuery)],
)
def audio(job_id: str) -> Response:
    """Of all of it, or of a chapter. While some is still to be said, what is done comes at once and the rest as it is
    made, and the answer has no length. Once it is said: one file, in any format, or a zip of chapters, with `Range` and
    `If-None-Match`. One that takes more than 30 s to put together is a 503 with `Retry-After` until it is there."""
    query = read_query(AudioQuery)
    job = jobs().job(job_id, owner())
    wanted = query.wanted(job.request["format"])
    live = follow(lambda gone: jobs().listen(job_id, owner(), wanted, gone), wanted.media_type)
    if live is not None:
        return live
    path = jobs().file(job_id, owner(), wanted)
    return send_file(path.absolute(), mimetype=wanted.media_type, conditional=True, download_name=wanted.title(job))


@blueprint.get("/api/jobs/<job_id>/events")
@operation(
    "What becomes of a job",
    name="job_events",
    tag="Jobs",
    access=Access.KEY,
    gives={"text/event-stream": {"schema": {}}},
    fails=(404, 429, 503),
    parameters=[ID],
)
def events(job_id: str) -> Response:
    """Server-sent events until it has ended: `state` with all of the job, at first and after each change; `passage`
    when one is done or altered; `warning` for each flaw. A client that comes again with `Last-Event-ID` gets the
    passages that it missed."""
    answer = follow(lambda gone: _events(job_id, _last_event_id(), gone), "text/event-stream")
    assert answer is not None
    return answer


def _last_event_id() -> int | None:
    given = request.headers.get("Last-Event-ID", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < MOST_DIGITS else None


def _events(job_id: str, since: int | None, gone: Gone) -> Iterator[bytes]:
    """What can go wrong goes wrong here, before the headers leave."""
    work, mine = jobs(), owner()
    found = work.follow(job_id, mine, since, gone)
    job = work.job(job_id, mine)
    return (line for each in found for line in _lines(work, mine, job, each))


def _lines(work: Jobs, mine: str, job: Job, each: News | None) -> Iterator[bytes]:
    if each is None:
        yield KEEP_ALIVE
    elif isinstance(each, Job):
        with suppress(JobNotFound):  # deleted meanwhile
            now = work.progress(job.id, mine)
            yield event("state", each.change, progress(replace(now, job=each)))
    else:
        yield event("passage", each.change, passage(each, job))
        for flaw in each.flaws:
            yield event("warning", each.change, {"passage": each.number, "code": flaw, "message": ABOUT_FLAWS[flaw]})


@blueprint.get("/api/jobs/<job_id>/captions")
@operation(
    "The captions of a job",
    name="job_captions",
    tag="Jobs",
    access=Access.KEY,
    gives=TEXT,
    fails=(400, 404, 409, 503),
    parameters=[ID, *query_parameters(CaptionsQuery)],
)
def captions(job_id: str) -> Response:
    """When it is done, or that chapter is."""
    query = read_query(CaptionsQuery)
    text = jobs().captions(job_id, owner(), query.format, query.chapter)
    return Response(text, mimetype=CAPTIONS[query.format].media_type)
