"""Answers that were sent whole, to be sent again at once (CACHE_MB): for assistants that say the same all day.

With keys each key has its own: what one has said says nothing to another, not even by how fast it comes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from flask import Response, current_app, g, request

from speech.request import SpeechRequest
from speech.session import Speech
from web.http.context import speech_service

HEADER = "X-Cache"
LARGEST = 1 / 16  # of all the room: a longer answer is not kept
OVERHEAD = 2_000  # bytes that an answer takes beside its own
NOT_KEPT = frozenset({"X-Request-Id", "Content-Length", HEADER})
MB = 1_000_000


@dataclass(frozen=True)
class Answer:
    data: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        return len(self.data) + OVERHEAD


@dataclass
class Finished:
    """Answers by key, as many as fit; the one that was not asked for longest goes first. Thread safe."""

    most_bytes: int
    _answers: OrderedDict[str, Answer] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    used_bytes: int = 0

    def get(self, key: str) -> Answer | None:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: str, answer: Answer) -> None:
        """Nothing happens if it is too large."""
        if not self.takes(answer.size):
            return
        with self._lock:
            if old := self._answers.pop(key, None):
                self.used_bytes -= old.size
            self._answers[key] = answer
            self.used_bytes += answer.size
            while self.used_bytes > self.most_bytes:
                self.used_bytes -= self._answers.popitem(last=False)[1].size

    def takes(self, size: int) -> bool:
        return size <= self.most_bytes * LARGEST


def key_of(asked: SpeechRequest, *more: object) -> str | None:
    """Under which the answer is kept; None: it is not. more: what it depends on beside the speech.

    Raises InvalidRequest, VoiceNotFound.
    """
    if not _finished().most_bytes or request.cache_control.no_store:
        return None
    known = speech_service().fingerprint(asked)
    return known and "\n".join((str(g.get("key_name") or ""), known, repr(more)))


def found(key: str | None) -> Response | None:
    """The answer that is kept. A client that sends `Cache-Control: no-cache` gets a new one."""
    answer = None if key is None or request.cache_control.no_cache else _finished().get(key)
    if answer is None:
        return None
    speech_service().metrics.cached("hit")
    return Response(answer.data, headers=answer.headers | {HEADER: "hit"})


def kept(key: str | None, speech: Speech, response: Response) -> Response:
    """The response to the speech, which is kept when all of it was sent."""
    if key is None:
        return response
    speech_service().metrics.cached("miss")
    headers = {name: value for name, value in response.headers.items() if name not in NOT_KEPT}
    response.response = _Kept(cast(Iterable[bytes], response.response), key, speech, headers, _finished())
    response.headers[HEADER] = "miss"
    return response


class _Kept:
    """The body of a response, which the server closes; collected on its way."""

    def __init__(
        self, body: Iterable[bytes], key: str, speech: Speech, headers: dict[str, str], finished: Finished
    ) -> None:
        self._body, self._key, self._speech, self._headers, self._finished = body, key, speech, headers, finished

    def __iter__(self) -> Iterator[bytes]:
        parts: list[bytes] = []
        size, fits = OVERHEAD, True
        for data in self._body:
            size += len(data)
            fits = fits and self._finished.takes(size)
            if fits:
                parts.append(data)
            else:
                parts.clear()
            yield data
        if fits and self._speech.complete:
            self._finished.put(self._key, Answer(b"".join(parts), self._headers))

    def close(self) -> None:
        self._body.close()  # type: ignore[attr-defined]


def _finished() -> Finished:
    return cast(Finished, current_app.extensions["finished"])
