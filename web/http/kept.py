"""What files say, read again when they change (Kept). While they are broken, what they said before holds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger("kyutai_tts")

Value = TypeVar("Value")
Stamp = tuple[tuple[int, int, int, int] | None, ...]


class Kept(Generic[Value]):
    """Each look costs a stat of each file. It follows links, so that Kubernetes' swap of one counts as a change."""

    def __init__(self, setting: str, files: Sequence[Path], read: Callable[[], Value], instead: Value) -> None:
        """setting: what the log calls them. read raises OSError or ValueError.

        instead: what holds if they are broken now.
        """
        self._setting, self._files, self._read, self._value = setting, files, read, instead
        self._stamp: Stamp | None = None
        self._lock = threading.Lock()
        self.value()

    def value(self) -> Value:
        """What they say now, or said when they were last whole."""
        with self._lock:
            stamp = tuple(map(_stamp, self._files))
            if stamp != self._stamp:
                self._stamp = stamp
                self._look()
            return self._value

    def _look(self) -> None:
        try:
            self._value = self._read()
        except (OSError, ValueError) as error:
            log.error("%s cannot be used, what it held before still counts: %s", self._setting, error)


def _stamp(file: Path) -> tuple[int, int, int, int] | None:
    """Changes whenever the file does; None: it cannot be looked at."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
