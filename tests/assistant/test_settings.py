"""The MCP server's own settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.settings import AssistantSettings, AssistantSettingsError

WRONG = ("localhost:8900", "ftp://speech", "http://", "http://:8900", "http://speech:99999", "http://a b")


def test_the_defaults_need_nothing() -> None:
    settings = AssistantSettings.load({"PATH": "/bin", "KYUTAI_TTS_URL": ""})
    assert settings.backend == "auto"
    assert settings.url == ""
    assert settings.output_dir == Path.home() / "kyutai-tts"
    assert settings.inline_audio_bytes == 0


def test_everything_can_be_set() -> None:
    settings = AssistantSettings.load(
        {
            "KYUTAI_TTS_URL": "https://speech.example/tts",
            "KYUTAI_TTS_API_KEY": "secret",
            "KYUTAI_TTS_OUTPUT_DIR": "~/audio",
            "KYUTAI_TTS_ALLOWED_DIRS": os.pathsep.join(["/a", "/b"]),
            "KYUTAI_TTS_TIMEOUT": "12.5",
        }
    )
    assert settings.url == "https://speech.example/tts"
    assert settings.api_key is not None
    assert "secret" not in repr(settings)
    assert settings.output_dir == Path.home() / "audio"
    assert settings.allowed_dirs == (Path("/a"), Path("/b"))
    assert settings.timeout == 12.5


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("KYUTAI_TTS_OUTPUT_DIRS", "/x", "did you mean KYUTAI_TTS_OUTPUT_DIR"),
        ("KYUTAI_TTS_OUTPUT_DIR", "${workspaceFolder}/x", "did not fill in"),
        ("KYUTAI_TTS_OUTPUT_DIR", "audio", "KYUTAI_TTS_OUTPUT_DIR is not allowed: must be an absolute path"),
        *(("KYUTAI_TTS_URL", url, "KYUTAI_TTS_URL is not allowed: must be the address of a service") for url in WRONG),
        ("KYUTAI_TTS_BACKEND", "http", "KYUTAI_TTS_BACKEND is not allowed: must be one of auto, service, local"),
        ("KYUTAI_TTS_TIMEOUT", "soon", "KYUTAI_TTS_TIMEOUT is not allowed: must be a number above 0"),
    ],
)
def test_a_wrong_one_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(AssistantSettingsError, match=told.replace("$", r"\$")):
        AssistantSettings.load({name: value})


def test_the_services_own_folder_is_taken_if_it_has_one() -> None:
    assert AssistantSettings.load({"OUTPUT_DIR": "/outputs"}).output_dir == Path("/outputs")
    both = AssistantSettings.load({"OUTPUT_DIR": "/outputs", "KYUTAI_TTS_OUTPUT_DIR": "/mine"})
    assert both.output_dir == Path("/mine")
    assert AssistantSettings.load({"OUTPUT_DIR": "outputs"}).output_dir.is_absolute()


@pytest.mark.parametrize(
    ("given", "url"), [("ws://box:8900", "http://box:8900"), ("wss://tts.example/x", "https://tts.example/x")]
)
def test_the_address_that_unmute_wants_will_do(given: str, url: str) -> None:
    assert AssistantSettings.load({"KYUTAI_TTS_URL": given}).url == url


def test_what_kubernetes_sets_for_a_service_of_that_name_changes_nothing() -> None:
    names = ("PORT", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_8900_TCP", "PORT_8900_TCP_ADDR")
    given = {f"KYUTAI_TTS_{name}": "tcp://10.0.0.1:8900" for name in (*names, "PORT_8900_TCP_PORT")}
    assert AssistantSettings.load(given) == AssistantSettings.load({})
