"""Voices: one speaker (Voice), all of them (VoiceCatalogue). A voice is looked up by id, never opened as a path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from speech.errors import InvalidRequest, NotSupported, VoiceNotFound
from speech.voices.quality import Fault

LONGEST_ID = 100  # characters of an unknown id that are looked at and shown

NO_CLONING = "This engine makes no voices from recordings."


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
    size_bytes: int | None = None  # of a file that is fetched only when the voice is asked for; None: there is none
    made: bool = False  # from a recording; DELETE removes it
    made_at: float | None = None  # seconds since 1970


@dataclass(frozen=True)
class Cloned:
    """A voice that was made from a recording."""

    voice: Voice
    seconds: float  # of the recording
    faults: tuple[Fault, ...]  # what may spoil it


class VoiceCatalogue:
    """All voices of one engine, in the order they are shown; the first is the default unless one is named."""

    def __init__(self, voices: Iterable[Voice], default: str | None = None) -> None:
        """default: an id, checked by `check_default`."""
        self._voices = {voice.id: voice for voice in voices}
        self._default = default

    def voices(self) -> list[Voice]:
        return list(self.known().values())

    def known(self) -> Mapping[str, Voice]:
        """All voices by id. Asked for with every request: an engine with hundreds does not look for their files."""
        return self._voices

    def find(self, voice_id: str) -> Voice | None:
        """The voice with that id, if there is one."""
        return self.known().get(voice_id)

    def get(self, voice_id: str) -> Voice:
        """The voice with that id. Raises VoiceNotFound, which names the nearest ids."""
        voice = self.find(voice_id)
        if voice is None:
            raise self._not_found(voice_id)
        return voice

    def prepare(self, voice_id: str, language: str | None = None) -> None:
        """Bring what is needed to speak with it onto this machine. May take seconds: never on the engine's thread.

        Raises VoiceNotFound, or Unavailable when it cannot be had now.
        """
        self.get(voice_id)

    def identity(self, voice_id: str) -> str | None:
        """What tells the voice from another that takes its name later; empty for one that cannot change.

        None: it has just changed, and an engine may still speak with what it was.
        """
        return ""

    def add(self, name: str, data: bytes) -> Voice:
        """Add a voice from a file that a user sent. Raises NotSupported, or InvalidRequest with the reason."""
        raise NotSupported("Voices cannot be added to this engine.")

    def of(self, owner: str) -> VoiceCatalogue:
        """The voices that this owner may see and use. owner: the name of a key; empty where none is needed."""
        return self

    def usual(self, language: str | None, text: str = "") -> Voice:
        """The voice of a request that names none: the default, or one that fits its language or its text better."""
        return self.default

    def spoken(self, voice: Voice, language: str | None) -> str:
        """The language that the voice speaks when it is asked for `language`; most voices have one language.

        Raises InvalidRequest where the voice cannot and says so.
        """
        return voice.language

    @property
    def cloning(self) -> bool:
        """Voices can be made from recordings, here and now."""
        return False

    def check_cloning(self) -> None:
        """Raises NotSupported, which says what is missing, where no voice can be made from a recording."""
        raise NotSupported(NO_CLONING)

    def clone(self, name: str, recording: bytes, owner: str, language: str | None = None) -> Cloned:
        """Make a voice from a recording, which is not kept.

        language: that the voice is to speak; None: the engine's default. Raises NotSupported as `check_cloning` does,
        InvalidRequest for a bad recording, name or language, StorageFull, or Unavailable while another is made.
        """
        raise NotSupported(NO_CLONING)

    def delete(self, voice_id: str, owner: str) -> None:
        """Remove a voice that the owner made. Raises VoiceNotFound, InvalidRequest for one that was not made."""
        self.of(owner).get(voice_id)
        raise InvalidRequest("Only a voice that was made from a recording can be deleted.", param="voice")

    def check_default(self) -> None:
        """Raises VoiceNotFound if DEFAULT_VOICE names no voice; the message is one line that names the setting."""
        if self._default and self._default not in self.known():
            near = self._near(self._default) or list(self.known())[:3]
            raise VoiceNotFound(f"DEFAULT_VOICE={self._default} is not a voice here. Nearest: {', '.join(near)}.")

    @property
    def default(self) -> Voice:
        """The voice of requests that name none. Raises VoiceNotFound if it is gone."""
        return self.get(self._default) if self._default else self.voices()[0]

    def _not_found(self, voice_id: str) -> VoiceNotFound:
        near, known = self._near(voice_id), list(self.known())
        hint = f"Nearest: {', '.join(near)}." if near else f"There are {len(known)}, such as {', '.join(known[:3])}."
        return VoiceNotFound(f"There is no voice {voice_id[:LONGEST_ID]!r}. {hint}", param="voice")

    def _near(self, voice_id: str) -> list[str]:
        """Up to three ids that hold what was asked for, else that look like it; a long id is not compared in full."""
        known, asked = list(self.known()), voice_id[:LONGEST_ID]
        holding = [known_id for known_id in known if asked and asked.lower() in known_id.lower()]
        return (holding or difflib.get_close_matches(asked, known, n=3, cutoff=0.4))[:3]
