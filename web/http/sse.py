"""Speech -> server-sent events: audio, words and progress in one response; while one waits, why.

Headers leave as soon as the engine has taken the speech in, or has begun to load: what comes later is an `error` event.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from flask import Response

from speech.encoders.base import Encoder
from speech.errors import SpeechError
from speech.opening import Opening
from speech.request import AudioChunk, Word
from speech.session import Speech
from web.http import errors
from web.http.audio import Body, answer
from web.http.requests import request_id
from web.http.warnings import warnings_of

Event = tuple[str, dict[str, Any]]  # its name, its data

LOOK_S = 0.5  # how often the one who waits is told of a change
KEEP_ALIVE_S = 10.0  # a proxy may cut a connection that is silent for half a minute
PROGRESS_S = 1.0
EVENT_STREAM = {"Content-Type": "text/event-stream"}
KEEP_ALIVE = b": waiting\n\n"


def event_response(speech: Speech) -> Response:
    """Answer with our own events. Raises what is known to be wrong before the headers leave."""

    def begin(held: ExitStack) -> Body:
        opening = held.enter_context(Opening(speech))
        opening.admitted()
        return _own(speech, opening, Events(speech, request_id())), EVENT_STREAM

    return answer(speech, begin)


def _own(speech: Speech, opening: Opening, events: Events) -> Iterator[bytes]:
    try:
        for event in _waiting(speech, opening):
            yield _line(event) if event else KEEP_ALIVE
        opening.result()
        yield from map(_line, events.speaking())
    except SpeechError as error:
        yield _line(("error", errors.event_of(error)))


def _line(event: Event) -> bytes:
    name, data = event
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


# -- before the first audio -----------------------------------------------------------------------------------------


def _waiting(speech: Speech, opening: Opening, clock: Callable[[], float] = time.monotonic) -> Iterator[Event | None]:
    """What is waited for, at once and whenever it changes; None when there has long been nothing to tell."""
    told: Event | None = None
    told_at = clock()
    while True:
        now = _situation(speech)
        if now != told:
            told, told_at = now, clock()
            yield told
        elif clock() - told_at >= KEEP_ALIVE_S:
            told_at = clock()
            yield None
        if opening.wait(LOOK_S):
            return


def _situation(speech: Speech) -> Event:
    if loading := speech.loading:
        data = {
            "doing": loading.doing,
            "loaded_bytes": int(loading.done),
            "total_bytes": int(loading.total) or None,
            "seconds": round(loading.seconds, 1),
            "seconds_left": None if loading.seconds_left is None else round(loading.seconds_left, 1),
        }
        return "loading", data
    return "queued", {"position": speech.queue_position or 0}


# -- the speech -----------------------------------------------------------------------------------------------------


class Events:
    """The events of one speech from its first audio on, as (name, data)."""

    def __init__(self, speech: Speech, request_id: str) -> None:
        self._speech, self._request_id = speech, request_id
        self._words = 0
        self._progress_at = time.monotonic() + PROGRESS_S

    def speaking(self) -> Iterator[Event]:
        """start, then audio, and words with their times as they are known, then done. Raises SpeechError midway."""
        encoder = self._speech.encoder()
        try:
            yield "start", self._start()
            for chunk in self._speech.chunks():
                yield from self._chunk(chunk, encoder)
            yield from self._audio(encoder.flush())
        finally:
            encoder.close()
        self._words = self._speech.counts.words_total
        yield "progress", self._progress()
        yield "done", self._done()

    def _chunk(self, chunk: AudioChunk, encoder: Encoder) -> Iterator[Event]:
        for word in chunk.words:
            yield "word", self._word(word)
        yield from self._audio(encoder.encode(chunk.samples))
        if time.monotonic() >= self._progress_at:
            self._progress_at = time.monotonic() + PROGRESS_S
            yield "progress", self._progress()

    def _audio(self, data: bytes) -> Iterator[Event]:
        if data:
            yield "audio", {"audio": b64encode(data).decode(), "audio_s": round(self._speech.seconds, 3)}

    def _start(self) -> dict[str, Any]:
        speech = self._speech
        return {
            "request_id": self._request_id,
            "engine": speech.engine.name,
            "voice": speech.voice.id,
            "sample_rate": speech.encoded_rate,
            "format": speech.request.format,
            "media_type": speech.media_type,
            "words_total": speech.counts.words_total,
            "ignored": list(speech.ignored),
            "warnings": warnings_of(speech),
        }

    def _word(self, word: Word) -> dict[str, Any]:
        assert word.stop_s is not None
        index = self._speech.counts.index(word)
        self._words = index + 1
        return {
            "index": index,
            "word": word.text,
            "start_s": round(word.start_s, 3),
            "stop_s": round(word.stop_s, 3),
            "from": word.start,
            "to": word.stop,
            **({"estimated": True} if word.estimated else {}),
        }

    def _progress(self) -> dict[str, Any]:
        speech = self._speech
        return {
            "words_done": self._words,
            "words_total": speech.counts.words_total,
            "audio_s": round(speech.seconds, 3),
            "elapsed_s": self._elapsed_s(),
            "pace": _rounded(speech.pace),
        }

    def _done(self) -> dict[str, Any]:
        speech = self._speech
        return {
            "audio_s": round(speech.seconds, 3),
            "words": self._words,
            "elapsed_s": self._elapsed_s(),
            "first_audio_s": _rounded(speech.first_audio_s),
            "pace": _rounded(speech.pace),
        }

    def _elapsed_s(self) -> float:
        return round(time.monotonic() - self._speech.opened_at, 3)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
