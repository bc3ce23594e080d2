"""One piece of speech that a running service makes (RemoteSpeech): Speech's reader, over server-sent events."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from gpu_manager import LoadProgress
from speech.remote.connection import EventData, RemoteConnection, events_of, refusal
from speech.request import SpeechRequest


class RemoteSpeech(RemoteConnection):
    """Speech that a service was asked for.

    What is known of it changes while `encoded` is read: `loading` and `queue_position` say what it waits for, `seconds`
    how much audio has come, `share` how much of the words was said, 0 to 1.
    """

    def __init__(self, connection: HTTPConnection, path: str, headers: dict[str, str], request: SpeechRequest) -> None:
        super().__init__(connection, path, headers)
        self.request = request
        self.sample_rate = 0  # Hz; known from the first audio on
        self.ignored: tuple[str, ...] = ()
        self.seconds = 0.0
        self.share: float | None = None
        self.loading: LoadProgress | None = None
        self.queue_position: int | None = None

    def encoded(self) -> Iterator[bytes]:
        """The bytes of the requested format as they are made.

        Raises what the service refuses as SpeechError in its own words, Unavailable when it breaks off, Cancelled.
        """
        try:
            self._connect()
            for name, data in events_of(self._answer()):
                if name == "audio":
                    self.seconds = data["audio_s"]
                    yield b64decode(data["audio"])
                elif name == "done":
                    return
                else:
                    self._follow(name, data)
            raise HTTPException("the stream ended before the speech did")
        except (OSError, HTTPException, ValueError, KeyError) as error:
            raise self._broken(error) from None

    # -- inside -------------------------------------------------------------------------------------------------

    def _answer(self) -> HTTPResponse:
        response = self._post({**_fields(self.request), "stream_format": "sse"})
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


def _fields(request: SpeechRequest) -> dict[str, Any]:
    """What the service is asked for: all that is set. Who asks there is its own to say."""
    given = {**vars(request), "caller": None, "turns": None}
    if request.turns:
        turns = [{"text": turn.text, "voice": turn.voice} for turn in request.turns]
        given |= {"turns": turns, "text": None}
    return {name: value for name, value in given.items() if value is not None}
