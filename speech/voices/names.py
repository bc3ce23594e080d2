"""Other names of voices -> the voices that are here: people's own aliases, and OpenAI's names by setting or by rule."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from speech.voices.catalogue import Voice, VoiceCatalogue

log = logging.getLogger("kyutai_tts.voices")

ALIASES = "aliases.txt"  # in VOICES_DIR: NAME = ID, one a line; behind a # nothing counts
GENDERS = {
    "alloy": "female",
    "ash": "male",
    "ballad": "male",
    "cedar": "male",
    "coral": "female",
    "echo": "male",
    "fable": "male",
    "marin": "female",
    "nova": "female",
    "onyx": "male",
    "sage": "female",
    "shimmer": "female",
    "verse": "male",
}  # OpenAI's, as they sound; a voice of the other gender would surprise


class VoiceNames:
    """Case does not matter to any name. Every method may be called from any thread."""

    def __init__(self, chosen: Mapping[str, str], aliases: Path) -> None:
        """chosen: OPENAI_VOICES. aliases: a file that may be there; read again when it has changed."""
        self._aliases = aliases
        self._chosen = {name.lower(): voice_id for name, voice_id in chosen.items()}
        self._lock = threading.Lock()
        self._read_at: int | None = None
        self._found: dict[str, str] = {}

    def voice(self, name: str, voices: VoiceCatalogue) -> Voice:
        """The voice meant by an id or by another name. Raises VoiceNotFound."""
        lower = name.lower()
        if voice := _meant(voices.find(name), lower):
            return voice
        if voice_id := self._in_file().get(lower) or self._chosen.get(lower):
            return voices.get(voice_id)
        known = voices.known()
        alike = next((voice_id for voice_id in known if voice_id.lower() == lower), None)
        if voice := _meant(voices.find(alike) if alike else None, lower):
            return voice
        if lower in GENDERS:
            chosen = by_rule(lower, [v for v in known.values() if v.size_bytes is None], voices.default)
            return voices.get(chosen.id)
        return voices.get(name)

    def _in_file(self) -> dict[str, str]:
        try:
            changed_at = self._aliases.stat().st_mtime_ns
        except OSError:
            return {}
        with self._lock:
            if changed_at != self._read_at:
                self._found, self._read_at = read_aliases(self._aliases), changed_at
            return self._found


def _meant(voice: Voice | None, lower: str) -> Voice | None:
    """None for one that would be fetched first and has a name of OpenAI's: a client of OpenAI's means no download."""
    return voice if voice and (voice.cached or lower not in GENDERS) else None


def read_aliases(file: Path) -> dict[str, str]:
    """Ids by name in lower case. A line that is none is told to the log and left out."""
    found = {}
    try:
        lines = file.read_text("utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        log.warning("%s cannot be read: %s", file, error.strerror or error)
        return {}
    for number, line in enumerate(lines, 1):
        name, equals, voice_id = (part.strip() for part in line.partition("#")[0].partition("="))
        if name and voice_id:
            found[name.lower()] = voice_id
        elif name or equals:
            log.warning("%s, line %d: it must be NAME = ID", file, number)
    return found


def by_rule(name: str, everyone: list[Voice], default: Voice) -> Voice:
    """Spread over the English voices of the name's gender that may be used commercially, in the catalogue's order."""
    alike = [n for n, gender in GENDERS.items() if gender == GENDERS[name]]
    fit = [v for v in everyone if v.language == "en" and v.commercial and v.gender == GENDERS[name]]
    return fit[alike.index(name) * len(fit) // len(alike)] if fit else default
