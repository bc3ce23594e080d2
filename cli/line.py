"""The one line on the terminal that says how far it is (Line)."""

from __future__ import annotations

import shutil
from typing import TextIO

_ANEW = "\r\x1b[K"  # to the beginning of the line, and empty it


class Line:
    """Nothing is shown where the stream is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._on = stream, stream.isatty()
        self._shown = False

    def show(self, text: str) -> None:
        if self._on:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(_ANEW + text[:width])
            self._stream.flush()
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            self._stream.write(_ANEW)
            self._stream.flush()
            self._shown = False
