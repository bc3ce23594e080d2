"""The embedded engine's voices: the one inside its wheel. The package can fetch others; this service never does."""

from __future__ import annotations

from speech.settings import Settings
from speech.voices.catalogue import Voice, VoiceCatalogue

HEART = Voice(
    id="heart",
    name="Heart",
    language="en",
    licence="Apache-2.0",
    commercial=True,
    set="hibari",
    gender="female",
    style="neutral",
)


def catalogue(settings: Settings) -> VoiceCatalogue:
    """The one voice."""
    return VoiceCatalogue([HEART], default=settings.default_voice)
