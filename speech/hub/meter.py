"""How far a long transfer has come and how long it will take: to the one who waits, and to the log."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from speech.progress import Progress

log = logging.getLogger("kyutai_tts.hub")

POLL_S = 0.5
LOG_EVERY_S = 5.0


class Meter:
    """How fast it goes and how long it will take, from the last half minute. Reads the clock it is given."""

    WINDOW_S = 30.0

    def __init__(self, total: float, clock: Callable[[], float]) -> None:
        """total: bytes."""
        self.total, self.done = total, 0.0
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()

    def update(self, done: float) -> None:
        now = self._clock()
        self.done = done
        self._seen.append((now, done))
        while now - self._seen[0][0] > self.WINDOW_S:
            self._seen.popleft()

    @property
    def seconds_left(self) -> float | None:
        """None while it does not move."""
        if not self._seen:
            return None
        (before, had), (now, has) = self._seen[0], self._seen[-1]
        return (self.total - has) * (now - before) / (has - had) if has > had else None

    @property
    def left(self) -> str:
        """The same as words to append, or nothing."""
        seconds = self.seconds_left
        return "" if seconds is None else f", about {seconds:.0f} s left"


@contextmanager
def watched(
    doing: str, here: Callable[[], int], total: int, progress: Progress, clock: Callable[[], float]
) -> Iterator[None]:
    """Report while the block runs how much of it is here, from a thread that lives no longer than the block.

    doing: what people read. here(): bytes so far.
    """
    meter, over = Meter(total, clock), threading.Event()

    def watch() -> None:
        logged = clock()
        while not over.wait(POLL_S):
            meter.update(here())
            progress(doing, meter.done, total, meter.seconds_left)
            if clock() - logged >= LOG_EVERY_S:
                logged = clock()
                log.info("%s: %s of %s%s", doing, size_text(meter.done), size_text(total), meter.left)

    meter.update(here())
    progress(doing, meter.done, total, None)
    thread = threading.Thread(target=watch, name="download-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    progress(doing, total, total, 0.0)


def size_text(count: float) -> str:
    """Bytes as people read them."""
    for unit, name, digits in ((1e9, "GB", 2), (1e6, "MB", 1), (1e3, "kB", 1)):
        if count >= unit:
            return f"{count / unit:.{digits}f} {name}"
    return f"{count:.0f} bytes"
