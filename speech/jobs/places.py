"""Where passages of jobs are said: here, in slots that no request waits for (Here), or elsewhere (workers.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from speech.request import AudioChunk, Piece, SpeechRequest
from speech.service import SpeechService

THREADS = 4  # passages at once, where they are said here


class Saying(Protocol):
    """One passage that is being said: a Speech, or one of another instance."""

    def say(self, *pieces: Piece) -> None: ...
    def end(self) -> None: ...
    def chunks(self) -> Iterator[AudioChunk]: ...
    def cancel(self) -> None: ...


class Place(Protocol):
    """Room for one passage."""

    def open(self, request: SpeechRequest) -> AbstractContextManager[Saying]:
        """Raises SpeechError. May be used again: a passage may be said twice."""

    def leave(self) -> None:
        """The passage was said, or none was there. Must be called once."""


class Places(Protocol):
    most: int  # passages at once, at any time

    @property
    def obstacle(self) -> str:
        """Why nothing can be said for now; empty if something can, or soon."""

    def look(self) -> None:
        """Ask what must be asked before a `claim`; may take seconds."""

    def claim(self, speaking: int) -> Place | None:
        """Room for one more passage, if there is any now. Never waits. speaking: how many are being said."""


class Here:
    """This service's engine: one slot stays free, and nothing begins while a request waits."""

    most = THREADS
    obstacle = ""

    def __init__(self, service: SpeechService) -> None:
        self._service = service

    def look(self) -> None:
        """The engine's figures are at hand."""

    def claim(self, speaking: int) -> Place | None:
        return self if self._slot_is_free(speaking) else None

    @contextmanager
    def open(self, request: SpeechRequest) -> Iterator[Saying]:
        with self._service.open(request) as speech:
            speech.be_patient()
            yield speech

    def leave(self) -> None:
        """The engine counts its slots itself."""

    def _slot_is_free(self, speaking: int) -> bool:
        if self._service.manager.peek() is None:
            return not speaking  # the first one loads the engine
        status = self._service.engine_status()
        most = min(max(1, status.slots_total - 1), status.at_once or status.slots_total)
        used = max(status.slots_used, speaking)
        return not status.queue_depth and speaking < most and used < max(1, status.slots_total - 1)
