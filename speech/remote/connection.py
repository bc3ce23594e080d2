"""What all that is asked of a service has in common (RemoteConnection): one connection, that any thread may end.

And how the service's answers are read: its refusals and its events. Knows the service's API and HTTP; no engine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from socket import SHUT_RDWR, socket
from typing import Any, ClassVar, Self

from speech.errors import Cancelled, ErrorCode, SpeechError, Unavailable

EventData = dict[str, Any]


class RemoteConnection:
    """One request to a service. Nothing is sent before it is read.

    `cancel` may be called from any thread at any time; the rest belongs to one reader, who must call `close`, best by
    `with`.
    """

    broke_off: ClassVar[str] = "The speech service stopped in the middle ({}). Try again."

    def __init__(self, connection: HTTPConnection, path: str, headers: dict[str, str]) -> None:
        """connection: not open yet."""
        self._connection, self._path, self._headers = connection, path, headers
        self._lock = threading.Lock()  # held for moments only: `cancel` waits for it
        self._socket: socket | None = None
        self._response: HTTPResponse | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """Stop at once, during any wait: the service sees the connection close and frees the slot."""
        with self._lock:
            self._cancelled = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """Hang up. A second call does nothing."""
        self.cancel()
        if self._response is not None:
            self._response.close()  # it may have the socket to itself
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside -------------------------------------------------------------------------------------------------

    def _connect(self, silent_s: float | None = None) -> None:
        """silent_s: how long the service may send nothing; None: loading may take minutes, and the reader can cancel.

        Raises OSError, Cancelled.
        """
        self._connection.connect()
        with self._lock:
            self._socket = self._connection.sock
            if self._cancelled:
                raise self._cancelled_error()
        self._socket.settimeout(silent_s)

    def _post(self, fields: EventData) -> HTTPResponse:
        """The answer of any status, not read yet. Raises OSError, HTTPException."""
        self._connection.request("POST", self._path, json.dumps(fields).encode(), self._headers)
        self._response = self._connection.getresponse()
        return self._response

    def _broken(self, error: Exception) -> SpeechError:
        """What the reader is told of a connection that ended before its time."""
        if self._cancelled:
            return self._cancelled_error()
        return Unavailable(self.broke_off.format(str(error) or type(error).__name__), code=ErrorCode.BROKEN_OFF)

    @staticmethod
    def _cancelled_error() -> Cancelled:
        return Cancelled("The speech was cancelled.")


def refusal(status: int, body: bytes, retry_after: str | None = None) -> SpeechError:
    """The service's answer to what it will not do, in its own words. retry_after: the header, where there was one."""
    again_s = float(retry_after) if retry_after and retry_after.isdecimal() else None
    try:
        answer = json.loads(body)
        error, again_s = answer["error"], answer.get("retry_after_s", again_s)
        message, param = str(error["message"]), error.get("param")
        code = ErrorCode.known(error.get("code"), ErrorCode.SPEECH_ERROR)
    except (ValueError, KeyError, TypeError, AttributeError):
        message, param = f"The speech service answered with HTTP status {status}.", None
        code = ErrorCode.BAD_ANSWER
    return SpeechError(message, param=param, code=code, retry_after_s=again_s)


def events_of(response: HTTPResponse) -> Iterator[tuple[str, EventData]]:
    """Server-sent events as our service writes them: one line with the name, one with the data as JSON."""
    name = ""
    for line in response:
        field, _, value = line.decode().rstrip("\r\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
