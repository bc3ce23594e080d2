"""The files of hibari's voices: one lies in its wheel, the others are fetched once, 8 MB each. Imports no model.

hibari's own registry and downloader are used: it keeps them in HIBARI_HOME, else in the user's cache folder, and checks
each against its SHA-256. HF_ENDPOINT and HF_HUB_OFFLINE hold here, too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hibari import voices as registry

from speech.errors import Unavailable, VoiceNotFound

if TYPE_CHECKING:
    from speech.settings import Settings

log = logging.getLogger("kyutai_tts.hibari")

BUNDLED: str = registry.DEFAULT


class VoiceFiles:
    """Every method may be called from any thread."""

    def __init__(
        self,
        folder: Path | None = None,
        base_url: str = registry.BASE_URL,
        offline: bool = False,
        known: Mapping[str, Mapping[str, Any]] = registry.VOICES,
    ) -> None:
        """folder: where fetched ones lie; None: hibari's own. base_url: what a file's name is added to."""
        self._folder = folder or Path(registry.cache_dir())
        self._base_url, self._offline, self._known = base_url, offline, known
        self._fetching = threading.Lock()  # two requests for a new voice fetch it once

    def __contains__(self, name: str | None) -> bool:
        return name in self._known

    def names(self) -> list[str]:
        """Those that are here or may be fetched; the one in the wheel first."""
        return [name for name in self._known if self.offers(name)]

    def offers(self, name: str) -> bool:
        """There is one of that name that is here or may be fetched."""
        return name in self._known and (not self._offline or self.here(name) is not None)

    def facts(self, name: str) -> Mapping[str, Any]:
        """What hibari's registry tells: gender, accent, british, bytes, sha256, file. Raises VoiceNotFound."""
        if name not in self._known:
            raise VoiceNotFound(f"There is no voice {name!r}.", param="voice")
        return self._known[name]

    def here(self, name: str) -> Path | None:
        """Its file, if it is whole; one of another length is what a cut copy left."""
        path = self._path(name)
        try:
            return path if path.stat().st_size == self.facts(name)["bytes"] else None
        except OSError:
            return None

    def obtain(self, name: str) -> Path:
        """Its file, fetched if need be: seconds, and a minute on a bad line. Raises Unavailable, VoiceNotFound."""
        with self._fetching:
            return self.here(name) or self._fetch(name)

    def _fetch(self, name: str) -> Path:
        facts, path = self.facts(name), self._path(name)
        url = self._base_url + facts["file"]
        by_hand = f"Fetch {url} on another machine and copy it to {path}"
        if self._offline:
            raise Unavailable(f"The voice {name} is not on this machine, and HF_HUB_OFFLINE is set. {by_hand}.")
        log.info("fetching the voice %s (%.1f MB) to %s", name, facts["bytes"] / 1e6, path)
        try:
            registry.download(url, str(path), facts["sha256"])
        except (RuntimeError, OSError) as error:
            log.warning("the voice %s could not be fetched: %s", name, error)
            raise Unavailable(f"The voice {name} could not be fetched. {by_hand}, or try again.") from None
        return path

    def _path(self, name: str) -> Path:
        facts = self.facts(name)
        return Path(registry.ASSETS if facts.get("bundled") else self._folder) / str(facts["file"])


def voice_files(settings: Settings) -> VoiceFiles:
    """The files as the settings have them."""
    base_url = registry.BASE_URL
    if settings.hf_endpoint:
        base_url = settings.hf_endpoint.rstrip("/") + urlsplit(base_url).path
    return VoiceFiles(base_url=base_url, offline=settings.hf_hub_offline)
