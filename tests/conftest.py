"""What many tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from app import create_app
from speech.engines.hibari.voice import HibariVoice
from speech.engines.sentence.engine import SentenceEngine
from speech.service import SpeechService
from speech.settings import Settings
from tests.live_server import LiveServer, live_server
from tests.services import make_service
from tests.torchless import pytest_addoption, pytest_ignore_collect, pytest_terminal_summary  # noqa: F401 - hooks

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a shell starts what runs in the background so; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
# How fast examples are made and run says how busy the machine is, and nothing of what is tested.
hypothesis_settings.register_profile("kyutai-tts", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("kyutai-tts")


@pytest.fixture(scope="session")
def voice() -> HibariVoice:
    """The embedded voice, loaded once for all tests."""
    return HibariVoice()


@pytest.fixture
def settings() -> Settings:
    return Settings(engine="hibari", gpu_idle_timeout=-1)


@pytest.fixture
def service(settings: Settings, voice: HibariVoice) -> Iterator[SpeechService]:
    """A service of its own for each test, over the shared voice."""
    made = make_service(lambda _: SentenceEngine(voice, settings.max_slots or 8, settings.max_queue), settings)
    yield made
    made.close()


@pytest.fixture
def app(settings: Settings, service: SpeechService) -> Flask:
    return create_app(settings, service)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One real service for all tests that do not change it."""
    folder: Path = tmp_path_factory.mktemp("server")
    with live_server(folder, ENGINE="hibari") as running:
        yield running
