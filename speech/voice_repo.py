"""The published voices: which the repository has, which are on this machine, and how to get one. Knows no format."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from speech.engines.hub import Hub
from speech.request import SpeechError

log = logging.getLogger("kyutai_tts.voices")

LISTING = "listing.json"  # beside the snapshots in the cache
ASK_AGAIN_S = 60.0


class VoiceRepo:
    """The list is fetched from the hub once and kept on disk; where it cannot be had, what the cache holds is the list."""

    def __init__(self, hub: Hub, repo: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.hub, self.repo = hub, repo
        self._clock = clock
        self._lock = threading.Lock()
        self._listed: list[str] | None = None
        self._ask_at = 0.0
        self._here: set[str] = set()

    def voices(self, suffix: str) -> list[str]:
        """The ids: names of the files with that suffix, without it. May ask the hub, if it never answered yet."""
        names = self._names()
        return [name.removesuffix(suffix) for name in names if name.endswith(suffix) and _is_plain(name)]

    def refresh(self) -> None:
        """Ask the hub anew. Raises Unavailable or EngineFailed; the list we have stays."""
        names = sorted(self.hub.list_files(self.repo))
        self._listed = names
        self._keep(names)

    def cached(self, name: str) -> Path | None:
        """The file on this machine. Never connects."""
        path = self.hub.cached(self.repo, name)
        if path is not None:
            self._here.add(name)
        return path

    def is_here(self, name: str) -> bool:
        """As cached, but cheap for a list: what was there once is taken to be there still."""
        return name in self._here or self.cached(name) is not None

    def fetch(self, name: str) -> Path:
        """The file, downloaded if need be. Raises Unavailable or EngineFailed."""
        return self.cached(name) or self.hub.download(self.repo, [name])[0]

    def _names(self) -> list[str]:
        with self._lock:
            if self._listed is None:
                self._listed = self._kept()
            if self._listed is None and self._clock() >= self._ask_at:
                self._ask_at = self._clock() + ASK_AGAIN_S
                try:
                    self.refresh()
                except SpeechError as error:
                    log.warning("only the voices in the cache are offered: %s", error.message)
            return self._listed if self._listed is not None else self._in_cache()

    def _in_cache(self) -> list[str]:
        """All files in the cache, as in one that was carried to a machine without a connection."""
        found = {
            path.relative_to(snapshot).as_posix()
            for snapshot in self.hub.snapshots(self.repo)
            for path in snapshot.rglob("*")
            if path.is_file()
        }
        return sorted(found)

    @property
    def _listing(self) -> Path:
        return self.hub.repo_dir(self.repo) / LISTING

    def _kept(self) -> list[str] | None:
        try:
            names = json.loads(self._listing.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return [str(name) for name in names] if isinstance(names, list) else None

    def _keep(self, names: list[str]) -> None:
        part = self._listing.with_suffix(".part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(names), "utf-8")
            part.replace(self._listing)
        except OSError as error:
            log.warning("the list of voices cannot be kept, so it is fetched anew next time: %s", error)


def _is_plain(name: str) -> bool:
    """A file inside the repository, whatever the hub says it is called."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name
