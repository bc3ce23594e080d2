"""Text -> audio in a Buffer (Speaking): asks who speaks, part by part, and again where the service has no place yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from assistant.doors import Doors, SpeechInProgress
from assistant.phase import phase
from cli.buffer import Buffer, Sound
from cli.feed import Feed
from cli.own_talk import OwnTalk
from cli.text import parts, turns
from speech.errors import Cancelled, SpeechError
from speech.remote.client import ServiceClient
from speech.remote.talk import RemoteTalk
from speech.request import SpeechRequest
from speech.service import SpeechService

AHEAD_S = 60.0  # of audio that nothing has played yet: more text is not asked for
MOST_WAIT_S = 600.0  # for a service that is busy

InProgress = TypeVar("InProgress", bound=SpeechInProgress)


class Speaking:
    """`whole` or `live` on one thread; `cancel`, `phase` and `share` from any."""

    def __init__(self, doors: Doors, request: SpeechRequest, buffer: Buffer, most_wait_s: float = MOST_WAIT_S) -> None:
        self._doors, self._request, self._buffer, self._most_wait_s = doors, request, buffer, most_wait_s
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._speech: SpeechInProgress | None = None
        self._waits = ""
        self._feed: Feed | None = None
        self._said_chars, self._part_chars, self._text_chars = 0, 0, 0

    def whole(self, text: str) -> None:
        """Say a text that is there. The buffer ends with it, or with what is raised."""
        self._text_chars = len(text)
        self._run(lambda: self._parts(text))

    def live(self, incoming: Iterator[str]) -> None:
        """Say a text as it comes. The buffer ends with it, or with what is raised."""
        feed = self._feed = Feed(turns(incoming))
        self._run(lambda: self._turns(feed))

    def cancel(self) -> None:
        """Stop in any phase; a slot is free before the engine's next step."""
        self._stopped.set()
        if self._feed is not None:
            self._feed.stop()
        with self._lock:
            if self._speech is not None:
                self._speech.cancel()

    def phase(self) -> str:
        """What is going on, for people who wait."""
        return self._waits or phase(self._speech)

    @property
    def share(self) -> float | None:
        """How much of a whole text was said, 0 to 1."""
        if not self._text_chars:
            return None
        speech = self._speech
        here = (speech.share or 0.0) if speech is not None else 0.0
        return (self._said_chars + here * self._part_chars) / self._text_chars

    # -- inside -------------------------------------------------------------------------------------------------

    def _run(self, say: Callable[[], None]) -> None:
        try:
            say()
        except BaseException as error:  # of any kind: the one who gets must hear it
            self._buffer.end(error)
        else:
            self._buffer.end()

    def _parts(self, text: str) -> None:
        for part in parts(text):
            if not self._buffer.wait_below(AHEAD_S):
                return
            self._part_chars = len(part)
            self._until_taken(partial(self._speak, replace(self._request, text=part)))
            self._said_chars += len(part)

    def _turns(self, feed: Feed) -> None:
        while feed.next_turn():
            self._until_taken(lambda: self._talk(feed))
            if not self._buffer.wait_below(AHEAD_S):
                return

    def _speak(self, request: SpeechRequest) -> Iterator[None]:
        with self._held(self._doors.choose().door.speak(request)) as speech:
            yield from self._hear(speech)

    def _talk(self, feed: Feed) -> Iterator[None]:
        with self._held(_talk_of(self._doors, self._request)) as talk:
            talk.open()
            feed.attach(talk)
            yield from self._hear(talk)

    def _hear(self, speech: SpeechInProgress) -> Iterator[None]:
        """Once for each piece of audio."""
        for data in speech.encoded():
            self._buffer.put(Sound(data, speech.sample_rate))
            yield

    def _held(self, speech: InProgress) -> InProgress:
        with self._lock:
            self._speech = speech
            if self._stopped.is_set():
                speech.cancel()
        return speech

    def _until_taken(self, attempt: Callable[[], Iterator[None]]) -> None:
        """Say it; where the service has no place, say it when told to come back. Raises SpeechError."""
        waited_s, heard = 0.0, False
        while True:
            try:
                for _ in attempt():
                    heard = True
                return
            except SpeechError as error:
                again_s = error.retry_after_s
                if heard or again_s is None or waited_s + again_s > self._most_wait_s:
                    raise
                self._wait(error, again_s)
                waited_s += again_s

    def _wait(self, error: SpeechError, again_s: float) -> None:
        self._waits = f"{error.message} Asking again in {again_s:.0f} s"
        if self._stopped.wait(again_s):
            raise Cancelled("It was stopped.")
        self._waits = ""


def _talk_of(doors: Doors, request: SpeechRequest) -> RemoteTalk | OwnTalk:
    door = doors.choose().door
    if isinstance(door, ServiceClient):
        return door.talk(request)
    assert isinstance(door, SpeechService)
    return OwnTalk(door, request)
