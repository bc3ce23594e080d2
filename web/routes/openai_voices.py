"""OpenAI's names of voices -> the voices that are here: always the same one for a name, by the setting or by rule."""

from __future__ import annotations

from speech.service import SpeechService
from speech.voices.catalogue import Voice

GENDERS = {
    "alloy": "female",
    "ash": "male",
    "ballad": "male",
    "cedar": "male",
    "coral": "female",
    "echo": "male",
    "fable": "male",
    "marin": "female",
    "nova": "female",
    "onyx": "male",
    "sage": "female",
    "shimmer": "female",
    "verse": "male",
}  # as they sound; a voice of the other gender would surprise


def resolve(name: str, service: SpeechService) -> Voice:
    """The voice meant by an id or by one of OpenAI's names; case does not matter. Raises VoiceNotFound."""
    everyone = service.voices.voices()
    if voice := next((v for v in everyone if v.id == name), None):
        return voice
    lower = name.lower()
    chosen = {key.lower(): voice_id for key, voice_id in service.settings.openai_voices.items()}
    if lower in chosen:
        return service.voices.get(chosen[lower])
    if voice := next((v for v in everyone if v.id.lower() == lower), None):
        return voice
    if lower in GENDERS:
        return by_rule(lower, everyone, service.voices.default)
    return service.voices.get(name)


def by_rule(name: str, everyone: list[Voice], default: Voice) -> Voice:
    """Spread over the English voices of the name's gender that may be used commercially, in the catalogue's order."""
    alike = [n for n, gender in GENDERS.items() if gender == GENDERS[name]]
    fit = [v for v in everyone if v.language == "en" and v.commercial and v.gender == GENDERS[name]]
    return fit[alike.index(name) * len(fit) // len(alike)] if fit else default
