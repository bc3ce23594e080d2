"""Other names of voices: aliases that a person edits, OpenAI's by setting and by rule."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from speech.errors import VoiceNotFound
from speech.voices.catalogue import Voice, VoiceCatalogue
from speech.voices.names import ALIASES, GENDERS, VoiceNames


def make(name: str, language: str, gender: str, commercial: bool = True) -> Voice:
    return Voice(f"set/{name}.wav", name, language, "CC-BY-4.0", commercial, gender=gender)


VOICES = VoiceCatalogue(
    [
        make("a", "en", "female"),
        make("b", "en", "male"),
        make("c", "fr", "female"),
        make("d", "en", "female", commercial=False),
        make("e", "en", "female"),
        make("f", "en", "male"),
    ]
)


@pytest.fixture
def names(tmp_path: Path) -> VoiceNames:
    return VoiceNames({"Ash": "set/c.wav", "mine": "set/b.wav"}, tmp_path / ALIASES)


@pytest.mark.parametrize("name", [name for name in GENDERS if name != "ash"])
def test_each_name_has_a_fixed_voice_that_sounds_like_it(names: VoiceNames, name: str) -> None:
    voice = names.voice(name, VOICES)
    assert (voice.language, voice.commercial, voice.gender) == ("en", True, GENDERS[name])
    assert names.voice(name.upper(), VOICES) == voice


def test_names_are_spread_over_the_voices(tmp_path: Path) -> None:
    names = VoiceNames({}, tmp_path / ALIASES)
    assert {names.voice(name, VOICES).name for name in GENDERS} == {"a", "b", "e", "f"}


def test_the_setting_wins(names: VoiceNames) -> None:
    assert names.voice("ash", VOICES).name == "c"
    assert names.voice("mine", VOICES).name == "b"
    assert names.voice("SET/E.WAV", VOICES).name == "e"


def test_a_file_of_aliases_wins_over_the_setting_and_is_read_again(names: VoiceNames, tmp_path: Path) -> None:
    file = tmp_path / ALIASES
    file.write_text("# of another product\nRachel = set/e.wav  # close enough\nASH=set/f.wav\n")
    assert names.voice("rachel", VOICES).name == "e"
    assert names.voice("ash", VOICES).name == "f"
    file.write_text("Rachel = set/a.wav\n")
    os.utime(file, ns=(1, 1))
    assert names.voice("Rachel", VOICES).name == "a"
    assert names.voice("ash", VOICES).name == "c"
    file.unlink()
    with pytest.raises(VoiceNotFound):
        names.voice("rachel", VOICES)


def test_an_alias_hides_no_voice_and_must_mean_one(names: VoiceNames, tmp_path: Path) -> None:
    (tmp_path / ALIASES).write_text("set/a.wav = set/b.wav\nlost = gone\n")
    assert names.voice("set/a.wav", VOICES).name == "a"
    with pytest.raises(VoiceNotFound, match="gone"):
        names.voice("lost", VOICES)


def test_a_line_that_is_none_is_told(names: VoiceNames, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / ALIASES).write_text("nonsense\n\nRachel = set/e.wav\n")
    with caplog.at_level(logging.WARNING):
        assert names.voice("Rachel", VOICES).name == "e"
    assert "line 1" in caplog.text
