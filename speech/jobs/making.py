"""Files that take long to make (Making): each is made once at a time, and goes on when the one who asked leaves.

A request waits for a while only: a proxy would not wait longer. It is told to ask again, and finds the file then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

from speech.errors import ErrorCode, Unavailable

PATIENCE_S = 30.0  # nginx and most proxies wait for 60 s
AGAIN_S = 2.0
AT_ONCE = 4  # others wait for these


class Making:
    """Every method may be called from any thread."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._under_way: dict[Path, Future[None]] = {}

    def make(self, path: Path, work: Callable[[], None]) -> None:
        """Have `work` make the file, unless another call has it made now. Raises what `work` raises, and Unavailable
        when it takes too long: ask again."""
        with self._lock:
            made = self._under_way.get(path) or self._begin(path, work)
        done, _ = wait([made], self._patience_s)
        if not done:
            message = "The file is being put together. Ask again."
            raise Unavailable(message, code=ErrorCode.FILE_IN_MAKING, retry_after_s=AGAIN_S)
        made.result()

    def _begin(self, path: Path, work: Callable[[], None]) -> Future[None]:
        made = self._under_way[path] = Future[None]()
        threading.Thread(target=self._work, args=(path, work, made), name="job-file", daemon=True).start()
        return made

    def _work(self, path: Path, work: Callable[[], None], made: Future[None]) -> None:
        failure: BaseException | None = None
        try:
            with self._room:
                work()
        except BaseException as error:
            failure = error
        with self._lock:
            del self._under_way[path]
        if failure is None:
            made.set_result(None)
        else:
            made.set_exception(failure)
