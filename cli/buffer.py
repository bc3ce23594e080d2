"""Audio between the thread that gets it and the one that plays it (Buffer)."""

from __future__ import annotations

import queue
import threading
from typing import NamedTuple


class Sound(NamedTuple):
    """Samples: 16 bits, mono."""

    data: bytes
    sample_rate: int  # Hz


class Buffer:
    """One thread puts, one gets. It holds what is there: the service must never wait for the one who listens."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Sound | BaseException | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._seconds = 0.0
        self._abandoned = False

    def put(self, sound: Sound) -> None:
        with self._changed:
            self._seconds += _seconds(sound)
        self._queue.put(sound)

    def end(self, error: BaseException | None = None) -> None:
        """No more will come."""
        self._queue.put(error)

    def get(self, timeout_s: float) -> Sound | None:
        """The next audio; None: that was all. Raises TimeoutError if none came, and what `end` was given."""
        try:
            found = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(found, BaseException):
            raise found
        if found is not None:
            with self._changed:
                self._seconds -= _seconds(found)
                self._changed.notify_all()
        return found

    def wait_below(self, seconds: float) -> bool:
        """Wait until less than that is held. False: it was abandoned."""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or self._seconds < seconds)
            return not self._abandoned

    def abandon(self) -> None:
        """The one who gets has ended."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()


def _seconds(sound: Sound) -> float:
    return len(sound.data) / 2 / sound.sample_rate
