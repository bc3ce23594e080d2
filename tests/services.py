"""The one place where tests put a SpeechService together."""

from __future__ import annotations

from collections.abc import Callable

from gpu_manager import GPUManager
from speech.engines.base import Engine
from speech.gpus import GPU
from speech.progress import Progress
from speech.selection import EngineChoice, choose_engine, idle_timeout_s
from speech.service import SpeechService
from speech.settings import Settings
from speech.voices.catalogue import VoiceCatalogue


def make_service(
    build: Callable[[Progress], Engine] | None = None,
    settings: Settings | None = None,
    *,
    choice: EngineChoice | None = None,
    voices: VoiceCatalogue | None = None,
    gpus: Callable[[], list[GPU]] = list,
) -> SpeechService:
    """A service over a manager of its own, nothing loaded yet. The caller closes it.

    build: makes the engine at the first use; None: the test never speaks. settings: by default the embedded voice, kept
    for ever. choice, voices: by default what the settings choose, and that engine's own.
    """
    settings = settings or Settings(engine="hibari", gpu_idle_timeout=-1)
    manager = GPUManager()
    choice = choice or choose_engine(settings, [])
    if build:
        manager.configure(build, idle_timeout_s(settings, choice.spec))
    return SpeechService(settings, choice, voices or choice.spec.catalogue(settings), manager, gpus)
