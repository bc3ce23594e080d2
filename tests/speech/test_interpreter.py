"""What a request means, without an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech.engines import ENGINES
from speech.errors import VoiceNotFound
from speech.interpreter import Interpreter
from speech.request import SpeechRequest
from speech.selection import EngineChoice
from speech.settings import Settings
from speech.voices.catalogue import Voice, VoiceCatalogue

EVERYBODYS = Voice("ours", "Ours", "en", "MIT", True)
MADE = Voice("mine", "Mine", "en", "own", False, made=True)


class Owned(VoiceCatalogue):
    """One voice that Anna made, beside one for all."""

    def of(self, owner: str) -> VoiceCatalogue:
        return VoiceCatalogue([EVERYBODYS, MADE] if owner == "anna" else [EVERYBODYS])


def interpreter(**settings: object) -> Interpreter:
    chosen = Settings.model_validate({"engine": "hibari", **settings})
    return Interpreter(chosen, EngineChoice(ENGINES["hibari"], "cpu", "for the test"), Owned([EVERYBODYS]))


@pytest.mark.parametrize("setting", [{"api_keys": "anna:secret"}, {"api_keys_file": Path("keys.txt")}])
def test_with_keys_from_anywhere_a_voice_belongs_to_its_maker(setting: dict[str, object]) -> None:
    meant = interpreter(**setting)
    assert [voice.id for voice in meant.voices_of("anna").voices()] == ["ours", "mine"]
    assert meant.settled(SpeechRequest("Hello.", voice="mine", caller="anna")).voice == "mine"
    assert [voice.id for voice in meant.voices_of("bert").voices()] == ["ours"]
    with pytest.raises(VoiceNotFound):
        meant.settled(SpeechRequest("Hello.", voice="mine", caller="bert"))


def test_without_keys_a_name_that_looks_like_a_key_proves_nothing() -> None:
    assert [voice.id for voice in interpreter().voices_of("anna").voices()] == ["ours"]


def test_what_is_left_out_is_settled() -> None:
    settled = interpreter().settled(SpeechRequest("Hello.", temperature=0.5))
    assert (settled.voice, settled.temperature, settled.cfg_coef) == ("ours", None, None)
