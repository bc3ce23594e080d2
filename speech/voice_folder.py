"""A folder of voice embeddings that people fill by hand or by upload. Looks again when the folder has changed."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from pathlib import Path

from speech.request import EngineFailed, InvalidRequest

EMBEDDING = ".safetensors"
SIGNED = re.compile(r"\.[0-9a-f]{8}@\d+\.safetensors$")  # the name says for which checkpoint it was made
LONGEST_NAME = 48  # characters: with the suffix, and four bytes each, within the 255 bytes of a file's name
SETTLED_NS = 1_000_000_000  # a folder touched so shortly before a look may change again within one tick of its clock


class VoiceFolder:
    """Voices by id: the file's path in the folder, with slashes and without the embedding's suffix."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._found: dict[str, Path] = {}
        self._suffix: str | None = None
        self._touched: dict[Path, int] | None = None  # every folder in it and its time of change

    def files(self, suffix: str) -> dict[str, Path]:
        """What is there now; suffix: that of files made for this checkpoint. Those of others are not shown."""
        with self._lock:
            if suffix != self._suffix or self._touched is None or self._touched != _times(self._touched):
                self._suffix = suffix
                self._look(suffix)
            return self._found

    def store(self, name: str, data: bytes) -> str:
        """Write a file as a whole or not at all; the id. Raises InvalidRequest for a bad or a taken name."""
        voice_id = safe_name(name)
        path = self.folder / f"{voice_id}{EMBEDDING}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_new(path, data)
        except FileExistsError:
            raise name_taken(voice_id) from None
        except OSError as error:
            raise EngineFailed(f"The voice cannot be stored in VOICES_DIR: {error}") from None
        return voice_id

    def _look(self, suffix: str) -> None:
        looked_ns = time.time_ns()
        found, touched = {}, {}
        for place, folders, names in os.walk(self.folder, followlinks=True):
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            if Path(place).resolve() in {folder.resolve() for folder in touched}:  # a link in a circle
                folders.clear()
                continue
            touched[Path(place)] = 0
            for name in sorted(names):
                if voice_id := _voice_id(Path(place, name).relative_to(self.folder).as_posix(), suffix):
                    found[voice_id] = Path(place, name)
        times = _times(touched or {self.folder: 0})
        settled = all(looked_ns - changed > SETTLED_NS for changed in times.values())
        self._found, self._touched = found, times if settled else None


def safe_name(name: str) -> str:
    """A name as people give it, fit to be a file's name: letters, digits, _ and -. Raises InvalidRequest if none is left."""
    kept = SIGNED.sub("", name.strip()).removesuffix(EMBEDDING)
    kept = re.sub(r"[^\w-]+", "-", kept).strip("-_")[:LONGEST_NAME]
    if not kept:
        raise InvalidRequest("A voice's name needs at least one letter or digit.", param="name")
    return kept


def name_taken(voice_id: str) -> InvalidRequest:
    return InvalidRequest(f"There is a voice {voice_id!r} already.", param="name", code="voice_exists")


def _voice_id(name: str, suffix: str) -> str | None:
    """None for what is no embedding for this checkpoint."""
    if name.rpartition("/")[2].startswith(".") or not name.endswith(EMBEDDING):
        return None
    if name.endswith(suffix):
        return name.removesuffix(suffix)
    return None if SIGNED.search(name) else name.removesuffix(EMBEDDING)


def _times(folders: dict[Path, int]) -> dict[Path, int]:
    return {folder: _changed_ns(folder) for folder in folders}


def _changed_ns(folder: Path) -> int:
    """0 while it does not exist."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _write_new(path: Path, data: bytes) -> None:
    """Raises FileExistsError; a link, unlike a rename, never replaces."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        os.chmod(file.name, 0o644)
        os.link(file.name, path)
