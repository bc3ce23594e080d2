"""What the server itself refuses, before the app sees a request: the answer as bytes, in the shape of every error."""

from __future__ import annotations

import json
from http import HTTPStatus

from gunicorn.http import errors

from speech.errors import ErrorCode
from web.http.errors import body

_CODES = {
    HTTPStatus.NOT_IMPLEMENTED: ErrorCode.NOT_SUPPORTED,
    HTTPStatus.REQUEST_TIMEOUT: ErrorCode.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: ErrorCode.REQUEST_HEADER_FIELDS_TOO_LARGE,
}
_STATUS: dict[type[Exception], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
}


_OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def answer(status: HTTPStatus, message: str) -> bytes:
    """A whole response, after which the connection is closed."""
    code = _CODES.get(status, ErrorCode.BAD_REQUEST)
    content = json.dumps(body(message, status, code=code)).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content


def refusal(error: Exception) -> bytes | None:
    """The answer to a request that gunicorn cannot read; None: the fault is not the client's."""
    if isinstance(error, _OURS):
        return None
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), None)
    return None if status is None else answer(status, f"{str(error) or status.phrase}.")
