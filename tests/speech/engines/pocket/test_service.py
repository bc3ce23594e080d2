"""ENGINE=pocket through the doors, as the service is built."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from flask.testing import FlaskClient

from app import create_app
from gpu_manager import GPUManager
from speech.service import SpeechService, build_service
from speech.settings import Settings
from tests.speech.engines.pocket.helpers import CASES, Reference, expected


@pytest.fixture(scope="module")
def service(checkpoint: Path) -> Iterator[SpeechService]:
    names = {"ENGINE": "pocket", "MODEL_DIR": str(checkpoint), "POCKET_QUANTIZE": "false", "TEMPERATURE": "0"}
    service = build_service(Settings.load(names), GPUManager())
    yield service
    service.close()


@pytest.fixture(scope="module")
def client(service: SpeechService) -> FlaskClient:
    return create_app(service.settings, service).test_client()


def test_api_tts_says_what_pocket_tts_says(client: FlaskClient, reference: Reference) -> None:
    case = CASES[4]
    answer = client.post("/api/tts", json={"text": case.text, "voice": case.voice})
    assert answer.status_code == 200, answer.text
    samples, rate = soundfile.read(io.BytesIO(answer.data), dtype="float32")
    right = expected(reference(case))
    assert (rate, len(samples)) == (24_000, len(right))
    assert np.abs(samples - right).max() < 2e-4  # 16 bits


def test_openai_s_api(client: FlaskClient) -> None:
    body = {"model": "tts-1", "input": CASES[1].text, "voice": "v1", "response_format": "wav"}
    answer = client.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200, answer.text
    assert len(soundfile.read(io.BytesIO(answer.data))[0]) > 1920


def test_voices_are_listed(client: FlaskClient) -> None:
    listed = client.get("/api/voices").get_json()
    assert [voice["id"] for voice in listed["voices"]] == ["v0", "v1", "v2"]
    assert listed["default"] == "v0"


def test_cfg_coef_is_not_its_own(client: FlaskClient) -> None:
    """Ignored, and said so: the row of ENGINES lists no value of it."""
    answer = client.post("/api/tts", json={"text": "Rain.", "cfg_coef": 2.0})
    assert answer.status_code == 200
    assert "cfg_coef" in " ".join(value for _, value in answer.headers)


def test_uploading_a_recording_is_refused(client: FlaskClient) -> None:
    files = {"file": (io.BytesIO(b"RIFF" + bytes(100)), "me.wav"), "name": "me"}
    assert client.post("/api/voices", data=files).status_code == 501
