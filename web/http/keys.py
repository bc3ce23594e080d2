"""The keys that are taken (Keys): those of API_KEYS and those of API_KEYS_FILE. Knows no request."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from speech.setting_kinds import key_digests
from speech.settings import Settings, SettingsError
from web.http.kept import Kept

MOST_BYTES = 1_000_000


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class Keys:
    """Known by their digests: the keys themselves are nowhere in memory longer than a request."""

    def __init__(self, settings: Settings) -> None:
        """A file that is broken now gives no keys until it is whole; a key is needed all the same."""
        self.needed = settings.asks_for_keys
        self._own = settings.api_keys
        file = settings.api_keys_file
        self._kept: Kept[dict[str, str]] | None = None
        if file:
            self._kept = Kept("API_KEYS_FILE", [file], lambda: _read(file, self._own), {})

    def digests(self) -> Mapping[str, str]:
        """The name of each key, and its SHA-256 in hexadecimal."""
        return {**self._own, **self._kept.value()} if self._kept else self._own

    def name_of(self, key: str) -> str | None:
        """Whose key it is. Takes as long for a wrong key as for any right one."""
        given, name = digest(key), None
        for owner, known in self.digests().items():
            if hmac.compare_digest(given, known):
                name = owner
        return name


def check(settings: Settings) -> None:
    """Raises SettingsError, in one line, if API_KEYS_FILE cannot be used."""
    if settings.api_keys_file is None:
        return
    try:
        _read(settings.api_keys_file, settings.api_keys)
    except (OSError, ValueError) as error:
        raise SettingsError(f"API_KEYS_FILE cannot be used: {error}") from None


def _read(file: Path, others: Mapping[str, str]) -> dict[str, str]:
    """Digests by name; others: names that are taken. Raises OSError, or ValueError without a word of its content."""
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{file} is longer than {MOST_BYTES} bytes")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8") from None
    parts = [part.strip() for line in lines if not line.lstrip().startswith("#") for part in line.split(",")]
    try:
        digests = key_digests(filter(None, parts), "file-key")
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    if not digests:
        raise ValueError(f"{file} holds no key")
    if twice := sorted(others.keys() & digests):
        raise ValueError(f"{file}: {', '.join(twice)} is in API_KEYS too")
    return digests
