"""The voices of a model that speaks from embeddings: the published ones, and those in VOICES_DIR. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from speech.engines.kyutai.embeddings import Array, BadEmbedding, EmbeddingFormat, parse_embedding, read_embedding
from speech.engines.kyutai.weights import locate
from speech.errors import EngineFailed, NotSupported, SpeechError, Unavailable
from speech.hub.files import Hub, make_hub
from speech.hub.voice_list import VoiceRepo
from speech.voices.catalogue import Voice, VoiceCatalogue
from speech.voices.folder import MB, VoiceFolder, identity_of, name_taken, safe_name
from speech.voices.sets import describe

if TYPE_CHECKING:
    from speech.settings import Settings

PREFERRED = "alba-mackenna/casual.wav"  # CC-BY-4.0: may be used commercially
EMBEDDINGS_KEPT = 64  # of 256 kB each at the real size
# For so long neither the default voice nor a voice's file is looked for anew: some thirty system calls for each
# request, which cost a crowd of 32 more than a tenth of a second where they are slow.
FRESH_S = 1.0


class EmbeddingVoices(VoiceCatalogue):
    """A voice of VOICES_DIR goes before a published one of the same id. Every method may be called from any thread."""

    def __init__(
        self,
        repo: VoiceRepo,
        folder: VoiceFolder,
        embeddings: Callable[[], EmbeddingFormat],
        default: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """embeddings(): what the checkpoint takes, asked when it matters: it may not be downloaded yet."""
        super().__init__((), default)
        self._clock = clock
        self._found: dict[str, tuple[float, Array]] = {}  # by voice: until when, and its embedding
        self._here_until: dict[str, float] = {}  # by voice: until when its file is not looked for anew
        self._found_default: tuple[float, Voice] | None = None
        self._gathered: tuple[list[str], dict[str, Path], Mapping[str, Voice]] | None = None  # a list, a folder; theirs
        self._repo, self._folder, self._embeddings = repo, folder, embeddings
        self._read = lru_cache(maxsize=EMBEDDINGS_KEPT)(_read)

    def voices(self) -> list[Voice]:
        known, suffix = self.known(), self._embeddings().suffix
        own, here = self._folder.files(suffix), self._repo.here(voice_id + suffix for voice_id in known)
        return [replace(voice, cached=name in own or name + suffix in here) for name, voice in known.items()]

    def known(self) -> Mapping[str, Voice]:
        return self._voices_of(self._repo.names())

    def find(self, voice_id: str) -> Voice | None:
        voice = self._known_here().get(voice_id) or self.known().get(voice_id)
        return voice and replace(voice, cached=self._is_here(voice_id))

    @property
    def default(self) -> Voice:
        """DEFAULT_VOICE, else one whose licence allows commercial use. Raises Unavailable if there is none at all."""
        found, now = self._found_default, self._clock()
        if found is None or found[0] < now:
            self._found_default = found = now + FRESH_S, self._look_for_default()
        return found[1]

    def _look_for_default(self) -> Voice:
        wished = self._default or PREFERRED
        if self._default or wished in self._known_here() or wished in self.known():
            return self.get(wished)
        known = self.known()
        free = (voice_id for voice_id, voice in known.items() if voice.commercial)
        chosen = next(free, None) or next(iter(known), None)
        if chosen is None:
            raise Unavailable(
                f"There are no voices: {self._repo.repo} has none for this model or could not be listed "
                "(the log tells), and VOICES_DIR is empty."
            )
        return self.get(chosen)

    def check_default(self) -> None:
        """As for any catalogue; without a list of voices on this machine it shows at the first request."""
        if self._repo.has_list:
            super().check_default()

    def refresh(self) -> None:
        """Ask the hub for a new list of the published voices. Raises Unavailable or EngineFailed; the old one stays."""
        self._repo.refresh()
        self._found_default = None

    def prepare(self, voice_id: str, language: str | None = None) -> None:
        """Download the voice's file if need be. Raises as `path` does."""
        if not self.get(voice_id).cached:
            self.path(voice_id)

    def path(self, voice_id: str) -> Path:
        """The voice's file, downloaded if need be. Raises VoiceNotFound, Unavailable or EngineFailed."""
        self.get(voice_id)
        suffix = self._embeddings().suffix
        return self._folder.files(suffix).get(voice_id) or self._repo.fetch(voice_id + suffix)

    def embedding(self, voice_id: str) -> Array:
        """Shape (1, dim, frames), float32, read-only. Raises as `path` does; EngineFailed also for a bad file."""
        found, now = self._found.get(voice_id), self._clock()
        if found is None or found[0] < now:
            if len(self._found) >= EMBEDDINGS_KEPT:
                self._found.clear()
            self._found[voice_id] = found = now + FRESH_S, self._look_for(voice_id)
        return found[1]

    def _look_for(self, voice_id: str) -> Array:
        path, expected = self.path(voice_id), self._embeddings()
        try:
            stat = path.stat()
            return self._read(path, stat.st_mtime_ns, stat.st_size, expected)
        except (BadEmbedding, NotSupported) as error:
            raise EngineFailed(f"The file of the voice {voice_id!r} cannot be used. {error.message}") from None
        except OSError as error:
            raise EngineFailed(f"The file of the voice {voice_id!r} cannot be read: {error}") from None

    def identity(self, voice_id: str) -> str | None:
        """Of a voice in VOICES_DIR, that of its file; a published one stays as it is."""
        return identity_of(self._folder.files(self._embeddings().suffix).get(voice_id))

    def add(self, name: str, data: bytes) -> Voice:
        """Check an embedding and store it in VOICES_DIR under a safe form of the name.

        Raises NotSupported for a recording, InvalidRequest for a bad file or a name that is bad or taken.
        """
        parse_embedding(data, self._embeddings())
        if safe_name(name) in self.known():
            raise name_taken(safe_name(name))
        return self.get(self._folder.store(name, data))

    def _known_here(self) -> Mapping[str, Voice]:
        """Those known without asking the hub: a voice on this machine never waits for it."""
        return self._voices_of(self._repo.names_here())

    def _is_here(self, voice_id: str) -> bool:
        now, suffix = self._clock(), self._embeddings().suffix
        if self._here_until.get(voice_id, now) > now:
            return True
        here = voice_id in self._folder.files(suffix) or bool(self._repo.here([voice_id + suffix]))
        if here:
            self._here_until[voice_id] = now + FRESH_S
        return here

    def _voices_of(self, names: list[str]) -> Mapping[str, Voice]:
        """The same object for as long as neither the list nor the folder changes: both are never written to."""
        suffix = self._embeddings().suffix
        own = self._folder.files(suffix)
        gathered = self._gathered
        if gathered is None or gathered[0] is not names or gathered[1] is not own:
            published = (name.removesuffix(suffix) for name in names if name.endswith(suffix))
            voices = {voice_id: _described(voice_id) for voice_id in (*own, *published)}
            self._gathered = gathered = names, own, voices
        return gathered[2]


_described = lru_cache(maxsize=4096)(describe)


def _read(path: Path, _changed_ns: int, _size: int, expected: EmbeddingFormat) -> Array:
    """The time and size are in the key of the cache: a file that was replaced is read again."""
    return read_embedding(path, expected)


def catalogue(settings: Settings, clock: Callable[[], float] = time.monotonic) -> EmbeddingVoices:
    """The voices as the settings have them. Connects to nothing."""
    hub = make_hub(settings)
    repo = VoiceRepo(hub, settings.voice_repo)
    folder = VoiceFolder(settings.voices_dir, settings.voices_quota_mb * MB)
    return EmbeddingVoices(repo, folder, ExpectedFormat(settings, hub), settings.default_voice, clock)


class ExpectedFormat:
    """What embeddings the checkpoint of the settings takes: those of Kyutai TTS 1.6B as long as it is not here."""

    def __init__(self, settings: Settings, hub: Hub) -> None:
        self._settings, self._hub = settings, hub
        self._found: EmbeddingFormat | None = None

    def __call__(self) -> EmbeddingFormat:
        if self._found is None:
            try:
                checkpoint = locate(self._settings, self._hub)
            except SpeechError:  # damaged: loading will say so
                checkpoint = None
            self._found = checkpoint.embeddings if checkpoint else None
        return self._found or EmbeddingFormat()
