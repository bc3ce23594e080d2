"""Which engines there are. A new one is a file beside this and a row here; nothing is imported before it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speech.engines.base import Engine
    from speech.settings import Settings
    from speech.voices.catalogue import VoiceCatalogue


@dataclass(frozen=True)
class EngineSpec:
    """What is known of an engine without importing it."""

    name: str
    module: str  # holds build(settings, progress) -> Engine; imported when it is loaded
    voices: str  # holds catalogue(settings) -> VoiceCatalogue; imported at once, so it imports no model
    label: str
    model: str  # what speaks, as listed to clients
    languages: tuple[str, ...]
    sample_rate: int  # Hz
    needs_cuda: bool
    needs_modules: tuple[str, ...] = ()  # must be installed beside what the service itself needs
    cfg_coefs: tuple[float, ...] = ()  # what it takes; empty: the field is ignored, and the answer says so
    default_cfg_coef: float | None = None
    sampling: bool = False  # temperature, top_k and seed mean something

    def catalogue(self, settings: Settings) -> VoiceCatalogue:
        """The voices it has. Raises VoiceNotFound if the setting DEFAULT_VOICE names none of them."""
        voices: VoiceCatalogue = import_module(self.voices).catalogue(settings)
        return voices

    def build(self, settings: Settings, progress: Progress) -> Engine:
        """Import the engine's module and make one. Slow: seconds to minutes. Raises SpeechError."""
        engine: Engine = import_module(self.module).build(settings, progress)
        return engine


# What is being done, how much of it is done, how much there is (bytes), and how many seconds it will take, if known.
Progress = Callable[[str, float, float, float | None], None]

ENGINES: dict[str, EngineSpec] = {
    spec.name: spec
    for spec in (
        EngineSpec(
            name="hibari",
            module="speech.engines.hibari.engine",
            voices="speech.engines.hibari.catalogue",
            label="embedded voice (hibari)",
            model="hibari",
            languages=("en",),
            sample_rate=24_000,
            needs_cuda=False,
        ),
        EngineSpec(
            name="kyutai",
            module="speech.engines.kyutai.loading",
            voices="speech.engines.kyutai.voices",
            label="Kyutai TTS 1.6B",
            model="kyutai-tts-1.6b",
            languages=("en", "fr"),
            sample_rate=24_000,
            needs_cuda=True,
            needs_modules=("torch", "moshi"),
            cfg_coefs=(1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0),
            default_cfg_coef=2.0,
            sampling=True,
        ),
    )
}
