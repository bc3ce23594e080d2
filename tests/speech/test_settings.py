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


def test_an_origin_is_as_browsers_send_it() -> None:
    assert Settings.load({"CORS_ORIGINS": "https://a.example/,null,*"}).cors_origins == (
        "https://a.example",
        "null",
        "*",
    )


PORT = "must be a whole number from 0 to 65535"
ORIGIN = "each part must be an origin such as https://app.example.org, null, or * for all"
ADDRESS = "must be an IP address such as 0.0.0.0, 127.0.0.1 or ::, or localhost"
WEB = "each must be an address with http:// or https://, such as http://127.0.0.1:8900"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HOST", "x86_64-conda-linux-gnu", ADDRESS),
        ("HOST", "my-machine", ADDRESS),
        ("PORT", "many", PORT),
        ("PORT", "70000", PORT),
        ("ENGINE", "Festival!", "must be auto or the name of an engine, in small letters"),
        ("DEVICE", "gpu", "must be auto, cpu, cuda, or cuda:N for the GPU of that number"),
        ("GPU_IDLE_TIMEOUT", "-2", "must be a number of at least -1"),
        ("QUEUE_TIMEOUT", "0", "must be a number above 0"),
        ("DRAIN_TIMEOUT", "inf", "must be a number of at least 0"),
        ("TEMPERATURE", "hot", "must be a number from 0 to 2"),
        ("LOG_TEXT", "maybe", "must be true or false"),
        ("LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        ("CORS_ORIGINS", "app.example.org", ORIGIN),
        ("CORS_ORIGINS", "https://app.example.org/page", ORIGIN),
        ("JOB_WORKERS", "http://a:8900,b:8900", WEB),
        ("HF_ENDPOINT", "mirror.example.org", WEB),
        ("POCKET_MODEL", "../x", "must be the name of a model"),
        ("WYOMING_ZEROCONF", "a.b", "must be 1 to 60 letters, digits, blanks, - and _"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it_and_says_what_is_allowed(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load({name: value})
    assert str(raised.value).startswith(f"{name}={value!r} is not allowed: {told}")
    assert "\n" not in str(raised.value)


def test_keys_that_hold_none_do_not_open_the_service() -> None:
    with pytest.raises(SettingsError, match=r"^API_KEYS=\.\.\. is not allowed: there is no key in it"):
        Settings.load({"API_KEYS": " , "})


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
