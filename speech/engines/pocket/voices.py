"""The voices of a Pocket TTS model: the ready ones, and those in folders. Imports no torch.

A voice is a state that was made with one model: the ready ones lie in the hub, a set for each model; with MODEL_DIR
those in its voices/ take their place. What is in VOICES_DIR goes before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from speech.engines.pocket.files import HubFile, model_folder
from speech.errors import Unavailable
from speech.hub.files import Hub, make_hub
from speech.voices.catalogue import Voice, VoiceCatalogue
from speech.voices.folder import EMBEDDING, MB, VoiceFolder, identity_of
from speech.voices.sets import OWN_SET, UNKNOWN_LICENCE, describe

if TYPE_CHECKING:
    from speech.settings import Settings

SUFFIX = ".pocket.safetensors"  # says for which engine a file of VOICES_DIR is; one that says nothing is shown too
REPO = "kyutai/pocket-tts-without-voice-cloning"
REVISION = "a7056f505a4a8ca72d8b5fb1440071d6f1a35739"
# The ready voices and the recordings they were made of, as pocket-tts names them (a test compares); licences are those
# of the recordings' sets. The last five were made of recordings of which no licence is known here.
ORIGINS = {
    "alba": "alba-mackenna/casual.wav",
    "marius": "voice-donations/Selfie.wav",
    "javert": "voice-donations/Butter.wav",
    "cosette": "expresso/ex04-ex02_confused_001_channel1_499s.wav",
    "jean": "ears/p010/freeform_speech_01_enhanced.wav",
    "anna": "vctk/p228_023_enhanced.wav",
    "vera": "vctk/p229_023_enhanced.wav",
    "fantine": "vctk/p244_023_enhanced.wav",
    "charles": "vctk/p254_023_enhanced.wav",
    "paul": "vctk/p259_023_enhanced.wav",
    "eponine": "vctk/p262_023_enhanced.wav",
    "azelma": "vctk/p303_023_enhanced.wav",
    "george": "vctk/p315_023_enhanced.wav",
    "mary": "vctk/p333_023_enhanced.wav",
    "jane": "vctk/p339_023_enhanced.wav",
    "michael": "vctk/p360_023_enhanced.wav",
    "eve": "vctk/p361_023_enhanced.wav",
    "bill_boerst": "voice-zero/bill_boerst.wav",
    "peter_yearsley": "voice-zero/peter_yearsley.wav",
    "stuart_bell": "voice-zero/stuart_bell.wav",
    "caro_davy": "voice-zero/caro_davy.wav",
    "estelle": "unmute-prod-website/developpeuse-3.wav",
    "giovanni": "",
    "lola": "",
    "juergen": "",
    "rafael": "",
    "daan": "",
}
# By the first part of a model's name: its language, and the voice of requests that name none.
LANGUAGES = {
    "english": ("en", "alba"),
    "french": ("fr", "estelle"),
    "german": ("de", "juergen"),
    "spanish": ("es", "lola"),
    "portuguese": ("pt", "rafael"),
    "italian": ("it", "giovanni"),
    "dutch": ("nl", "daan"),
}


class PocketVoices(VoiceCatalogue):
    """Every method may be called from any thread."""

    def __init__(self, model: str, hub: Hub, own: VoiceFolder, beside: VoiceFolder | None, default: str | None) -> None:
        """model: its name. own: the folder of VOICES_DIR. beside: that of MODEL_DIR, in the place of the hub's."""
        super().__init__((), default)
        self._model, self._hub, self._own, self._beside = model, hub, own, beside
        self._language, self._usual = LANGUAGES.get(model.split("_")[0], LANGUAGES["english"])

    def voices(self) -> list[Voice]:
        return [self._marked(voice) for voice in self._known().values()]

    def get(self, voice_id: str) -> Voice:
        """The voice with that id. Raises VoiceNotFound, which names the nearest ids."""
        return self._marked(super().get(voice_id))

    @property
    def default(self) -> Voice:
        """DEFAULT_VOICE, else that of the model's language, else the first. Raises Unavailable if there is none."""
        known = self._known()
        wished = self._default or (self._usual if self._usual in known else next(iter(known), None))
        if wished is None:
            raise Unavailable("There are no voices: neither MODEL_DIR/voices nor VOICES_DIR has a state.")
        return self.get(wished)

    def prepare(self, voice_id: str) -> None:
        """Download the voice's file if need be. Raises as `path` does."""
        self.path(voice_id)

    def identity(self, voice_id: str) -> str | None:
        """Of a voice in a folder, that of its file; a ready one stays as it is."""
        return identity_of(self._in_folders().get(voice_id))

    def path(self, voice_id: str | None) -> Path:
        """The file of a voice, None for the default; downloaded if need be.

        Raises VoiceNotFound, Unavailable or EngineFailed.
        """
        voice = self.get(voice_id) if voice_id else self.default
        if (path := self._in_folders().get(voice.id) or self._file(voice.id).cached(self._hub)) is not None:
            return path
        file = self._file(voice.id)
        return self._hub.download(file.repo, [file.name], revision=file.revision)[0]

    def _known(self) -> Mapping[str, Voice]:
        names = [*self._in_folders(), *(() if self._beside else ORIGINS)]
        return {name: _described(name, self._language) for name in names}

    def _in_folders(self) -> dict[str, Path]:
        beside = self._beside.files(SUFFIX) if self._beside else {}
        return beside | self._own.files(SUFFIX)

    def _marked(self, voice: Voice) -> Voice:
        here = voice.id in self._in_folders() or self._file(voice.id).cached(self._hub) is not None
        return replace(voice, cached=here)

    def _file(self, voice_id: str) -> HubFile:
        return HubFile(REPO, f"languages/{self._model}/embeddings/{voice_id}{EMBEDDING}", REVISION)


def catalogue(settings: Settings) -> PocketVoices:
    """The voices as the settings have them. Connects to nothing."""
    folder = model_folder(settings)
    name = settings.pocket_model if folder is None else folder.name
    beside = None if folder is None else VoiceFolder(folder / "voices")
    own = VoiceFolder(settings.voices_dir, settings.voices_quota_mb * MB)
    return PocketVoices(name, make_hub(settings), own, beside, settings.default_voice)


def _described(name: str, language: str) -> Voice:
    """Of a ready voice, what the recording's set tells; another is a user's own, of unknown licence."""
    readable = name.replace("_", " ").title() if name in ORIGINS else name
    if not ORIGINS.get(name):
        own = "" if name in ORIGINS else OWN_SET
        return Voice(name, readable, language, UNKNOWN_LICENCE, False, own)
    return replace(describe(ORIGINS[name]), id=name, name=readable, language=language)
