"""A new engine is a file and a row: with no other file touched it is chosen, listed, and speaks through HTTP."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from flask.testing import FlaskClient

from app import create_app
from gpu_manager import GPUManager
from scripts import engines as for_bash
from speech.engines import ENGINES
from speech.engines.spec import EngineSpec
from speech.selection import choose_engine
from speech.service import SpeechService, build_service
from speech.settings import Settings

TOY = EngineSpec(
    name="toy",
    module="tests.toy_engine",
    voices="tests.toy_engine",
    label="one that hums",
    model="hummer",
    languages=("en",),
    sample_rate=16_000,
    rank=1,
    needs_cuda=False,
    idle_timeout_s=-1,
    requirements="requirements.txt",
)


@pytest.fixture
def toy() -> Iterator[EngineSpec]:
    ENGINES[TOY.name] = TOY
    yield TOY
    del ENGINES[TOY.name]


@pytest.fixture
def service(toy: EngineSpec) -> Iterator[SpeechService]:
    service = build_service(Settings.load({"ENGINE": "toy"}), GPUManager())
    yield service
    service.close()


@pytest.fixture
def client(service: SpeechService) -> FlaskClient:
    return create_app(service.settings, service).test_client()


def test_it_speaks_through_http(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": "One two three.", "cfg_coef": 2.0})
    assert answer.status_code == 200, answer.text
    samples, rate = soundfile.read(io.BytesIO(answer.data))
    assert (rate, len(samples)) == (16_000, 12_000)
    spectrum = np.abs(np.fft.rfft(samples))
    assert abs(np.fft.rfftfreq(len(samples), 1 / rate)[spectrum.argmax()] - 220) < 2
    assert (answer.headers["X-Engine"], answer.headers["X-Voice"], answer.headers["X-Ignored"]) == (
        "toy",
        "hum",
        "cfg_coef",
    )


def test_it_is_listed(client: FlaskClient) -> None:
    info = client.get("/api/info").json
    assert info is not None
    assert info["engine"]["label"] == "one that hums"
    assert info["engine"]["languages"] == ["en"]
    assert client.get("/health").json["engine"] == "toy"  # type: ignore[index]
    assert [voice["id"] for voice in client.get("/api/voices").json["voices"]] == ["hum"]  # type: ignore[index]
    assert "hummer" in [model["id"] for model in client.get("/v1/models").json["data"]]  # type: ignore[index]


def test_auto_takes_it_by_its_rank(toy: EngineSpec) -> None:
    assert choose_engine(Settings(), []).spec is toy


def test_scripts_read_its_row(toy: EngineSpec, capsys: pytest.CaptureFixture[str]) -> None:
    assert for_bash.main(["check", "toy"]) == 0
    assert for_bash.main(["gpu", "toy"]) == 1
    assert for_bash.main(["image", "toy"]) == 1
    assert for_bash.packages("toy", "auto", gpu=True) == ["requirements.txt"]
    assert for_bash.chosen("auto", "auto", gpu=False) is toy
    assert for_bash.main(["list"]) == 0
    assert "  toy     one that hums: en; any CPU" in capsys.readouterr().out


def test_a_wrong_name_is_told_to_bash(capsys: pytest.CaptureFixture[str]) -> None:
    assert for_bash.main(["check", "espeak"]) == 1
    assert capsys.readouterr().err.startswith("ENGINE=espeak is none of auto, ")


def test_the_rows_need_nothing_but_the_standard_library() -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-I", "-S", str(root / "scripts/engines.py"), "packages", "auto", "auto", "no"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.endswith(".txt\n")
