"""Where an installation keeps its things, and what counts from there."""

from __future__ import annotations

from pathlib import Path

from cli.home import ROOT, home
from speech.settings import Settings


def test_a_checkout_keeps_them_in_itself() -> None:
    assert home({}) == ROOT


def test_an_installed_copy_keeps_them_in_the_user_s_data(tmp_path: Path) -> None:
    assert home({"XDG_DATA_HOME": "/data"}, tmp_path) == Path("/data/kyutai-tts")
    usual = Path.home() / ".local/share/kyutai-tts"
    assert home({}, tmp_path) == usual
    assert home({"XDG_DATA_HOME": "relative"}, tmp_path) == usual
    assert home({"KYUTAI_TTS_HOME": "/there", "XDG_DATA_HOME": "/data"}, tmp_path) == Path("/there")


def test_folders_count_from_the_file_of_settings_and_those_of_the_environment_do_not(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("LEXICON_DIR=words\nMODEL_DIR=/models\n")
    settings = Settings.load({"OUTPUT_DIR": "here"}, file)
    assert settings.voices_dir == tmp_path / "voices"
    assert settings.lexicon_dir == tmp_path / "words"
    assert settings.model_dir == Path("/models")
    assert settings.output_dir == Path("here")
