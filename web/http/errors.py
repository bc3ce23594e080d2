"""Errors -> HTTP: the only table of status codes, and the one shape of every error body (OpenAI's).

{"error": {"message": ..., "type": ..., "param": ..., "code": ...}}
"""

from __future__ import annotations

import logging
import math

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException
from werkzeug.routing import WebsocketMismatch

from speech import errors as speech
from speech.errors import ErrorCode
from web.http.context import speech_service
from web.http.requests import request_id

log = logging.getLogger("kyutai_tts.web")


class TooLarge(speech.InvalidRequest):
    """A body that is larger than a setting allows, where the setting can be named."""

    code = ErrorCode.REQUEST_ENTITY_TOO_LARGE


class Unprocessable(speech.InvalidRequest):
    """A body of the wrong shape, where the protocol wants 422 for it."""

    code = ErrorCode.UNPROCESSABLE_ENTITY


STATUS: dict[type[Exception], int] = {
    Unprocessable: 422,
    TooLarge: 413,
    speech.InvalidRequest: 400,
    speech.VoiceNotFound: 404,
    speech.JobNotFound: 404,
    speech.EngineBusy: 409,
    speech.JobState: 409,
    speech.OutOfQuota: 507,
    speech.Cancelled: 499,  # nginx's number for a client that left; it is not there to read it
    speech.QueueFull: 429,
    speech.NotSupported: 501,
    speech.StorageFull: 507,
    speech.Unavailable: 503,
    speech.EngineBroken: 500,
    speech.EngineFailed: 500,
    speech.SpeechError: 500,
}
OURS = 500  # from here on the fault is ours
NOT_AGAIN = (500, 501, 507)  # OpenAI's SDK would ask twice more, and each time costs a generation
KINDS = {401: "authentication_error", 429: "rate_limit_error"}


def status_of(error: speech.SpeechError) -> int:
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def body(message: str, status: int, param: str | None = None, *, code: ErrorCode) -> dict[str, object]:
    kind = KINDS.get(status) or ("server_error" if status >= OURS else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def body_of(error: speech.SpeechError) -> dict[str, object]:
    return body(error.message, status_of(error), error.param, code=error.code)


def retry_after(error: speech.SpeechError) -> dict[str, str]:
    """The header Retry-After, where it is known when to ask again."""
    return {} if error.retry_after_s is None else {"Retry-After": str(_whole_s(error.retry_after_s))}


def event_of(error: speech.SpeechError) -> dict[str, object]:
    """The body of an error where there are no headers: in an event or a message."""
    again = {} if error.retry_after_s is None else {"retry_after_s": _whole_s(error.retry_after_s)}
    return body_of(error) | again


def _whole_s(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def response_to(error: speech.SpeechError) -> Response:
    """The answer to a SpeechError that came before the first byte of audio."""
    status = status_of(error)
    response = jsonify(body_of(error))
    response.status_code = status
    response.headers.update(retry_after(error))
    if isinstance(error, speech.QueueFull):
        response.headers["X-Queue-Depth"] = str(speech_service().engine_status().queue_depth)
    if status in NOT_AGAIN:
        response.headers["X-Should-Retry"] = "false"
    if status in (500, 507):
        log.error("%s: %s id=%s", error.code, error.message, request_id())
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    otherwise = ErrorCode.INTERNAL_ERROR if status >= OURS else ErrorCode.BAD_REQUEST
    code = ErrorCode.known(error.name.lower().replace(" ", "_"), otherwise)
    response = jsonify(body(_plain(error), status, code=code))
    response.status_code = status
    for name, value in error.get_headers():
        if name.lower() in ("allow", "www-authenticate", "retry-after", "location", "content-range"):
            response.headers[name] = value
    return response


def _plain(error: HTTPException) -> str:
    if error.code == 413:
        return "The request body is too large."
    if isinstance(error, WebsocketMismatch):
        return "This is no address of a WebSocket, or one that is asked for without `Upgrade: websocket`."
    return error.description or error.name


def _of_the_system(error: OSError) -> Response:
    """No room for a temporary file is no fault of the program's; its path is the operator's to know."""
    if error.errno not in speech.NO_ROOM:
        return _unexpected(error)
    log.error("no room: %s id=%s", error, request_id())
    return response_to(speech.StorageFull("The service has no room left on its disk for this answer."))


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error id=%s", request_id(), exc_info=error)
    response = jsonify(body("Something went wrong on our side.", 500, code=ErrorCode.INTERNAL_ERROR))
    response.status_code = 500
    return response


def init_app(app: Flask) -> None:
    app.register_error_handler(speech.SpeechError, response_to)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OSError, _of_the_system)
    app.register_error_handler(Exception, _unexpected)
