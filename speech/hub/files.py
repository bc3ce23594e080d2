"""The Hugging Face hub: what its cache holds, and how to get the rest in plain sight. Knows no model and no voice.

Looking into the cache never connects. A download resumes where it stopped, survives cut connections, and tells how far
it has come: huggingface_hub 0.36 counts files, not bytes, so we look at the sizes of the growing files.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from speech.errors import EngineFailed, SpeechError, Unavailable
from speech.hub import errors as hub_errors
from speech.hub.meter import size_text, watched
from speech.progress import Progress, silent
from speech.settings import Settings

log = logging.getLogger("kyutai_tts.hub")
Result = TypeVar("Result")
Token = str | bool | None  # huggingface_hub's: None is the one it is logged in with, False is anonymous

CONNECT_TIMEOUT_S = 10.0
FRUITLESS_TRIES = 5  # attempts in a row without a new byte
LONGEST_WAIT_S = 30.0


@dataclass(frozen=True)
class RemoteFile:
    """A file as the hub describes it."""

    repo: str
    name: str
    size: int  # bytes
    blob: Path  # where it lies in the cache when it is there

    @property
    def incomplete(self) -> Path:
        return self.blob.with_name(self.blob.name + ".incomplete")

    @property
    def bytes_here(self) -> int:
        """How much of it is on this machine."""
        for path in (self.blob, self.incomplete):
            with suppress(OSError):  # not there, or moved while we looked
                return min(path.stat().st_size, self.size)
        return 0


class Hub:
    """One hub and the cache of what came from it. Every method may be called from any thread."""

    def __init__(
        self,
        cache_dir: Path | None = None,
        endpoint: str | None = None,
        token: str | None = None,
        offline: bool = False,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], Any] = time.sleep,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        """cache_dir, endpoint: None for those of huggingface_hub. token: None for the one it is logged in with, if any.

        offline: never connect. wait(seconds): how to wait before another try.
        """
        self._cache_dir, self._endpoint, self._offline = cache_dir, endpoint, offline
        self._token: Token = token
        self._clock, self._wait, self._free_bytes = clock, wait, free_bytes

    # -- what is here: never connects ---------------------------------------------------------------------------

    @property
    def cache_dir(self) -> Path:
        return self._cache_dir or _default_cache_dir()

    def repo_dir(self, repo: str) -> Path:
        """Where the cache keeps a repository: refs/, blobs/, snapshots/COMMIT/."""
        return self.cache_dir / f"models--{repo.replace('/', '--')}"

    def snapshots(self, repo: str) -> list[Path]:
        """The folders of the commits in the cache: that of refs/main first, then the newest first."""
        try:
            folders = [path for path in (self.repo_dir(repo) / "snapshots").iterdir() if path.is_dir()]
        except OSError:
            return []
        main = self._main_commit(repo)
        return sorted(folders, key=lambda path: (path.name == main, path.stat().st_mtime), reverse=True)

    def cached(self, repo: str, name: str, revision: str | None = None) -> Path | None:
        """The file in the cache, of that commit or of any; None if it is not there."""
        snapshots = [self.repo_dir(repo) / "snapshots" / revision] if revision else self.snapshots(repo)
        candidates = (snapshot / name for snapshot in snapshots)
        return next((path for path in candidates if path.is_file()), None)

    def _main_commit(self, repo: str) -> str | None:
        try:
            return (self.repo_dir(repo) / "refs" / "main").read_text().strip()
        except OSError:
            return None

    # -- what is there: connects --------------------------------------------------------------------------------

    def list_files(self, repo: str) -> list[str]:
        """The names of all files of a repository. Raises Unavailable or EngineFailed."""
        with self._connected(repo, ()):
            return [file.rfilename for file in self._ask_about(repo).siblings or ()]

    def download(
        self,
        repo: str,
        names: Sequence[str],
        progress: Progress = silent,
        *,
        needed: Sequence[str] = (),
        revision: str | None = None,
    ) -> list[Path]:
        """Fetch files that are not in the cache yet, one after another; all of one commit, the newest unless named.

        needed: files to name in the messages too, which will be asked for when these are here.
        Raises Unavailable (no connection, no room) or EngineFailed (no such file, no access); the message names the
        files and what to do by hand. What has arrived by then is kept, and the next call goes on from there.
        """
        with self._connected(repo, [*names, *needed], revision):
            commit = self._ask_about(repo, expand=["sha"], revision=revision).sha
            files = [self._describe(repo, name, commit) for name in names]
            with self._watched(repo, files, progress):
                paths = [self._fetch(file, commit) for file in files]
            if revision is None:
                self._note_main_commit(repo, commit)
            return paths

    def _ask_about(self, repo: str, **options: Any) -> Any:
        """Always the first question: one try of ten seconds, where those about files are repeated for a minute."""
        from huggingface_hub import HfApi

        api = HfApi(endpoint=self._endpoint)
        return self._authorised(lambda token: api.model_info(repo, timeout=CONNECT_TIMEOUT_S, token=token, **options))

    def _describe(self, repo: str, name: str, commit: str) -> RemoteFile:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(repo, name, revision=commit, endpoint=self._endpoint)
        found = self._authorised(
            lambda token: get_hf_file_metadata(url, token=token, timeout=CONNECT_TIMEOUT_S, endpoint=self._endpoint)
        )
        if found.etag is None or found.size is None:
            raise EngineFailed(f"{url} does not answer as a Hugging Face hub does; is there a proxy in between?")
        return RemoteFile(repo, name, found.size, self.repo_dir(repo) / "blobs" / found.etag)

    def _fetch(self, file: RemoteFile, commit: str) -> Path:
        """One file, however often the connection is cut, as long as every few tries bring something."""
        tries, here = 0, file.bytes_here
        while True:
            _drop_if_oversized(file)
            try:
                return self._fetch_once(file, commit)
            except Exception as error:
                tries, here = (0 if file.bytes_here > here else tries + 1), file.bytes_here
                if not hub_errors.is_cut(error) or tries >= FRUITLESS_TRIES:
                    raise
                log.warning("%s was cut off at %s, going on. %s", file.name, size_text(here), hub_errors.reason(error))
                self._wait(min(2.0**tries, LONGEST_WAIT_S))

    def _fetch_once(self, file: RemoteFile, commit: str) -> Path:
        from huggingface_hub import hf_hub_download

        path = self._authorised(
            lambda token: hf_hub_download(
                file.repo,
                file.name,
                revision=commit,
                cache_dir=self.cache_dir,
                endpoint=self._endpoint,
                token=token,
                etag_timeout=CONNECT_TIMEOUT_S,
            )
        )
        return Path(path)

    # -- around it ----------------------------------------------------------------------------------------------

    def _authorised(self, ask: Callable[[Token], Result]) -> Result:
        """Ask with the token; if the hub refuses it, say so and ask without: a stale token hides public models too."""
        from huggingface_hub import get_token

        try:
            return ask(self._token)
        except Exception as error:
            token = self._token if self._token is not None else get_token()
            if not token or not hub_errors.is_forbidden(error):
                raise
        log.warning("the hub refuses the Hugging Face token (HF_TOKEN, or that of a login); going on without it")
        self._token = False
        return ask(False)

    @contextmanager
    def _connected(self, repo: str, names: Sequence[str], revision: str | None = None) -> Iterator[None]:
        """Around each connection: huggingface_hub is set up, and its errors become ours."""
        missing = [name for name in names if self.cached(repo, name, revision) is None] or list(names)
        wanted = hub_errors.Wanted(repo, missing, self.cache_dir, revision)
        if self._offline:
            raise hub_errors.unreachable(wanted, "HF_HUB_OFFLINE is set")
        try:
            yield
        except SpeechError:
            raise
        except (OSError, ValueError) as error:  # all that huggingface_hub and requests raise is one of these
            raise hub_errors.explain(error, wanted) from None

    @contextmanager
    def _watched(self, repo: str, files: Sequence[RemoteFile], progress: Progress) -> Iterator[None]:
        """Check that there is room, then tell how far the download has come while the block runs."""

        def here() -> int:
            return sum(file.bytes_here for file in files)

        total = sum(file.size for file in files)
        missing = total - here()
        if not missing:
            yield
            return
        self._check_room(missing)
        started = self._clock()
        log.info("downloading %s of %s (%s) into %s", size_text(missing), size_text(total), repo, self.cache_dir)
        with watched(f"downloading {repo}", here, total, progress, self._clock):
            yield
        log.info("downloaded %s in %.0f s", repo, self._clock() - started)

    def _check_room(self, missing: int) -> None:
        self.cache_dir.mkdir(parents=True, exist_ok=True)
        free = self._free_bytes(self.cache_dir)
        if free < missing:
            raise Unavailable(
                f"Not enough room: {size_text(missing)} are to be downloaded, {size_text(free)} are free in "
                f"{self.cache_dir}. Make room, or set HF_HOME to a folder on a larger disk."
            )

    def _note_main_commit(self, repo: str, commit: str) -> None:
        """Files fetched by their commit leave no refs/main, where other tools look for the newest one."""
        ref = self.repo_dir(repo) / "refs" / "main"
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(commit)


def make_hub(settings: Settings) -> Hub:
    """The hub as the settings have it."""
    cache_dir = settings.hf_home / "hub" if settings.hf_home else None
    return Hub(cache_dir, settings.hf_endpoint, settings.hf_token, settings.hf_hub_offline)


def _configure() -> None:
    """Settle huggingface_hub's switches before its first import; a value that is set stays.

    Its xet transfers start from zero after a break, plain HTTP resumes; its progress bars do not belong in a log. An
    empty HF_ENDPOINT is an address for it, and unset for us: compose hands every setting on, most of them empty.
    """
    if not os.environ.get("HF_ENDPOINT"):
        os.environ.pop("HF_ENDPOINT", None)
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def _default_cache_dir() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


_configure()  # with this import: voices are listed through this module before moshi comes, which imports the library


def _drop_if_oversized(file: RemoteFile) -> None:
    """A remnant longer than the file can only be rubbish; the hub would refuse to go on from there for ever."""
    with suppress(OSError):  # there is none
        if file.incomplete.stat().st_size > file.size:
            file.incomplete.unlink()
