"""For operators: is it alive, is it ready, what does the GPU do; load and release by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from flask import Blueprint, Response, jsonify, request
from pydantic import ConfigDict, Field

from gpu_manager import State
from speech.metrics import MEDIA_TYPE
from speech.service import VERSION
from web.http.answers import GpuAnswer, GpuDoneAnswer, HealthAnswer, ReadyAnswer, ReleasedAnswer
from web.http.auth import insider
from web.http.context import speech_service
from web.http.describe import BODY, Access, operation
from web.http.forms import StrictForm, read_form
from web.routes.balancer import leaving

blueprint = Blueprint("ops", __name__)

SERVICE = "kyutai-tts"  # how clients tell us from a stranger on the port


class ReleaseForm(StrictForm):
    """The body of POST /api/gpu/offload; may be left out."""

    model_config = ConfigDict(title="Release")

    force: Annotated[bool, Field(description="Stop running streams rather than refuse.")] = False


@blueprint.get("/health")
@operation("Is it alive", tag="Operating", access=Access.OPEN, gives=HealthAnswer)
def health() -> Response:
    """Liveness: the process answers. Never waits for the model."""
    service = speech_service()
    status = service.manager.status()
    return jsonify(
        status="ok",
        service=SERVICE,
        version=VERSION,
        engine=service.choice.spec.name,
        engine_reason=service.choice.reason,
        model_loaded=status.state is State.READY,
        state=status.state,
        last_error=status.last_error if insider() else _outline(status.last_error),
        draining=service.draining,
    )


def _outline(error: str | None) -> str | None:
    """That something is wrong, for strangers: the message itself may hold a path or a name of a machine."""
    return error and "The engine could not be had. /api/gpu/status, which needs a key, has the reason."


@blueprint.get("/ready")
@operation("Does it take speech", tag="Operating", access=Access.OPEN, gives=ReadyAnswer, also={503: ReadyAnswer})
def ready() -> tuple[Response, int]:
    """Readiness: new speech is taken. A model that is not loaded yet is no obstacle, it loads on first use."""
    service = speech_service()
    failed = service.manager.status().state is State.FAILED
    draining = leaving(service)
    ok = not (draining or failed)
    return jsonify(ready=ok, draining=draining, failed=failed), 200 if ok else 503


@blueprint.get("/metrics")
@operation(
    "Figures for Prometheus", tag="Operating", access=Access.KEY, gives={"text/plain": {"schema": {"type": "string"}}}
)
def metrics() -> Response:
    """In its text format. Those that begin with py_ have moshi-server's names and meaning."""
    return Response(speech_service().metrics.text(), content_type=MEDIA_TYPE)


@blueprint.get("/api/gpu/status")
@operation("The GPU, the model, slots and queue", tag="Operating", access=Access.KEY, gives=GpuAnswer)
def gpu_status() -> Response:
    """Asking neither loads the model nor keeps it awake."""
    return jsonify(asdict(speech_service().status()))


@blueprint.post("/api/gpu/load")
@operation("Load the model", tag="Operating", access=Access.KEY, gives=GpuDoneAnswer, fails=(500, 503))
def load() -> Response:
    """Load now; answers when the model is ready."""
    service = speech_service()
    service.load()
    return jsonify(message="The model is loaded.", **asdict(service.status()))


@blueprint.post("/api/gpu/offload")
@operation(
    "Release the GPU",
    tag="Operating",
    access=Access.KEY,
    takes=ReleaseForm,
    takes_nothing_too=True,
    gives=ReleasedAnswer,
    fails=(*BODY, 409),
)
def offload() -> Response:
    """Give the GPU back. The next request simply loads again."""
    service = speech_service()
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    released = service.release(force=bool(has_body) and read_form(ReleaseForm).force)
    message = "The model was released." if released else "The model was not loaded."
    return jsonify(message=message, released=released, **asdict(service.status()))
