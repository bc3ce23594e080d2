"""Where the audio of `say` goes: a sink takes it as it is made. Players are in players.py."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from errno import EBADF
from pathlib import Path
from secrets import token_hex
from typing import IO

import numpy as np

from cli.buffer import Sound
from cli.endings import Ended, Exit
from speech.encoders import make_encoder
from speech.encoders.base import Encoder


class Sink(ABC):
    """write ... write, then finish; or abort at any time. Each may raise Ended."""

    @abstractmethod
    def write(self, sound: Sound) -> None: ...

    @abstractmethod
    def finish(self) -> None:
        """All was written."""

    @abstractmethod
    def abort(self) -> None:
        """It ends early, or after `finish`: leave nothing behind. Raises nothing."""

    def idle(self) -> None:  # noqa: B027 - most have nothing to do
        """Nothing came for a moment."""


class FileSink(Sink):
    """A file of a format: written beside its place and put there when it is whole.

    What is there and no plain file (a device, a named pipe, standard output as -) is written as it comes.
    """

    def __init__(self, name: str, format: str) -> None:
        """Raises Ended when it cannot be written."""
        self._name, self._format = name, format
        self._target: Path | None = None  # where `_part` goes when it is whole
        self._part: Path | None = None
        self._encoder: Encoder | None = None
        try:
            self._file = self._open()
        except OSError as error:
            raise self._failed(error) from None

    def write(self, sound: Sound) -> None:
        try:
            if self._encoder is None:
                self._encoder = make_encoder(self._format, sound.sample_rate, file=self._file if self._part else None)
            samples = np.frombuffer(sound.data, "<i2").astype(np.float32) / np.float32(32767)
            self._file.write(self._encoder.encode(samples))
        except OSError as error:
            raise self._failed(error) from None

    def finish(self) -> None:
        try:
            if self._encoder is not None:
                self._file.write(self._encoder.flush())
            self._file.flush()
            if self._part is not None and self._target is not None:
                os.fsync(self._file.fileno())
                self._part.replace(self._target)
        except OSError as error:
            raise self._failed(error) from None

    def abort(self) -> None:
        if self._encoder is not None:
            with suppress(OSError):
                self._encoder.close()
        with suppress(OSError):
            self._file.close()
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _open(self) -> IO[bytes]:
        if self._name == "-":
            if sys.stdout is None:
                raise OSError(EBADF, "it is closed")
            return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        path = Path(self._name)
        if path.exists() and not path.is_file() and not path.is_dir():
            return path.open("wb")
        self._target = path.resolve()  # a link stays a link
        if self._target.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        self._part = self._target.with_name(f".{self._target.name[:100]}.{token_hex(4)}.part")
        return self._part.open("x+b")

    def _failed(self, error: OSError) -> Ended:
        name = "Standard output" if self._name == "-" else self._name
        return Ended(Exit.NOT_WRITTEN, f"{name} could not be written: {error.strerror or error}.")
