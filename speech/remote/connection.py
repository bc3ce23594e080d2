"""One piece of speech that a running service makes (RemoteSpeech): Speech's reader, over server-sent events."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from gpu_manager import LoadProgress
from speech.errors import Cancelled, ErrorCode, SpeechError, Unavailable
from speech.remote.line import Line
from speech.request import SpeechRequest

EventData = dict[str, Any]


class RemoteSpeech:
    """Speech that a service was asked for. Nothing is sent before `encoded` is read.

    `cancel` may be called from any thread at any time; the rest belongs to one reader, who must call `close`, best by
    `with`. What is known of the speech changes while it is read: `loading` and `queue_position` say what it waits for,
    `seconds` how much audio has come, `share` how much of the words was said, 0 to 1.
    """

    def __init__(self, connection: HTTPConnection, path: str, headers: dict[str, str], request: SpeechRequest) -> None:
        self.request = request
        self.sample_rate = 0  # Hz; known from the first audio on
        self.ignored: tuple[str, ...] = ()
        self.seconds = 0.0
        self.share: float | None = None
        self.loading: LoadProgress | None = None
        self.queue_position: int | None = None
        self._line, self._path, self._headers = Line(connection), path, headers

    def encoded(self) -> Iterator[bytes]:
        """The bytes of the requested format as they are made.

        Raises what the service refuses as SpeechError in its own words, Unavailable when it breaks off, Cancelled.
        """
        try:
            self._line.open()  # without a limit: loading may take minutes
            for name, data in events_of(self._answer()):
                if name == "audio":
                    self.seconds = data["audio_s"]
                    yield b64decode(data["audio"])
                elif name == "done":
                    return
                else:
                    self._follow(name, data)
            raise HTTPException("the stream ended before the speech did")
        except (OSError, HTTPException, ValueError) as error:
            raise self._broken(error) from None

    def cancel(self) -> None:
        """Stop at once, during any wait: the service sees the connection close and frees the slot."""
        self._line.cut()

    def close(self) -> None:
        """Hang up. A second call does nothing."""
        self._line.close()

    def __enter__(self) -> RemoteSpeech:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside -------------------------------------------------------------------------------------------------

    def _answer(self) -> HTTPResponse:
        body = json.dumps({**_fields(self.request), "stream_format": "sse"}).encode()
        response = self._line.ask(self._path, body, self._headers)
        if response.status != 200:
            raise refusal(response.status, response.read(), response.headers["Retry-After"])
        return response

    def _follow(self, name: str, data: EventData) -> None:
        """An event that brings no audio."""
        if name == "error":
            raise refusal(200, json.dumps(data).encode())
        self.loading = self.queue_position = None
        if name == "loading":
            done, total = data["loaded_bytes"], data["total_bytes"] or 0
            self.loading = LoadProgress(
                data["doing"], done, total, seconds=data["seconds"], seconds_left=data["seconds_left"]
            )
        elif name == "queued":
            self.queue_position = data["position"] or None
        elif name == "start":
            self.sample_rate, self.ignored = data["sample_rate"], tuple(data["ignored"])
        elif name == "progress" and data["words_total"]:
            self.share = data["words_done"] / data["words_total"]

    def _broken(self, error: Exception) -> SpeechError:
        if self._line.was_cut:
            return Cancelled("The speech was cancelled.")
        return broken_off(error)


def _fields(request: SpeechRequest) -> dict[str, Any]:
    """What the service is asked for: all that is set. Who asks there is its own to say."""
    given = {**vars(request), "caller": None, "turns": None}
    if request.turns:
        turns = [{"text": turn.text, "voice": turn.voice} for turn in request.turns]
        given |= {"turns": turns, "text": None}
    return {name: value for name, value in given.items() if value is not None}


def broken_off(error: Exception) -> Unavailable:
    """The connection ended before the speech did."""
    return Unavailable(
        f"The speech service stopped in the middle ({_name(error)}). Try again.", code=ErrorCode.BROKEN_OFF
    )


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


def _name(error: Exception) -> str:
    return str(error) or type(error).__name__
