"""How many threads may wait for request bodies at once. A body that is here already is read without waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from werkzeug.exceptions import ServiceUnavailable

MOST_WAITING = 16
RETRY_AFTER_S = 5
SLOWEST_BYTES_PER_S = 32_000  # a body that comes more slowly than this from beginning to end is not waited for

# The server sets it: the whole body of the request that this thread handles had arrived when the request was taken up.
body_is_here: ContextVar[bool] = ContextVar("body_is_here", default=False)


class BodyReaders:
    """Bounds the threads that wait for slow or long bodies, so that slow clients cannot take them all."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around the reading of a body. Raises ServiceUnavailable when as many threads as may wait for theirs."""
        if body_is_here.get():
            yield
            return
        if not self._free.acquire(blocking=False):
            raise ServiceUnavailable("Too many long requests are being received.", retry_after=RETRY_AFTER_S)
        try:
            yield
        finally:
            self._free.release()
