"""Voices that were made from recordings: one file each, in the folder `made` of VOICES_DIR. Knows no model.

A file holds the model's state for the voice and, in its header, the name, the owner, the date and the model. Its suffix
keeps it out of the list of files that people put into VOICES_DIR; it counts towards VOICES_QUOTA_MB like those.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load
from safetensors.numpy import save as to_bytes

from speech.errors import Unavailable, VoiceNotFound
from speech.voices.folder import VoiceFolder, name_taken, safe_name

FOLDER, SUFFIX = "made", ".state"
LONGEST_NAME = 60  # characters
ID_BYTES = 4


@dataclass(frozen=True)
class Made:
    """What the header of a file tells."""

    id: str
    name: str
    owner: str  # the name of a key; empty where none was needed
    model: str
    made_at: float  # seconds since 1970
    path: Path


class MadeVoices:
    """Every method may be called from any thread."""

    def __init__(self, folder: VoiceFolder) -> None:
        """folder: VOICES_DIR, whose quota counts."""
        self._folder, self._place = folder, folder.folder / FOLDER
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[int, Made | None]] = {}  # None: a file that is none of ours

    def all(self) -> list[Made]:
        """The oldest first. Files are read when they have changed."""
        with self._lock:
            now = {path: path.stat().st_mtime_ns for path in self._files()}
            self._known = {path: self._read(path, changed) for path, changed in now.items()}
            found = [made for _, made in self._known.values() if made is not None]
        return sorted(found, key=lambda made: (made.made_at, made.id))

    def store(self, name: str, owner: str, model: str, state: bytes) -> Made:
        """state: a file of safetensors; its header is written anew.

        Raises InvalidRequest for a bad name or one that this owner has already, StorageFull or Unavailable.
        """
        shown, slug = name.strip()[:LONGEST_NAME], safe_name(name)
        if any((made.owner, made.model, made.name) == (owner, model, shown) for made in self.all()):
            raise name_taken(shown)
        made_at = time.time()
        voice_id = f"{slug}-{secrets.token_hex(ID_BYTES)}"
        about = {"name": shown, "owner": owner, "model": model, "made_at": repr(made_at)}
        self._folder.write(f"{FOLDER}/{voice_id}{SUFFIX}", to_bytes(load(state), about), voice_id)
        return Made(voice_id, shown, owner, model, made_at, self._path(voice_id))

    def delete(self, voice_id: str, owner: str) -> None:
        """Raises VoiceNotFound, also for a voice of another owner, or Unavailable if the file cannot be removed."""
        made = next((made for made in self.all() if (made.id, made.owner) == (voice_id, owner)), None)
        if made is None:
            raise VoiceNotFound("There is no voice of that id that you made.", param="voice")
        try:
            made.path.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"The voice could not be removed: {error.strerror}.") from None

    def _files(self) -> list[Path]:
        return sorted(self._place.glob(f"*{SUFFIX}"))

    def _path(self, voice_id: str) -> Path:
        return self._place / f"{voice_id}{SUFFIX}"

    def _read(self, path: Path, changed_ns: int) -> tuple[int, Made | None]:
        known = self._known.get(path)
        return known if known and known[0] == changed_ns else (changed_ns, _made(path))


def _made(path: Path) -> Made | None:
    """None for a damaged file."""
    try:
        with safe_open(path, "numpy") as file:  # type: ignore[no-untyped-call]
            about: Mapping[str, str] = file.metadata() or {}
        made_at = float(about["made_at"])
        return Made(path.name.removesuffix(SUFFIX), about["name"], about["owner"], about["model"], made_at, path)
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
