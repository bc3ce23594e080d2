"""The production path: settings, a Hugging Face cache, the service, HTTP. Offline, on the CPU, the tiny checkpoint."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from flask import Flask

from app import create_app
from gpu_manager import GPUManager, State
from speech.engines.batch.stepper import fade
from speech.service import SpeechService, build_service
from speech.settings import Settings
from tests.live_server import ROOT
from tests.speech.engines.kyutai.checkpoint import VOICES, lay_out_cache
from tests.speech.engines.kyutai.helpers import CASES, Case
from tests.speech.engines.kyutai.model import Reference

SLOTS, QUEUE = 4, 8


@pytest.fixture(scope="module")
def settings(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("hf")
    lay_out_cache(checkpoint, home)
    return Settings(
        engine="kyutai",
        device="cpu",
        hf_home=home,
        hf_hub_offline=True,
        voices_dir=home / "voices",
        default_voice=VOICES[0],
        output_dir=home / "outputs",
        max_slots=SLOTS,
        max_queue=QUEUE,
        n_q=8,
        temperature=0,
        gpu_idle_timeout=-1,
    )


@pytest.fixture(scope="module")
def service(settings: Settings) -> Iterator[SpeechService]:
    service = build_service(settings, GPUManager())
    yield service
    service.close()


@pytest.fixture(scope="module")
def app(settings: Settings, service: SpeechService) -> Flask:
    return create_app(settings, service)


def ask(app: Flask, case: Case) -> Any:
    body = {"text": case.text, "voice": case.voice, "cfg_coef": case.cfg_coef, "format": "wav"}
    return app.test_client().post("/api/tts", json=body, buffered=True)


def test_twelve_at_once_on_four_slots(app: Flask, service: SpeechService, reference: Reference) -> None:
    """All are answered, and each with what moshi says for its text."""
    cases = [CASES[2], CASES[3], CASES[5]] * 4
    with ThreadPoolExecutor(len(cases)) as pool:
        answers = list(pool.map(lambda case: ask(app, case), cases))
    assert [answer.status_code for answer in answers] == [200] * 12
    for case, answer in zip(cases, answers, strict=True):
        heard, rate = soundfile.read(io.BytesIO(answer.data), dtype="float32")
        expected = fade(reference(case)[1], rate, start=True, stop=True)
        assert len(heard) == len(expected)
        assert np.abs(heard - expected).max() < 2e-4, "16 bits"
    status = service.status()
    assert (status.slots_total, status.slots_used, status.queue_depth) == (SLOTS, 0, 0)


def test_one_more_than_slots_and_queue_is_refused(app: Flask, service: SpeechService) -> None:
    """With 429 and Retry-After; nothing of it was computed, and a place that is free again can be taken."""
    held = [service.open(Case("", VOICES[1]).request) for _ in range(SLOTS + QUEUE)]
    refused = ask(app, CASES[2])
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    held.pop().close()
    assert ask(app, CASES[2]).status_code == 200
    for speech in held:
        speech.close()


def test_it_loads_again_after_a_release(app: Flask, service: SpeechService) -> None:
    first = ask(app, CASES[2])
    assert service.release()
    assert service.manager.status().state is State.UNLOADED
    again = ask(app, CASES[2])
    assert again.data == first.data
    assert service.manager.status().loads >= 2


def test_settings_that_are_empty_are_unset_for_the_hubs_library_too() -> None:
    """As compose hands on what is not set."""
    empty = dict.fromkeys((name.upper() for name in Settings.model_fields), "")
    code = (  # in the service's order: the voices first, then the engine, which brings the library along
        "import speech.engines.kyutai.voices, moshi.models.loaders; from huggingface_hub import constants as c;"
        "print(c.ENDPOINT, c.HF_HUB_DISABLE_XET)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | empty, capture_output=True, text=True, check=True
    ).stdout
    assert asked == "https://huggingface.co True\n"
