"""GET /api/stream: what moshi.py does, in JSON, for clients that are written for this service (docs/streaming.md).

In: start, then text cut anywhere, flush, end. Out: ready, audio as binary messages, word, progress, done or error.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from wsproto.frame_protocol import CloseReason

from speech.encoders.base import Encoder
from speech.errors import Cancelled, ErrorCode, InvalidRequest, QueueFull, SpeechError, Unavailable
from speech.request import Piece, Samples, SpeechRequest, Word
from speech.service import SpeechService
from speech.session import Speech
from speech.text.markup.feed import PARAGRAPH
from web.http.auth import caller
from web.http.context import speech_service
from web.http.describe import Access, access
from web.http.errors import event_of, status_of
from web.http.explain import explain
from web.http.forms import ReadingForm, Text
from web.http.requests import log_speech
from web.http.warnings import warnings_of
from web.sockets.talk import Dialect, Messages, Talk, converse, limits, see_off, served
from web.sockets.upgrade import Upgrade
from web.sockets.websocket import Ending, WebSocket

blueprint = Blueprint("live", __name__)

PROGRESS_S = 1.0
OURS = 500
UNSTARTED: dict[Ending | None, CloseReason] = {  # how a socket is closed that ended before its first message
    Ending.BAD_FRAME: CloseReason.PROTOCOL_ERROR,
    Ending.TOO_MANY_FRAMES: CloseReason.POLICY_VIOLATION,
}
MOST_NOT_STARTED = 16  # such connections hold no slot, but a thread each of those that the server has to spare
_not_started = threading.BoundedSemaphore(MOST_NOT_STARTED)


class Start(ReadingForm):
    """The first message. Its fields are those of POST /api/tts; the text comes later."""

    type: Literal["start"]

    def speech_request(self) -> SpeechRequest:
        return SpeechRequest(**self.model_dump(exclude={"type"}), caller=caller())


class More(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: Text


class Flush(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["flush"]


class End(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["end"]


ClientMessage = Start | More | Flush | End
_MESSAGE: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])


def read(message: str | bytes) -> ClientMessage:
    """A message from the client. Raises InvalidRequest that says what is wrong with it."""
    if isinstance(message, bytes):
        raise InvalidRequest("Messages are JSON in text frames; this one was binary.", code=ErrorCode.BAD_MESSAGE)
    try:
        return _MESSAGE.validate_json(message)
    except ValidationError as error:
        raise explain(error, _MESSAGE, outer=1) from None


class JsonDialect(Dialect):
    """The protocol on an open socket, once it has been told to start."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._reader = speech.reader()
        self._unflushed = False  # words came since the last flush
        self._encoder: Encoder = speech.encoder()
        self._words = 0
        self._progress_at = time.monotonic() + PROGRESS_S

    # -- in ---------------------------------------------------------------------------------------------------------

    def hear(self, message: str | bytes, talk: Talk) -> None:
        heard = read(message)
        if isinstance(heard, More):
            pieces = self._reader.feed(heard.text)
            self._unflushed |= bool(pieces)
            talk.say(heard.text, pieces)
        elif isinstance(heard, Flush):
            self._flush(talk)
        elif isinstance(heard, End):
            talk.end()
        else:
            raise InvalidRequest("The talk was started already.", code=ErrorCode.BAD_MESSAGE)

    def _flush(self, talk: Talk) -> None:
        """What is there is spoken now, as a sentence of its own."""
        pieces = self._reader.flush()
        if pieces or self._unflushed:
            talk.say("", [*pieces, PARAGRAPH])
        self._unflushed = False

    def held_back(self) -> list[Piece]:
        return self._reader.flush()

    def rested(self) -> list[Piece]:
        return self._reader.nudge()

    # -- out --------------------------------------------------------------------------------------------------------

    def greeting(self) -> Messages:
        speech = self._speech
        yield _json(
            "ready",
            engine=speech.engine.name,
            voice=speech.voice.id,
            format=speech.request.format,
            media_type=speech.media_type,
            sample_rate=speech.encoded_rate,
            model_loaded=speech.loaded,
            ignored=list(speech.ignored),
        )

    def sound(self, samples: Samples) -> Iterator[str | bytes]:
        if data := self._encoder.encode(samples):
            yield data
        if time.monotonic() >= self._progress_at:
            self._progress_at = time.monotonic() + PROGRESS_S
            yield _json("progress", words_done=self._words, **self._figures())

    def last_sound(self) -> Iterator[bytes]:
        if data := self._encoder.flush():
            yield data

    def word(self, word: Word) -> Iterator[str]:
        assert word.stop_s is not None
        index = self._speech.counts.index(word)
        self._words = index + 1
        about: dict[str, Any] = {"estimated": True} if word.estimated else {}
        times = {"start_s": round(word.start_s, 3), "stop_s": round(word.stop_s, 3)}
        yield _json("word", index=index, word=word.text, **times, **about)

    def queued(self, position: int) -> Messages:
        return [_json("queued", position=position)]

    def done(self) -> Messages:
        first_s = self._speech.first_audio_s
        first_audio_s = None if first_s is None else round(first_s, 3)
        return [
            _json(
                "done",
                words=self._speech.counts.words_total,
                **self._figures(),
                first_audio_s=first_audio_s,
                warnings=warnings_of(self._speech),
            )
        ]

    def failed(self, error: SpeechError) -> Messages:
        return [_failure(error)]

    def close_code(self, error: SpeechError | None) -> CloseReason:
        return CloseReason.NORMAL_CLOSURE if error is None else _close_code(error)

    def close(self) -> None:
        self._encoder.close()

    def _figures(self) -> dict[str, Any]:
        speech = self._speech
        return {
            "audio_s": round(speech.seconds, 3),
            "elapsed_s": round(time.monotonic() - speech.opened_at, 3),
            "pace": None if speech.pace is None else round(speech.pace, 3),
        }


def _json(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


def _failure(error: SpeechError) -> str:
    return _json("error", **event_of(error))


def _close_code(error: SpeechError) -> CloseReason:
    if isinstance(error, QueueFull | Unavailable):
        return CloseReason.TRY_AGAIN_LATER
    if isinstance(error, Cancelled):
        return CloseReason.GOING_AWAY
    return CloseReason.INTERNAL_ERROR if status_of(error) >= OURS else CloseReason.POLICY_VIOLATION


@blueprint.get("/api/stream", websocket=True)
@access(Access.SPEAKS)
def stream() -> Response:
    """The WebSocket."""
    upgrade = Upgrade(request.environ)
    service = speech_service()

    def serve() -> None:
        with upgrade.accept(limits(service.settings)) as socket:
            _serve(service, socket)

    return served(serve)


def _serve(service: SpeechService, socket: WebSocket) -> None:
    with ExitStack() as held:
        try:
            first = _first_message(service, socket)
            if first is None:
                socket.close(UNSTARTED.get(socket.ending, CloseReason.GOING_AWAY))
                return
            speech = _open(service, first)
            held.callback(log_speech(speech, service.settings.log_text))
            held.enter_context(speech)
        except SpeechError as error:
            see_off(socket, [_failure(error)], _close_code(error))
            return
        converse(service, socket, speech, JsonDialect(speech))


def _first_message(service: SpeechService, socket: WebSocket) -> str | bytes | None:
    """None if it does not come. Raises QueueFull if too many others wait for theirs: threads are not without number."""
    if not _not_started.acquire(blocking=False):
        raise QueueFull("Too many connections are open on which nothing was started.", retry_after_s=1)
    try:
        with service.when_draining(lambda: socket.call(partial(socket.close, CloseReason.TRY_AGAIN_LATER))):
            return socket.receive(within_s=service.settings.silence_timeout)
    finally:
        _not_started.release()


def _open(service: SpeechService, message: str | bytes) -> Speech:
    start = read(message)
    if not isinstance(start, Start):
        raise InvalidRequest("The first message must be start.", param="type", code=ErrorCode.BAD_MESSAGE)
    return service.open(start.speech_request())
