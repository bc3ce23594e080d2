"""The embedded voice: hibari-tts, a small English model inside its own wheel. Any CPU, no torch, no download."""

from __future__ import annotations

from speech.engines.base import Engine
from speech.engines.hibari.files import voice_files
from speech.engines.hibari.voice import HibariVoice
from speech.engines.sentence.engine import SentenceEngine
from speech.progress import Progress
from speech.settings import Settings


def build(settings: Settings, progress: Progress) -> Engine:
    """The engine, ready to speak."""
    progress("loading the embedded voice", 0, 0, None)
    return SentenceEngine(HibariVoice(voice_files(settings)), slots=settings.max_slots, max_queue=settings.max_queue)
