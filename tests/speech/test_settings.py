"""Settings: read once, strict about what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech.settings import Settings, SettingsError, unknown_names


def test_defaults_when_nothing_is_said() -> None:
    settings = Settings.load({})
    assert (settings.host, settings.port, settings.engine) == ("0.0.0.0", 8900, "auto")
    assert settings.gpu_idle_timeout is None  # the engine's own


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.load({"PORT": "", "GPU_IDLE_TIMEOUT": ""}) == Settings.load({})


def test_lists_are_separated_by_commas() -> None:
    assert Settings.load({"CORS_ORIGINS": "https://a.example, https://b.example,"}).cors_origins == (
        "https://a.example",
        "https://b.example",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "x86_64-conda-linux-gnu"),
        ("HOST", "my-machine"),
        ("PORT", "many"),
        ("PORT", "70000"),
        ("ENGINE", "Festival!"),
        ("DEVICE", "gpu"),
        ("GPU_IDLE_TIMEOUT", "-2"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load({name: value})
    assert name in str(raised.value)
    assert value in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=9000\nENGINE=hibari  # a comment\n")
    settings = Settings.load({"PORT": "9001"}, file)
    assert (settings.port, settings.engine) == (9001, "hibari")


def test_a_misspelt_name_in_the_file_is_reported_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("GPU_IDLE_TIMOUT=5\n")
    with pytest.raises(SettingsError, match="did you mean GPU_IDLE_TIMEOUT"):
        Settings.load({}, file)


def test_names_of_others_in_the_file_are_told_but_allowed(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("COMPOSE_PROJECT_NAME=tts\nPORT=9000\n")
    assert Settings.load({}, file).port == 9000
    assert unknown_names(file) == ["COMPOSE_PROJECT_NAME"]


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize(
    ("given", "host"),
    [("[::]", "::"), ("::1", "::1"), ("[::1]", "::1"), ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")],
)
def test_an_address_may_stand_in_brackets(given: str, host: str) -> None:
    assert Settings.load({"HOST": given}).host == host


def test_what_the_surroundings_set_changes_nothing() -> None:
    """Windows sets TEMP, Kubernetes variables for each service; others write levels and switches in capitals."""
    surroundings = {"TEMP": "C:\\Temp", "TMP": "/tmp", "TTS_PORT": "tcp://10.0.0.1:8900", "USER": "x", "NAME": "y"}
    assert Settings.load(surroundings) == Settings.load({})
    assert Settings.load({"LOG_LEVEL": "WARN", "HF_HUB_OFFLINE": "YES"}) == Settings(
        log_level="warning", hf_hub_offline=True
    )
