"""A folder of voice embeddings that people fill by hand or by upload. Looks again when the folder has changed."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path

from speech.errors import NO_ROOM, ErrorCode, InvalidRequest, StorageFull, Unavailable

EMBEDDING = ".safetensors"
SIGNED = re.compile(r"\.[0-9a-f]{8}@\d+\.safetensors$")  # the name says for which checkpoint it was made
MB = 1_000_000
LONGEST_NAME = 48  # characters: with the suffix, and four bytes each, within the 255 bytes of a file's name
SETTLED_NS = 1_000_000_000  # a folder touched so shortly before a look may change again within one tick of its clock


class VoiceFolder:
    """Voices by id: the file's path in the folder, with slashes and without the embedding's suffix."""

    def __init__(self, folder: Path, quota_bytes: float = inf) -> None:
        """quota_bytes: nothing is stored that would make the whole folder larger; what people put there may."""
        self.folder, self._quota_bytes = folder, quota_bytes
        self._lock = threading.Lock()
        self._found: dict[str, Path] = {}
        self._suffix: str | None = None
        self._changed: dict[Path, int] | None = None  # when which folder was changed; None: look again

    def files(self, suffix: str) -> dict[str, Path]:
        """What is there now; suffix: that of files made for this checkpoint. Those of others are not shown."""
        with self._lock:
            if suffix != self._suffix or self._changed is None or self._changed != _times(self._changed):
                self._look(suffix)
            return self._found

    def store(self, name: str, data: bytes) -> str:
        """Write a file as a whole or not at all; the id.

        Raises InvalidRequest for a bad or a taken name, StorageFull for the quota or the disk, Unavailable if the
        folder cannot be written.
        """
        voice_id = safe_name(name)
        self.write(f"{voice_id}{EMBEDDING}", data, voice_id)
        return voice_id

    def write(self, file: str, data: bytes, voice_id: str) -> None:
        """Write a file of the folder, which may lie below it, as a whole or not at all. Raises as `store` does."""
        path = self.folder / file
        with self._lock:
            if path.exists():
                raise name_taken(voice_id)
            self._check_quota(len(data))
            try:
                _write(path, data)
            except OSError as error:
                raise self._not_stored(error) from None
            self._changed = None

    def _check_quota(self, more_bytes: int) -> None:
        used = sum((folder / name).stat().st_size for folder, names in _walk(self.folder) for name in names)
        if used + more_bytes > self._quota_bytes:
            raise StorageFull(
                f"The voice was not stored: the voices take {used / MB:.1f} MB already, and VOICES_QUOTA_MB allows "
                f"{self._quota_bytes / MB:g} MB."
            )

    def _not_stored(self, error: OSError) -> StorageFull | Unavailable:
        if error.errno in NO_ROOM:
            return StorageFull("The voice was not stored: the disk of VOICES_DIR is full.")
        return Unavailable(
            f"The voice was not stored: the folder VOICES_DIR={self.folder} cannot be written "
            f"({error.strerror or error}). Make it writable for the service, or name another folder."
        )

    def _look(self, suffix: str) -> None:
        looked_ns = time.time_ns()
        found, folders = {}, [self.folder]
        for folder, names in _walk(self.folder):
            folders.append(folder)
            for path in (folder / name for name in names):
                if voice_id := _voice_id(path.relative_to(self.folder).as_posix(), suffix):
                    found[voice_id] = path
        times = _times(folders)
        settled = all(looked_ns - changed > SETTLED_NS for changed in times.values())
        self._found, self._suffix, self._changed = found, suffix, times if settled else None


def identity_of(path: Path | None) -> str | None:
    """Of a voice's file, as VoiceCatalogue.identity has it. path: None for a voice that cannot change."""
    if path is None:
        return ""
    try:
        stat = path.stat()
    except OSError:
        return None
    settled = time.time_ns() - stat.st_mtime_ns > 2 * SETTLED_NS
    return f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}" if settled else None


def safe_name(name: str) -> str:
    """A name as people give it, fit for a file: letters, digits, _ and -. Raises InvalidRequest if none is left."""
    kept = SIGNED.sub("", name.strip()).removesuffix(EMBEDDING)
    kept = re.sub(r"[^\w-]+", "-", kept)[:LONGEST_NAME].strip("-_")
    if not kept:
        raise InvalidRequest("A voice's name needs at least one letter or digit.", param="name")
    return kept


def name_taken(voice_id: str) -> InvalidRequest:
    return InvalidRequest(f"There is a voice {voice_id!r} already.", param="name", code=ErrorCode.VOICE_EXISTS)


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder and its files by name; links are followed, but none in a circle."""
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        stat = os.stat(folder)
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(folder), sorted(names)


def _voice_id(name: str, suffix: str) -> str | None:
    """None for what is no embedding for this checkpoint."""
    if name.rpartition("/")[2].startswith(".") or not name.endswith(EMBEDDING):
        return None
    if name.endswith(suffix):
        return name.removesuffix(suffix)
    return None if SIGNED.search(name) else name.removesuffix(EMBEDDING)


def _times(folders: Iterable[Path]) -> dict[Path, int]:
    return {folder: _changed_ns(folder) for folder in folders}


def _changed_ns(folder: Path) -> int:
    """0 while it does not exist."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
