"""The voices of Pocket TTS: the ready ones, those in folders, those made from recordings. Imports no torch.

A voice is a state that was made with one model, and so for one language: the ready ones lie in the hub, a set for each
model; with MODEL_DIR those in a model's voices/ take their place. What is in VOICES_DIR goes before both; there the
name of a language as the first folder (fr/NAME) says whose state it is.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from speech.engines.pocket.files import HubFile, PocketModel, locate
from speech.engines.pocket.ready import NATIVE, ORIGINS, described, own_voice, state_file
from speech.engines.pocket.sources import Source, sources
from speech.errors import ErrorCode, InvalidRequest, NotSupported, SpeechError, Unavailable
from speech.hub.files import Hub, make_hub
from speech.text.guess import guess
from speech.voices.catalogue import Cloned, Voice, VoiceCatalogue
from speech.voices.folder import MB, VoiceFolder, identity_of
from speech.voices.made import Made, MadeVoices
from speech.voices.quality import faults
from speech.voices.recording import decode
from speech.voices.sets import UNKNOWN_LICENCE

if TYPE_CHECKING:
    from speech.request import Samples, SpeechRequest
    from speech.settings import Settings

RATE = 24_000  # Hz, of every model
SUFFIX = ".pocket.safetensors"  # says for which engine a file of VOICES_DIR is; one that says nothing is shown too
CLONING = "speech.engines.pocket.cloning"  # imported when a voice is made: it imports torch
MADE_SET = "made"
NO_CLONING = (
    "Making a voice needs weights that Kyutai gives to those who accept its terms. Log in at "
    "https://huggingface.co/kyutai/pocket-tts, accept them, make a token that may read, set HF_TOKEN to it (in .env or "
    "the environment), and load the model anew: restart the service, or POST /api/gpu/offload. With MODEL_DIR, put "
    "model.safetensors of that repository there."
)


class PocketVoices(VoiceCatalogue):
    """Every method may be called from any thread. Not narrowed by `of`, it has the voices of every owner."""

    def __init__(self, models: Mapping[str, Source], hub: Hub, own: VoiceFolder, default: str | None) -> None:
        """models: by language, that of requests that name none first. own: the folder of VOICES_DIR."""
        super().__init__((), default)
        self._models, self._hub, self._own = models, hub, own
        self._main = next(iter(models.values()))
        self._beside = {
            language: VoiceFolder(source.folder / "voices") for language, source in models.items() if source.folder
        }
        self._made = MadeVoices(own)
        self._owner: str | None = None
        self._making = threading.Lock()

    # -- who is there -------------------------------------------------------------------------------------------

    def of(self, owner: str) -> PocketVoices:
        narrowed = copy(self)
        narrowed._owner = owner
        return narrowed

    def voices(self) -> list[Voice]:
        return [self._marked(voice) for voice in self.known().values()]

    def find(self, voice_id: str) -> Voice | None:
        voice = super().find(voice_id)
        return voice and self._marked(voice)

    @property
    def default(self) -> Voice:
        """DEFAULT_VOICE, else that of the model's language, else the first. Raises Unavailable if there is none."""
        known, usual = self.known(), self._main.usual_voice
        wished = self._default or (usual if usual in known else next(iter(known), None))
        if wished is None:
            raise Unavailable("There are no voices: neither MODEL_DIR/voices nor VOICES_DIR has a state.")
        return self.get(wished)

    def usual(self, language: str | None, text: str = "") -> Voice:
        """The default, or one of the language asked for, or guessed if its model is here: a guess fetches nothing."""
        wanted = language or self._guessed(text)
        if wanted is None or wanted not in self._models or wanted == self.default.language:
            return self.default
        fit = [voice for voice in self.known().values() if voice.language == wanted and not voice.made]
        usual = next((voice for voice in fit if voice.id == self._models[wanted].usual_voice), None)
        return self._marked(usual or (fit or [self.default])[0])

    def spoken(self, voice: Voice, language: str | None) -> str:
        """The language asked for if there is a model of it, else the voice's own.

        Raises InvalidRequest for a voice that was made for another language.
        """
        if language is None or language not in self._models or language == voice.language:
            return voice.language
        if not self._speaks(voice, language):
            raise InvalidRequest(
                f"language: the voice {voice.id!r} was made for {voice.language} and does not speak {language}.",
                param="language",
            )
        return language

    def speaks(self, voice_id: str, language: str) -> bool:
        """Whether that voice has a state for the language. Raises VoiceNotFound."""
        voice = self.get(voice_id)
        return language == voice.language or self._speaks(voice, language)

    def language_of(self, request: SpeechRequest) -> str:
        """Whose model speaks it. Raises VoiceNotFound, InvalidRequest."""
        return self.spoken(self.get(request.voice) if request.voice else self.default, request.language)

    # -- their files --------------------------------------------------------------------------------------------

    def prepare(self, voice_id: str, language: str | None = None) -> None:
        """Download the voice's file if need be. Raises as `path` does."""
        self.path(voice_id, language)

    def identity(self, voice_id: str) -> str | None:
        """Of a voice in a folder, that of its file; a ready one stays as it is."""
        voice = self.get(voice_id)
        in_folder = voice.made or voice.id in self._own.files(SUFFIX) or voice.language in self._beside
        return identity_of(self._here(voice, voice.language)) if in_folder else ""

    def path(self, voice_id: str | None, language: str | None = None) -> Path:
        """The file of a voice, None for the default, in a language, None for its own; downloaded if need be.

        Raises VoiceNotFound, InvalidRequest, Unavailable or EngineFailed.
        """
        voice = self.get(voice_id) if voice_id else self.default
        spoken = self.spoken(voice, language)
        if (path := self._here(voice, spoken)) is not None:
            return path
        if voice.made or spoken in self._beside:  # it was removed meanwhile
            raise self._not_found(voice.id)
        file = self._ready(voice, spoken)
        return self._hub.download(file.repo, [file.name], revision=file.revision)[0]

    # -- making one ---------------------------------------------------------------------------------------------

    @property
    def cloning(self) -> bool:
        return self._cloning_model(self._main) is not None

    def check_cloning(self) -> None:
        if not self.cloning:
            raise NotSupported(NO_CLONING, code=ErrorCode.CLONING_NOT_READY)

    def clone(self, name: str, recording: bytes, owner: str, language: str | None = None) -> Cloned:
        source = self._models.get(language or self._main.language)
        if source is None:
            raise InvalidRequest(f"language: must be one of {', '.join(self._models)}.", param="language")
        model = self._cloning_model(source)
        if model is None:
            raise NotSupported(NO_CLONING, code=ErrorCode.CLONING_NOT_READY)
        samples = decode(recording, RATE)
        made = self._made.store(name, owner, source.name, self._state_of(model, samples))
        return Cloned(self.of(owner).get(made.id), len(samples) / RATE, tuple(faults(samples, RATE)))

    def delete(self, voice_id: str, owner: str) -> None:
        if not self.of(owner).get(voice_id).made:
            raise InvalidRequest("Only a voice that was made from a recording can be deleted.", param="voice")
        self._made.delete(voice_id, owner)

    def _cloning_model(self, source: Source) -> PocketModel | None:
        try:
            model = locate(source, self._hub)
        except SpeechError:  # damaged: loading will say so
            return None
        return model if model is not None and model.clones else None

    def _state_of(self, model: PocketModel, samples: Samples) -> bytes:
        """Raises Unavailable while another voice is made: each takes the memory of a model."""
        if not self._making.acquire(blocking=False):
            raise Unavailable("Another voice is being made; please try again in a moment.", retry_after_s=5)
        try:
            state: bytes = import_module(CLONING).make_state(model, samples)
            return state
        finally:
            self._making.release()

    # -- inside -------------------------------------------------------------------------------------------------

    def known(self) -> Mapping[str, Voice]:
        known: dict[str, Voice] = {}
        for language in self._models:
            beside = self._beside.get(language)
            for name in ORIGINS if beside is None else beside.files(SUFFIX):
                if name not in known:
                    known[name] = described(name, self._native(name) if beside is None else language)
        own = {name: own_voice(name, self._own_language(name)) for name in self._own.files(SUFFIX)}
        return known | own | {made.id: self._of_made(made) for made in self._made_here()}

    def _made_here(self) -> list[Made]:
        """Those that may be seen here, for models that are spoken with."""
        names = {source.name for source in self._models.values()}
        mine = (made for made in self._made.all() if self._owner is None or made.owner == self._owner)
        return [made for made in mine if made.model in names]

    def _of_made(self, made: Made) -> Voice:
        language = next(source.language for source in self._models.values() if source.name == made.model)
        voice = Voice(made.id, made.name, language, UNKNOWN_LICENCE, False, MADE_SET)
        return replace(voice, made=True, made_at=made.made_at)

    def _own_language(self, name: str) -> str:
        first = name.partition("/")[0]
        return first if first in self._models else self._main.language

    def _native(self, name: str) -> str:
        native = NATIVE.get(name, "en")
        return native if native in self._models else self._main.language

    def _guessed(self, text: str) -> str | None:
        language = guess(text)
        if language is None or language == self._main.language or language not in self._models:
            return None
        try:
            return language if locate(self._models[language], self._hub) else None
        except SpeechError:  # damaged
            return None

    def _speaks(self, voice: Voice, language: str) -> bool:
        if voice.made or voice.id in self._own.files(SUFFIX):
            return False
        beside = self._beside.get(language)
        return voice.id in (ORIGINS if beside is None else beside.files(SUFFIX))

    def _marked(self, voice: Voice) -> Voice:
        return replace(voice, cached=self._here(voice, voice.language) is not None)

    def _ready(self, voice: Voice, language: str) -> HubFile:
        return state_file(voice.id, self._models[language].name)

    def _here(self, voice: Voice, language: str) -> Path | None:
        if voice.made:
            return next((made.path for made in self._made.all() if made.id == voice.id), None)
        if (path := self._own.files(SUFFIX).get(voice.id)) is not None:
            return path
        beside = self._beside.get(language)
        return self._ready(voice, language).cached(self._hub) if beside is None else beside.files(SUFFIX).get(voice.id)


def catalogue(settings: Settings) -> PocketVoices:
    """The voices as the settings have them. Connects to nothing."""
    own = VoiceFolder(settings.voices_dir, settings.voices_quota_mb * MB)
    return PocketVoices(sources(settings), make_hub(settings), own, settings.default_voice)
