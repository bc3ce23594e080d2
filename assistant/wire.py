"""Keeps standard output for the protocol (Wire): all else that is printed goes to stderr."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_OUT, _ERR = 1, 2


class Wire:
    """From `Wire()` on file descriptor 1 is standard error, save while `open` lasts.

    Descriptors, because C libraries and children print too. While the server runs, the SDK itself keeps fd 1 clean;
    this covers what comes before and after: imports, and what still sits in a buffer when the process ends.
    """

    def __init__(self) -> None:
        self._wire = os.dup(_OUT)
        self._divert()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Standard output is what the host reads, for as long as the block runs."""
        os.dup2(self._wire, _OUT)
        try:
            yield
        finally:
            self._divert()

    def _divert(self) -> None:
        try:
            os.dup2(_ERR, _OUT)
        except OSError:  # the host closed standard error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _OUT)
            os.close(nowhere)
