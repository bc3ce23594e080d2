"""The ready voices of Pocket TTS: what they were made of, what that allows, where they lie. Reads no file."""

from __future__ import annotations

from dataclasses import replace

from speech.engines.pocket.files import HubFile
from speech.engines.pocket.sources import LANGUAGES
from speech.voices.catalogue import Voice
from speech.voices.folder import EMBEDDING
from speech.voices.sets import OWN_SET, UNKNOWN_LICENCE, describe

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
# Those that speak another language than English by nature.
NATIVE = {voice: language for language, voice in LANGUAGES.values()}


def state_file(voice_id: str, model: str) -> HubFile:
    """Where the voice's state for a model lies."""
    return HubFile(REPO, f"languages/{model}/embeddings/{voice_id}{EMBEDDING}", REVISION)


def own_voice(name: str, language: str) -> Voice:
    """A user's own, of unknown licence."""
    return Voice(name, name, language, UNKNOWN_LICENCE, False, OWN_SET)


def described(name: str, language: str) -> Voice:
    """Of a ready voice, what the recording's set tells."""
    if name not in ORIGINS:
        return own_voice(name, language)
    readable = name.replace("_", " ").title()
    if not ORIGINS[name]:
        return Voice(name, readable, language, UNKNOWN_LICENCE, False)
    return replace(describe(ORIGINS[name]), id=name, name=readable, language=language)
