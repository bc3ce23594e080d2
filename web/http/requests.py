"""Every request gets an id and, when it is over, a line in the log. The text that is spoken is never logged."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from flask import Flask, Response, g, request

from speech.session import Speech

log = logging.getLogger("kyutai_tts.access")

QUIET_PATHS = frozenset({"/health", "/ready", "/lb", "/api/gpu/status", "/metrics"})  # asked for every few seconds
_GOOD_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_finish)


def request_id() -> str:
    """The client's own X-Request-Id if it is a sensible one, else one of ours."""
    return str(g.get("request_id", "-"))


def log_speech(speech: Speech, with_text: bool, format_name: str | None = None) -> Callable[[], None]:
    """Ask for it while the request is there, call it when the speech is closed: one line about all of it.

    format_name: what the client gets, where that is not the speech's own format.
    """
    fields: dict[str, object] = {"request_id": request_id(), "key": g.get("key_name"), "path": request.path}

    def write() -> None:
        fields.update(
            voice=speech.voice.id,
            format=format_name or speech.request.format,
            characters=len(speech.request.written),  # of a whole text; 0 where it came over a socket
            words=speech.counts.words,
            audio_s=round(speech.seconds, 3),
            first_audio_s=None if speech.first_audio_s is None else round(speech.first_audio_s, 3),
            outcome=speech.outcome,
        )
        if with_text:
            fields["text"] = speech.request.written
        log.info(
            "spoke %s", " ".join(f"{name}={value}" for name, value in fields.items()), extra={"fields": dict(fields)}
        )

    return write


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.monotonic()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    level = logging.DEBUG if request.path in QUIET_PATHS else logging.INFO
    seconds = time.monotonic() - g.started
    fields = {
        "request_id": g.request_id,
        "key": g.get("key_name"),
        "client": request.remote_addr,
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "seconds": round(seconds, 3),
    }
    log.log(
        level,
        "%s %s %s %d %.3f s id=%s",
        request.remote_addr or "-",
        request.method,
        request.path,
        response.status_code,
        seconds,
        g.request_id,
        extra={"fields": fields},
    )
    return response
