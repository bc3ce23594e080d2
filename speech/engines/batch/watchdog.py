"""Notices that what should take milliseconds does not end. Knows no model.

with watchdog:
    ...        # longer than limit_s: bark() is called, once, on the watchdog's thread
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Watchdog:
    """Watches one thread. Sleeps as long as that thread does nothing for long: it looks once a limit."""

    def __init__(self, limit_s: float, bark: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        """limit_s: more than 0."""
        self.limit_s, self._bark, self._clock = limit_s, bark, clock
        self.barked = False
        self._since: float | None = None  # when the block under way was entered
        self._entered, self._closed = threading.Event(), threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def __enter__(self) -> None:
        self._since = self._clock()
        self._entered.set()

    def __exit__(self, *_: object) -> None:
        self._since = None

    def close(self) -> None:
        """Watch no more."""
        self._closed.set()
        self._entered.set()

    def _watch(self) -> None:
        while not self._closed.is_set():
            since = self._since
            if since is None:
                self._entered.clear()
                if self._since is None:  # entered between the two lines: not to be slept over
                    self._entered.wait()
            elif (left_s := since + self.limit_s - self._clock()) > 0:
                self._closed.wait(left_s)
            else:
                self.barked = True
                self._bark()
                return
