"""The published voices: which files the repository has, which are on this machine, how to get one. Knows no format."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from speech.errors import SpeechError
from speech.hub.files import Hub

log = logging.getLogger("kyutai_tts.voices")

LISTING = "listing.json"  # beside the snapshots in the cache
ASK_AGAIN_S = 60.0  # after a hub that could not be asked; twice as long after each further failure
LONGEST_PAUSE_S = 3600.0


class VoiceRepo:
    """The list is fetched from the hub once and kept on disk; where it cannot be had, it is what the cache holds.

    Every method may be called from any thread. Only `names`, `refresh` and `fetch` connect.
    """

    def __init__(self, hub: Hub, repo: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.hub, self.repo = hub, repo
        self._clock = clock
        self._lock = threading.Lock()
        self._listed: list[str] | None = None
        self._in_cache: list[str] | None = None  # for as long as there is no list; None: look again
        self._asking: threading.Thread | None = None
        self._answered = False  # whether one attempt to get the list has ended
        self._ask_at, self._pause_s = float("-inf"), ASK_AGAIN_S

    def names(self) -> list[str]:
        """All files. While there is no list, a thread asks the hub for one, ever less often.

        The caller waits for the first attempt, ten seconds at most, and for no later one: what those bring shows at the
        next call.
        """
        with self._lock:
            if self._known() is None and self._asking is None and self._clock() >= self._ask_at:
                self._asking = threading.Thread(target=self._ask, name="voice-list", daemon=True)
                self._asking.start()
            asking = None if self._answered else self._asking
        if asking:
            asking.join()
        return self.names_here()

    def names_here(self) -> list[str]:
        """The list if it is on this machine, else the files in the cache. Never connects."""
        with self._lock:
            listed = self._known()
            if listed is not None:
                return listed
            if self._in_cache is None:
                self._in_cache = _plain(self._look_into_cache())
            return self._in_cache

    @property
    def has_list(self) -> bool:
        """The list is on this machine: `names` will not connect."""
        return self._kept() is not None

    def refresh(self) -> None:
        """Ask the hub for a new list. Raises Unavailable or EngineFailed; then the list we have stays."""
        names = self._fetch_list()
        with self._lock:
            self._listed = names

    def here(self, names: Iterable[str]) -> set[str]:
        """Which of the files are on this machine. Never connects."""
        snapshots = self.hub.snapshots(self.repo)
        return {name for name in names if any((snapshot / name).is_file() for snapshot in snapshots)}

    def fetch(self, name: str) -> Path:
        """The file, downloaded if need be. Raises Unavailable or EngineFailed."""
        path = self.hub.cached(self.repo, name)
        if path is None:
            path = self.hub.download(self.repo, [name])[0]
            with self._lock:
                self._in_cache = None
        return path

    def _known(self) -> list[str] | None:
        """The list, from disk if it has not been read yet. The caller holds the lock."""
        if self._listed is None:
            self._listed = self._kept()
        return self._listed

    def _ask(self) -> None:
        """One attempt to get the list, on a thread of its own."""
        try:
            self.refresh()
        except SpeechError as error:
            here = len(_plain(self._look_into_cache()))
            log.warning("the %d files in the cache are all the voices there are: %s", here, error.message)
        finally:
            with self._lock:
                self._in_cache = None
                self._asking, self._answered = None, True
                self._ask_at = self._clock() + self._pause_s
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _fetch_list(self) -> list[str]:
        names = _plain(self.hub.list_files(self.repo))
        self._keep(names)
        return names

    def _look_into_cache(self) -> set[str]:
        """As in a cache that was carried to a machine without a connection."""
        return {
            path.relative_to(snapshot).as_posix()
            for snapshot in self.hub.snapshots(self.repo)
            for path in snapshot.rglob("*")
            if path.is_file()
        }

    @property
    def _listing(self) -> Path:
        return self.hub.repo_dir(self.repo) / LISTING

    def _kept(self) -> list[str] | None:
        try:
            names = json.loads(self._listing.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return _plain(map(str, names)) if isinstance(names, list) else None

    def _keep(self, names: list[str]) -> None:
        part = self._listing.with_suffix(".part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(names), "utf-8")
            part.replace(self._listing)
        except OSError as error:
            log.warning("the list of voices cannot be kept, so it is fetched anew next time: %s", error)


def _plain(names: Iterable[str]) -> list[str]:
    """Sorted, and without those that are no path inside the repository, even if the hub lists them."""
    return sorted(name for name in names if _is_inside(name))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name
