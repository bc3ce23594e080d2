"""Every request gets an id and, when it is over, a line in the log. The text that is spoken is never logged."""

from __future__ import annotations

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

log = logging.getLogger("kyutai_tts.access")

QUIET_PATHS = frozenset({"/health", "/ready", "/api/gpu/status"})  # asked for every few seconds
_GOOD_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_finish)


def request_id() -> str:
    """The client's own X-Request-Id if it is a sensible one, else one of ours."""
    return str(g.get("request_id", "-"))


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.monotonic()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    level = logging.DEBUG if request.path in QUIET_PATHS else logging.INFO
    seconds = time.monotonic() - g.started
    log.log(level, "%s %s %d %.3f s id=%s", request.method, request.path, response.status_code, seconds, g.request_id)
    return response
