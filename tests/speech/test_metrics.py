"""What is counted, and what the access log says."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from speech.errors import EngineFailed, SpeechError, Unavailable
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.session import Speech
from speech.settings import Settings
from tests.fakes import fake_service
from tests.services import make_service
from tests.stage import StageEngine
from web.http.logs import JsonFormatter

HELLO = {"text": "Hello there.", "format": "pcm"}


def figures(service: SpeechService) -> dict[str, float]:
    """name{label values} -> value."""
    found = {}
    for family in text_string_to_metric_families(service.metrics.text().decode()):
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k != "le"}
            if "le" not in sample.labels:
                found[sample.name + "".join(f"{{{v}}}" for v in labels.values())] = sample.value
    return found


def staged(**environ: str) -> tuple[SpeechService, StageEngine]:
    settings = Settings.load({"ENGINE": "hibari", "GPU_IDLE_TIMEOUT": "-1", **environ})
    stage = StageEngine()
    return make_service(lambda _: stage, settings), stage


def fails(speech: Speech) -> None:
    with suppress(SpeechError):
        speech.start()


def test_speech_that_went_well() -> None:
    service = fake_service()
    client = create_app(service.settings, service).test_client()
    with client.post("/api/tts", json=HELLO) as answer:
        assert answer.status_code == 200
    found = figures(service)
    assert found["tts_requests_total{ok}"] == found["py_connect{all}"] == found["tts_loads_total"] == 1
    assert found["tts_words_total"] == 2
    assert found["tts_characters_total"] == len(HELLO["text"])
    assert found["tts_audio_seconds_total"] == pytest.approx(0.16)
    assert found["tts_first_audio_seconds_count"] == found["tts_pace_count"] == found["tts_queue_seconds_count"] == 1
    assert found["py_model_connection_num_steps_sum"] == pytest.approx(2)
    assert found["tts_streams_open"] == found["py_open_channels{all}"] == 0
    assert found["tts_model_loaded"] == 1
    assert found["py_total_steps{all}"] == found["py_active_steps{all}"] == found["tts_steps_total"]
    service.close()


def test_every_other_end_has_its_own_name() -> None:
    service, stage = staged(QUEUE_TIMEOUT="0.05")
    with service.speak(SpeechRequest("One.")) as first:
        reader = threading.Thread(target=first.start)
        reader.start()
        stage.next()
        with service.speak(SpeechRequest("Two.")) as late, pytest.raises(Unavailable):
            late.start()
        assert stage.next() is late.utterance
        assert figures(service)["tts_slots_used"] == figures(service)["py_open_channels{all}"] == 1
        stage.play(first.utterance, finish=False)
        reader.join()
    with service.speak(SpeechRequest("Three.")) as broken:
        reader = threading.Thread(target=fails, args=(broken,))
        reader.start()
        stage.next().fail(EngineFailed("It broke."))
        reader.join()
    with service.speak(SpeechRequest("Four.")) as empty:
        reader = threading.Thread(target=fails, args=(empty,))
        reader.start()
        stage.next().finish()
        reader.join()
    found = figures(service)
    for outcome in ("queue_timeout", "cancelled", "engine_failed", "nothing_to_say"):
        assert found[f"tts_requests_total{{{outcome}}}"] == 1
    assert "tts_requests_total{ok}" not in found
    service.close()


def test_how_long_steps_take() -> None:
    service, stage = staged()
    service.load()
    for taken_s in (0.012, 0.04, 0.5):
        stage.steps.add(taken_s)
    found = figures(service)
    assert found["tts_steps_total"] == found["py_total_steps{all}"] == found["py_active_steps{all}"] == 3
    assert found["py_model_step_duration_count"] == 3
    assert found["py_model_step_duration_sum"] == pytest.approx(0.552)
    text = service.metrics.text().decode()
    for limit, count in (("0.01", 0), ("0.015", 1), ("0.04", 2), ("0.08", 2), ("+Inf", 3)):
        assert f'py_model_step_duration_bucket{{le="{limit}"}} {count}.0' in text
    service.close()


def test_the_page_of_figures() -> None:
    service = fake_service()
    answer = create_app(service.settings, service).test_client().get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert "tts_slots_used" in answer.text


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(JsonFormatter().format(record)) for record in caplog.records]


@pytest.mark.parametrize("log_text", ["", "1"])
def test_one_line_about_speech(caplog: pytest.LogCaptureFixture, log_text: str) -> None:
    environ = {"ENGINE": "hibari", "API_KEYS": "alice:secret", "LOG_TEXT": log_text}
    service = fake_service(settings=Settings.load(environ))
    client = create_app(service.settings, service).test_client()
    with caplog.at_level(logging.INFO, logger="kyutai_tts.access"):
        headers = {"Authorization": "Bearer secret", "X-Request-Id": "abc"}
        with client.post("/api/tts/stream", json=HELLO, headers=headers) as answer:
            assert answer.data
    (line,) = [line for line in lines(caplog) if "outcome" in line]
    expected = {
        "request_id": "abc",
        "key": "alice",
        "voice": "heart",
        "characters": 12,
        "audio_s": 0.16,
        "outcome": "ok",
    }
    assert line.items() >= expected.items()
    assert isinstance(line["first_audio_s"], float)
    assert line.get("text") == (HELLO["text"] if log_text else None)
    assert ("Hello" in caplog.text) == bool(log_text)
    assert "secret" not in caplog.text
    service.close()
