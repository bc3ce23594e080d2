"""Where audio may be written, and how it is: nothing outside the folders, nothing half, nothing left behind.

A relative path means the output folder, never the folder that the process happens to run in. Absolute paths are
taken within the output folder and the folders that were allowed by the settings.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from urllib.parse import quote

FORMATS = {  # ending -> media type
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "aac": "audio/aac",
}
URI = "kyutai-tts://audio/"
_ENDINGS = ", ".join(f".{ending}" for ending in FORMATS)


class ListedFile(NamedTuple):
    """An audio file in the output folder, as a client lists it."""

    uri: str
    name: str
    media_type: str
    size_bytes: int


class BadPath(Exception):
    """That path cannot be written to; the message says what can."""


class OutputFiles:
    MOST_LISTED = 100  # of the files that were written; older ones are still there, and can be read by their names

    def __init__(self, folder: Path, allowed: Sequence[Path] = ()) -> None:
        self._folder, self._allowed = folder, (folder, *allowed)
        self._written: deque[Path] = deque(maxlen=self.MOST_LISTED)  # oldest first

    def target(self, asked: str | None, overwrite: bool) -> Path:
        """The file that a caller means, absolute; None: a new name in the output folder. Raises BadPath.

        To be asked before any work is done. Makes the folders below the output folder, and nothing else.
        """
        try:
            target = self._resolve(asked or _new_name())
            _check(target, overwrite)
        except (OSError, RuntimeError, ValueError) as error:
            raise BadPath(f"output_path cannot be used: {error}.") from None
        return target

    def write(self, target: Path, data: Iterable[bytes], overwrite: bool) -> None:
        """Write the whole file, given in pieces, or nothing. Raises BadPath, and what `data` raises."""
        temporary = target.parent / f".kyutai-tts-{token_hex(8)}.part"
        try:
            with temporary.open("xb") as file:
                file.writelines(data)
                file.flush()
                os.fsync(file.fileno())
            if overwrite:
                temporary.replace(target)  # replaces a link itself, never what it points to
            else:
                os.link(temporary, target)  # fails if it exists, so that two writers cannot both succeed
        except FileExistsError:
            raise _exists(target) from None
        except OSError as error:
            raise BadPath(f"{target} could not be written: {error.strerror}.") from None
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._written.append(target)

    def listed(self) -> list[ListedFile]:
        """The files that this process wrote, newest first: those that are still there and that `read` serves."""
        found = []
        for path in dict.fromkeys(reversed(tuple(self._written))):
            with suppress(OSError):
                uri, size = self.uri(path), path.stat(follow_symlinks=False).st_size
                if uri is not None and not path.is_symlink():
                    found.append(ListedFile(uri, path.name, media_type(path), size))
        return found

    def uri(self, path: Path) -> str | None:
        """The resource for a file in the output folder; None for what is not served: files elsewhere, and X.WAV."""
        folder = self._folder.resolve()
        served = path.is_relative_to(folder) and path.suffix[1:] in FORMATS
        return URI + quote(path.relative_to(folder).as_posix()) if served else None

    def read(self, name: str) -> bytes | None:
        """A file in the output folder, by its path there; None if there is none."""
        try:
            path = self._resolve(name, make=False)
            served = path.is_relative_to(self._folder.resolve()) and path.is_file() and not path.is_symlink()
            return path.read_bytes() if served else None
        except (BadPath, OSError, RuntimeError, ValueError):
            return None

    # -- inside -------------------------------------------------------------------------------------------------

    def _resolve(self, asked: str, make: bool = True) -> Path:
        """Absolute and inside. The folder's own links are followed before it is judged, the last part's are not."""
        path = _path(asked)
        if path.is_absolute():
            target = path.parent.resolve() / path.name
            if not any(target.is_relative_to(folder.resolve()) for folder in self._allowed):
                raise self._outside(target)
        else:
            folder = self._folder.resolve()
            target = (folder / path.parent).resolve() / path.name
            if not target.is_relative_to(folder):
                raise self._outside(target)
        if make and target.is_relative_to(self._folder.resolve()):
            target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _outside(self, target: Path) -> BadPath:
        folders = ", ".join(str(folder) for folder in self._allowed)
        return BadPath(
            f"{target} is outside the folders that may be written to: {folders}. Give a plain file name such as "
            "hello.wav, or ask the user to add the folder to KYUTAI_TTS_ALLOWED_DIRS."
        )


def media_type(path: Path) -> str:
    return FORMATS[format_of(path)]


def format_of(path: Path) -> str:
    return path.suffix[1:].lower()


def _path(asked: str) -> Path:
    """As it was asked for, if it can be the path of an audio file."""
    if not asked.isprintable():
        raise BadPath("output_path has characters that cannot be printed.")
    if "://" in asked or (os.sep == "/" and "\\" in asked):
        raise BadPath("output_path must be a path of this machine, such as hello.wav: no URI, no backslash.")
    path = Path(asked).expanduser()
    if path.suffix[1:].lower() not in FORMATS:
        raise BadPath(f"output_path must end in one of {_ENDINGS}: the ending chooses the format.")
    if not path.stem.strip("."):
        raise BadPath("output_path must have a name before its ending.")
    return path


def _check(target: Path, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise BadPath(f"The folder {target.parent} does not exist.")
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise BadPath(f"{target} is not a regular file. Choose another name.")
    if target.exists() and not overwrite:
        raise _exists(target)
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise BadPath(f"The folder {target.parent} cannot be written to.")


def _exists(target: Path) -> BadPath:
    return BadPath(f"{target} already exists. Choose another name, or pass overwrite=true.")


def _new_name() -> str:
    return f"speech-{datetime.now():%Y%m%d-%H%M%S}-{token_hex(3)}.wav"
