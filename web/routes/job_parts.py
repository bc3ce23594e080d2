"""What is made of a job: its passages, audio and captions."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, send_file

from speech.encoders import ENCODERS
from speech.encoders.m4b import M4bEncoder
from speech.jobs.whole import ZIP_TYPE
from speech.subtitles import CAPTIONS
from web.http.answers import JobAnswer, PassagesAnswer
from web.http.context import jobs
from web.http.describe import BODY, Access, operation, query_parameters
from web.http.forms import read_form, read_query
from web.http.job_forms import AudioQuery, CaptionsQuery, PassageForm, PassagesQuery
from web.http.jobs import owner, passage, summary
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
    fails=(*BODY, 404, 409, 503),
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
    fails=(400, 404, 409, 503),
    parameters=[ID, *query_parameters(AudioQuery)],
)
def audio(job_id: str) -> Response:
    """When it is done, or that chapter is: one file, in any format; or a zip of chapters. Takes `Range` and
    `If-None-Match`."""
    query = read_query(AudioQuery)
    job = jobs().job(job_id, owner())
    wanted = query.wanted(job.request["format"])
    path = jobs().file(job_id, owner(), wanted)
    return send_file(path.absolute(), mimetype=wanted.media_type, conditional=True, download_name=wanted.title(job))


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
