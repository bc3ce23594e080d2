"""The voices as `say --list` shows them."""

from __future__ import annotations

from speech.voices.catalogue import Voice, VoiceCatalogue


def listing(voices: VoiceCatalogue) -> str:
    """A line each: id, language, licence, and what is to be known of it; the default is marked."""
    default = voices.default.id
    rows = [(voice.id, voice.language, voice.licence, _facts(voice, default)) for voice in voices.voices()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows
    )


def _facts(voice: Voice, default: str) -> str:
    facts = [
        "default" if voice.id == default else "",
        voice.gender or "",
        voice.style or "",
        "" if voice.commercial else "not for commercial use",
        "" if voice.cached else "to be fetched",
    ]
    return ", ".join(filter(None, facts))
