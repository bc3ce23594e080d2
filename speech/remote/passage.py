"""One passage that another instance says (RemotePassage): as a Speech is used, over POST /api/passages.

Knows the service's API and HTTP; no engine and no jobs.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import asdict
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse

import numpy as np

from speech.errors import (
    EngineFailed,
    ErrorCode,
    InvalidRequest,
    QueueFull,
    SpeechError,
    Unavailable,
    VoiceNotFound,
)
from speech.remote.connection import EventData, RemoteConnection, events_of, refusal
from speech.request import AudioChunk, Pause, Piece, SpeechRequest, Word

PATH = "/api/passages"
SILENT_S = 60.0  # while one waits there, a line comes every 10 s
FULL_SCALE = 32767  # as the encoders have it: samples come as a file of a passage would keep them
FIELDS = ("voice", "speed", "cfg_coef", "temperature", "top_k", "seed", "language")
OF_STATUS: dict[int, type[SpeechError]] = {400: InvalidRequest, 404: VoiceNotFound, 500: EngineFailed}
OF_THE_TEXT = (ErrorCode.NOTHING_TO_SAY, ErrorCode.INVALID_VALUE)
OF_THE_MODEL = (ErrorCode.SPEECH_WITHOUT_END, ErrorCode.NO_SOUND)


class RemotePassage(RemoteConnection):
    """One passage. It is said, and then its `chunks` are read."""

    broke_off = "The instance broke off ({})."

    def __init__(self, connection: HTTPConnection, path: str, headers: dict[str, str], request: SpeechRequest) -> None:
        """path: of the service, before PATH. request: its text is not looked at."""
        super().__init__(connection, path + PATH, headers)
        self._request = request
        self._pieces: list[Piece] = []

    def say(self, *pieces: Piece) -> None:
        self._pieces.extend(pieces)

    def end(self) -> None:
        """All of it was said; nothing is sent before `chunks` is read."""

    def chunks(self) -> Iterator[AudioChunk]:
        """The audio as it is made there, with words.

        Raises QueueFull and Unavailable, with when to ask again, for what another instance may do, other errors of the
        text, the voice or the model, and Cancelled.
        """
        try:
            yield from self._chunks(self._answer())
        except (OSError, HTTPException, ValueError, KeyError) as error:
            raise self._broken(error) from None

    # -- inside -------------------------------------------------------------------------------------------------

    def _answer(self) -> HTTPResponse:
        self._connect(SILENT_S)
        response = self._post(self._fields())
        if response.status != 200:
            raise error_of(response.status, response.headers, response.read())
        return response

    def _fields(self) -> EventData:
        known = asdict(self._request)
        fields = {name: known[name] for name in FIELDS if known[name] is not None}
        return fields | {"pieces": [written_piece(piece) for piece in self._pieces]}

    def _chunks(self, response: HTTPResponse) -> Iterator[AudioChunk]:
        words: list[Word] = []
        rate = 0
        for name, data in events_of(response):
            if name == "start":
                rate = data["sample_rate"]
            elif name == "word":
                words.append(_word(data))
            elif name == "audio":
                samples = np.frombuffer(b64decode(data["audio"]), "<i2").astype(np.float32) / np.float32(FULL_SCALE)
                yield AudioChunk(samples, rate, tuple(words))
                words = []
            elif name == "error":
                raise _later_error(data)
            elif name == "done":
                if words:
                    yield AudioChunk(np.zeros(0, np.float32), rate, tuple(words))
                return
        raise HTTPException("the stream ended before the speech did")


def written_piece(piece: Piece) -> object:
    """As JSON has it: a pause is its seconds."""
    if isinstance(piece, Pause):
        return piece.seconds
    return [piece.written, piece.spoken, piece.start, piece.stop]


def _word(data: EventData) -> Word:
    estimated = data.get("estimated", False)
    return Word(data["word"], data["start_s"], data["stop_s"], data["from"], data["to"], estimated)


def error_of(status: int, headers: Message, body: bytes) -> SpeechError:
    """A refusal as the error that it was there."""
    told = refusal(status, body)
    again_s = headers.get("Retry-After", "")
    retry_after_s = float(again_s) if again_s.isdecimal() else None
    if status == 429:
        return QueueFull(told.message, retry_after_s=retry_after_s)
    kind = OF_STATUS.get(status, Unavailable)
    return kind(told.message, param=told.param, code=told.code, retry_after_s=retry_after_s)


def _later_error(data: EventData) -> SpeechError:
    """What went wrong after the headers had left."""
    told = refusal(200, json.dumps(data).encode())
    kind = InvalidRequest if told.code in OF_THE_TEXT else EngineFailed if told.code in OF_THE_MODEL else Unavailable
    return kind(told.message, code=told.code, retry_after_s=data.get("retry_after_s"))
