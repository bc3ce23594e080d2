"""The answer to `describe`: one program, and the voices as the catalogue has them."""

from __future__ import annotations

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from speech.service import VERSION, SpeechService
from speech.voices.catalogue import Voice

NAME = "kyutai-tts"


def info(service: SpeechService) -> Info:
    spec, offline = service.choice.spec, service.settings.hf_hub_offline
    program = TtsProgram(
        name=NAME,
        attribution=Attribution(name=spec.label, url=""),
        installed=True,
        description=f"Kyutai TTS service: {spec.label}",
        version=VERSION,
        voices=[_voice(voice, offline) for voice in service.voices.voices()],
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program])


def _voice(voice: Voice, offline: bool) -> TtsVoice:
    """Clients leave out what is not installed. A voice that can be fetched when it is asked for counts as installed."""
    told = ", ".join(filter(None, (voice.gender, voice.style)))
    return TtsVoice(
        name=voice.id,
        attribution=Attribution(name=f"{voice.set}, {voice.licence}" if voice.set else voice.licence, url=""),
        installed=voice.cached or not offline,
        description=f"{voice.name} ({told})" if told else voice.name,
        version=None,
        languages=[voice.language],
    )
