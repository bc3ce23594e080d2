"""Voices: one speaker (Voice), all of them (VoiceCatalogue). A voice is looked up by id, never opened as a path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from speech.request import VoiceNotFound


@dataclass(frozen=True)
class Voice:
    """One speaker, as shown to people."""

    id: str  # what a request names, for example alba-mackenna/casual.wav
    name: str
    language: str  # ISO 639-1: en, fr
    licence: str  # SPDX where there is one, for example CC-BY-4.0
    commercial: bool  # the licence allows commercial use
    set: str = ""  # the collection it comes from
    gender: str | None = None
    style: str | None = None
    cached: bool = True  # nothing needs to be fetched before it can speak


class VoiceCatalogue:
    """All voices of one engine, in the order they are shown; the first is the default unless one is named."""

    def __init__(self, voices: Iterable[Voice], default: str | None = None) -> None:
        """default: an id; raises VoiceNotFound if no voice has it."""
        self._voices = {voice.id: voice for voice in voices}
        self._default = default

    def voices(self) -> list[Voice]:
        return list(self._voices.values())

    def get(self, voice_id: str) -> Voice:
        """The voice with that id. Raises VoiceNotFound, which names the nearest ids."""
        known = {voice.id: voice for voice in self.voices()}
        if voice_id in known:
            return known[voice_id]
        near = difflib.get_close_matches(voice_id, known, n=3, cutoff=0.4)
        hint = f" Nearest: {', '.join(near)}." if near else " GET /api/voices lists them."
        raise VoiceNotFound(f"There is no voice {voice_id[:100]!r}.{hint}", param="voice")

    @property
    def default(self) -> Voice:
        return self.get(self._default) if self._default else self.voices()[0]
