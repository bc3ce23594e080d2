"""Jobs: long texts that are spoken while no request waits. With keys each key has its own."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, Response, g, jsonify, send_file, url_for
from pydantic import BaseModel, ConfigDict, Field

from speech.encoders import ENCODERS
from speech.jobs.store import Job
from speech.request import SpeechRequest
from speech.subtitles import CAPTIONS
from web.http.answers import JobAnswer, JobsAnswer
from web.http.context import jobs
from web.http.describe import BODY, Access, operation, path_parameter, query_parameters
from web.http.forms import Format, Name, ReadingForm, SomeText, read_form, read_query

blueprint = Blueprint("jobs", __name__)

ID = path_parameter("job_id", "Its id.", "nothing")
FILE: dict[str, dict[str, object]] = {encoder.media_type: {"schema": {}} for encoder in ENCODERS.values()}
TEXT: dict[str, dict[str, object]] = {captions.media_type: {"schema": {}} for captions in CAPTIONS.values()}


class JobForm(ReadingForm):
    """The body of POST /api/jobs."""

    model_config = ConfigDict(title="Job", json_schema_extra={"examples": [{"text": "A long story.", "title": "One"}]})

    text: SomeText = Field(description="What to say, up to MAX_JOB_CHARS characters.")
    title: Name = Field("", description="What the list shows.")

    def speech_request(self) -> SpeechRequest:
        return SpeechRequest(**self.model_dump(exclude={"title"}))


class JobsQuery(BaseModel):
    """The query of GET /api/jobs."""

    model_config = ConfigDict(extra="forbid", title="Jobs")

    limit: int = Field(20, ge=1, le=100, description="How many, the newest first.")
    offset: int = Field(0, ge=0, le=1_000_000, description="How many of the newest to leave out.")


class AudioQuery(BaseModel):
    """The query of GET /api/jobs/ID/audio."""

    model_config = ConfigDict(extra="forbid", title="JobAudio")

    format: Format | None = Field(None, description="Audio format; unset: the job's own.")


class CaptionsQuery(BaseModel):
    """The query of GET /api/jobs/ID/captions."""

    model_config = ConfigDict(extra="forbid", title="JobCaptions")

    format: Literal["srt", "vtt", "json"] = Field("srt", description="Format of the captions.")


@blueprint.post("/api/jobs")
@operation(
    "Say a long text",
    tag="Jobs",
    access=Access.SPEAKS,
    takes=JobForm,
    gives=JobAnswer,
    status=202,
    fails=(*BODY, 404, 503, 507),
)
def create_job() -> tuple[Response, int, dict[str, str]]:
    """Answers at once. The text is said when no request waits for a slot, and goes on after a restart."""
    form = read_form(JobForm)
    job = jobs().add(form.speech_request(), _owner(), form.title)
    return jsonify(_plain(job)), 202, {"Location": url_for("jobs.job", job_id=job.id)}


@blueprint.get("/api/jobs")
@operation(
    "Jobs", tag="Jobs", access=Access.KEY, gives=JobsAnswer, fails=(400, 503), parameters=query_parameters(JobsQuery)
)
def list_jobs() -> Response:
    """The newest first."""
    query = read_query(JobsQuery)
    return jsonify(jobs=[_plain(job) for job in jobs().jobs(_owner(), query.limit, query.offset)])


@blueprint.get("/api/jobs/<job_id>")
@operation("One job", tag="Jobs", access=Access.KEY, gives=JobAnswer, fails=(404, 503), parameters=[ID])
def job(job_id: str) -> Response:
    return jsonify(_plain(jobs().job(job_id, _owner())))


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
    """When the job is done: one file, in any format. Takes `Range` and `If-None-Match`."""
    query = read_query(AudioQuery)
    path = jobs().audio(job_id, _owner(), query.format)
    media_type = ENCODERS[path.suffix[1:]].media_type
    return send_file(path.absolute(), mimetype=media_type, conditional=True, download_name=path.name)


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
    """When the job is done."""
    query = read_query(CaptionsQuery)
    text = jobs().captions(job_id, _owner(), query.format)
    return Response(text, mimetype=CAPTIONS[query.format].media_type)


@blueprint.post("/api/jobs/<job_id>/cancel")
@operation("Stop a job", tag="Jobs", access=Access.KEY, gives=JobAnswer, fails=(404, 409, 503), parameters=[ID])
def cancel_job(job_id: str) -> Response:
    """What is done stays; `resume` goes on."""
    return jsonify(_plain(jobs().cancel(job_id, _owner())))


@blueprint.post("/api/jobs/<job_id>/resume")
@operation(
    "Go on with a job", tag="Jobs", access=Access.SPEAKS, gives=JobAnswer, fails=(404, 409, 503), parameters=[ID]
)
def resume_job(job_id: str) -> Response:
    """One that was cancelled or failed: the passages that are missing are said."""
    return jsonify(_plain(jobs().go_on(job_id, _owner())))


@blueprint.delete("/api/jobs/<job_id>")
@operation("Delete a job", tag="Jobs", access=Access.KEY, gives={}, status=204, fails=(404, 503), parameters=[ID])
def delete_job(job_id: str) -> tuple[str, int]:
    """And its audio, in any state."""
    jobs().delete(job_id, _owner())
    return "", 204


def _owner() -> str:
    """The key's name; one for all where no key is needed."""
    return str(g.get("key_name") or "")


def _plain(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "reason": job.reason,
        "passages_done": job.done,
        "passages_total": job.total,
        "audio_s": round(job.seconds, 3),
        "voice": job.request["voice"],
        "format": job.request["format"],
        "created_at": job.created_at,
        "changed_at": job.changed_at,
    }
