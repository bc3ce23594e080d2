"""The embedded engine's voices: the one inside its wheel, and those that its package fetches when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from speech.engines.hibari.files import VoiceFiles, voice_files
from speech.settings import Settings
from speech.voices.catalogue import Voice, VoiceCatalogue


class HibariVoices(VoiceCatalogue):
    """Every method may be called from any thread."""

    def __init__(self, files: VoiceFiles, default: str | None = None) -> None:
        super().__init__((), default)
        self._files = files

    def prepare(self, voice_id: str, language: str | None = None) -> None:
        self.get(voice_id)
        self._files.obtain(voice_id)

    def known(self) -> Mapping[str, Voice]:
        return {name: self._voice(name) for name in self._files.names()}

    def find(self, voice_id: str) -> Voice | None:
        return self._voice(voice_id) if self._files.offers(voice_id) else None

    def _voice(self, name: str) -> Voice:
        facts = self._files.facts(name)
        return Voice(
            id=name,
            name=name.title(),
            language="en",
            licence="Apache-2.0",  # of the package and of Kokoro, whose voices these learned from
            commercial=True,
            set="hibari",
            gender=facts["gender"],
            style=facts["accent"] if facts["british"] else "neutral",
            cached=self._files.here(name) is not None,
            size_bytes=None if facts.get("bundled") else facts["bytes"],
        )


def catalogue(settings: Settings) -> VoiceCatalogue:
    """Those that are here, and unless HF_HUB_OFFLINE is set those that can be fetched."""
    return HibariVoices(voice_files(settings), settings.default_voice)
