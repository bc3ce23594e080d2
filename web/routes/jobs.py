"""Jobs: long texts that are spoken while no request waits. With keys each key has its own."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, jsonify, request, url_for

from speech.documents import ENDINGS, read_document
from speech.errors import InvalidRequest
from speech.text.document import Document
from web.http.answers import JobAnswer, JobProgressAnswer, JobsAnswer
from web.http.context import jobs, speech_service
from web.http.describe import BODY, Access, operation, path_parameter, query_parameters, with_file
from web.http.forms import form_of, read_form, read_query
from web.http.job_forms import WHAT, JobForm, JobsQuery, JobWishes
from web.http.jobs import owner, progress, summary
from web.http.uploads import uploaded_form

blueprint = Blueprint("jobs", __name__)

ABOUT_FILE = f"A file instead of text, by the ending of its name one of {', '.join(ENDINGS)}."
ID = path_parameter("job_id", "Its id.", "nothing")


@blueprint.post("/api/jobs")
@operation(
    "Say a long text",
    tag="Jobs",
    access=Access.SPEAKS,
    takes=with_file(JobForm, ABOUT_FILE),
    gives=JobProgressAnswer,
    status=202,
    fails=(*BODY, 404, 503, 507),
)
def create_job() -> tuple[Response, int, dict[str, str]]:
    """Answers at once. The text is said when no request waits for a slot, and goes on after a restart."""
    form, document = _asked()
    job = jobs().add(form.speech_request(), owner(), document)
    told = progress(jobs().progress(job.id, owner()))
    return jsonify(told), 202, {"Location": url_for("jobs.job", job_id=job.id)}


def _asked() -> tuple[JobWishes, Document]:
    """How, and what: fields, or a multipart form with a file."""
    if request.mimetype != "multipart/form-data":
        form = read_form(JobForm)
        return form, form.document()
    with uploaded_form() as (fields, upload):
        if upload is None:
            form = form_of(JobForm, fields, strict=False)
            return form, form.document()
        if others := [name for name in WHAT if name in fields]:
            raise InvalidRequest(f"{others[0]}: there is a file in its place.", param=others[0])
        wishes = form_of(JobWishes, fields, strict=False)
        most = speech_service().settings.max_job_chars
        document = read_document(upload.name, upload.file, most, upload.charset)
        return wishes, replace(document, title=wishes.title or document.title)


@blueprint.get("/api/jobs")
@operation(
    "Jobs", tag="Jobs", access=Access.KEY, gives=JobsAnswer, fails=(400, 503), parameters=query_parameters(JobsQuery)
)
def list_jobs() -> Response:
    """The newest first."""
    query = read_query(JobsQuery)
    found, total = jobs().jobs(owner(), query.limit, query.offset)
    return jsonify(jobs=[summary(job) for job in found], total=total)


@blueprint.get("/api/jobs/<job_id>")
@operation("One job", tag="Jobs", access=Access.KEY, gives=JobProgressAnswer, fails=(404, 503), parameters=[ID])
def job(job_id: str) -> Response:
    """How far it is, and its chapters."""
    return jsonify(progress(jobs().progress(job_id, owner())))


@blueprint.post("/api/jobs/<job_id>/cancel")
@operation("Stop a job", tag="Jobs", access=Access.KEY, gives=JobAnswer, fails=(404, 409, 503, 507), parameters=[ID])
def cancel_job(job_id: str) -> Response:
    """What is done stays; `resume` goes on."""
    return jsonify(summary(jobs().cancel(job_id, owner())))


@blueprint.post("/api/jobs/<job_id>/resume")
@operation(
    "Go on with a job", tag="Jobs", access=Access.SPEAKS, gives=JobAnswer, fails=(404, 409, 503, 507), parameters=[ID]
)
def resume_job(job_id: str) -> Response:
    """One that was cancelled or failed: the passages that are missing are said."""
    return jsonify(summary(jobs().go_on(job_id, owner())))


@blueprint.delete("/api/jobs/<job_id>")
@operation("Delete a job", tag="Jobs", access=Access.KEY, gives={}, status=204, fails=(404, 503, 507), parameters=[ID])
def delete_job(job_id: str) -> tuple[str, int]:
    """And its audio, in any state."""
    jobs().delete(job_id, owner())
    return "", 204
