"""Health, readiness, status, load and release through Flask's test client."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from speech.engines.base import Utterance
from speech.gpus import GPU
from speech.request import SpeechRequest
from speech.selection import EngineChoice, choose_engine
from speech.service import SpeechService
from speech.settings import Settings
from tests.fakes import Gate, fake_service
from tests.services import make_service
from tests.waiting import wait_until

WAIT_S = 10.0
STATUS_FIELDS = [
    "available",
    "device",
    "device_name",
    "engine",
    "state",
    "model_loaded",
    "memory_used_gb",
    "memory_total_gb",
    "slots_total",
    "slots_used",
    "queue_depth",
    "idle_timeout_s",
    "seconds_until_release",
    "load_seconds",
    "last_error",
]


def test_health_says_who_we_are_and_never_loads(client: FlaskClient, service: SpeechService) -> None:
    body = client.get("/health").json
    assert body is not None
    assert body["service"] == "kyutai-tts"
    assert (body["status"], body["engine"], body["model_loaded"], body["draining"]) == ("ok", "hibari", False, False)
    assert service.manager.status().loads == 0


def test_health_and_status_answer_while_the_model_loads() -> None:
    gate = Gate()
    service = fake_service(gate)
    client = create_app(service.settings, service).test_client()
    loader = threading.Thread(target=service.load)
    loader.start()
    assert gate.reached.wait(WAIT_S)
    health, status = client.get("/health").json, client.get("/api/gpu/status").json
    assert health is not None
    assert status is not None
    assert (health["state"], health["model_loaded"]) == ("loading", False)
    assert status["loading"]["doing"] == "waiting at the gate"
    assert client.get("/ready").status_code == 200
    gate.open.set()
    loader.join(WAIT_S)
    service.close()


def test_status_has_every_field_and_null_where_nothing_is_known(client: FlaskClient) -> None:
    client.post("/api/tts", json={"text": "Hello."})
    body = client.get("/api/gpu/status").json
    assert body is not None
    for name in STATUS_FIELDS:
        assert name in body, name
    assert (body["available"], body["device"], body["state"], body["memory_total_gb"]) == (False, "cpu", "ready", None)
    assert body["slots_total"] == 8
    assert body["load_seconds"] >= 0


def test_status_shows_the_gpu_that_is_used() -> None:
    gpu = GPU(1, "GPU-1", "Fake 24 GB", 2_000_000_000, 24_000_000_000)
    settings = Settings()
    choice = EngineChoice(choose_engine(Settings(engine="hibari"), []).spec, "cuda:0", "for the test", gpu)
    service = make_service(None, settings, choice=choice, gpus=lambda: [gpu])
    body = create_app(settings, service).test_client().get("/api/gpu/status").json
    assert body is not None
    assert (body["available"], body["device_name"], body["memory_used_gb"]) == (True, "Fake 24 GB", 2.0)


def test_load_and_offload(client: FlaskClient) -> None:
    assert client.post("/api/gpu/offload").json["released"] is False  # type: ignore[index]
    assert client.post("/api/gpu/load").json["model_loaded"] is True  # type: ignore[index]
    assert client.post("/api/gpu/offload", json={}).json["released"] is True  # type: ignore[index]
    assert client.get("/health").json["model_loaded"] is False  # type: ignore[index]
    assert client.post("/api/tts", json={"text": "Hello again."}).status_code == 200


def test_offload_refuses_under_a_stream_unless_forced(client: FlaskClient, service: SpeechService) -> None:
    with service.speak(SpeechRequest("One. Two. Three.")) as speech:
        speech.start()
        refused = client.post("/api/gpu/offload")
        assert refused.status_code == 409
        assert refused.json is not None
        assert refused.json["error"]["code"] == "engine_busy"
        assert client.post("/api/gpu/offload", json={"force": True}).status_code == 200
    assert client.post("/api/tts", json={"text": "Hello again."}).status_code == 200


def test_offload_names_a_bad_field(client: FlaskClient) -> None:
    answer = client.post("/api/gpu/offload", json={"force": "perhaps"})
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["param"] == "force"


def test_draining_refuses_new_speech_and_says_so(client: FlaskClient, service: SpeechService) -> None:
    service.drain()
    refused = client.post("/api/tts", json={"text": "Hello."})
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert client.get("/ready").status_code == 503
    health = client.get("/health")
    assert health.status_code == 200
    assert health.json is not None
    assert health.json["draining"] is True


def test_a_failed_load_is_a_503_with_the_reason_and_not_ready() -> None:
    gate = Gate(fail_with="2.1 GB of GPU memory are missing")
    gate.open.set()
    service = fake_service(gate)
    client = create_app(service.settings, service).test_client()
    answer = client.post("/api/tts", json={"text": "Hello."})
    assert answer.status_code == 503
    assert answer.json is not None
    assert "2.1 GB" in answer.json["error"]["message"]
    assert client.get("/ready").status_code == 503
    assert client.get("/health").json["last_error"] == "2.1 GB of GPU memory are missing"  # type: ignore[index]
    gate.fail_with = None
    assert client.post("/api/tts", json={"text": "Hello."}).status_code == 200
    service.close()


def test_strangers_see_that_something_failed_and_no_more() -> None:
    """The reason may hold a path. It is for those with a key, and for everybody where none is needed."""
    gate = Gate(fail_with="/srv/models/model.safetensors is damaged")
    gate.open.set()
    service = fake_service(gate, Settings.load({"ENGINE": "hibari", "API_KEYS": "ann:secret"}))
    client = create_app(service.settings, service).test_client()
    key = {"Authorization": "Bearer secret"}
    assert client.get("/health").json["last_error"] is None  # type: ignore[index]
    assert "/srv" in client.post("/api/tts", json={"text": "Hello."}, headers=key).text
    for stranger in ({}, {"Authorization": "Bearer wrong"}):
        answer = client.get("/health", headers=stranger)
        assert (answer.status_code, "/srv" in answer.text) == (200, False)
        assert answer.json["last_error"] is not None  # type: ignore[index]
    assert "/srv" in client.get("/health", headers=key).text
    service.close()


def test_a_release_by_force_says_when_to_come_again(client: FlaskClient, service: SpeechService) -> None:
    """The request that it hits has not been answered yet: it waits behind others of its caller, who say nothing.

    Another caller would soon get the slot of one of them.
    """
    spoken: list[TestResponse] = []
    silent = SpeechRequest(caller="127.0.0.1", voice=service.voices.default.id)
    with service.manager.use() as engine:
        for _ in range(engine.status().slots_total):
            engine.start(Utterance(silent))
        asking = threading.Thread(target=lambda: spoken.append(client.post("/api/tts", json={"text": "Hello."})))
        asking.start()
        wait_until(lambda: service.engine_status().queue_depth == 1)
        service.release(force=True)
        asking.join(WAIT_S)
    assert [(answer.status_code, answer.json["error"]["code"]) for answer in spoken] == [(503, "engine_closed")]  # type: ignore[index]
    assert spoken[0].headers["Retry-After"] == "1"


def test_too_many_open_streams_are_refused_before_anything_is_computed() -> None:
    gate = Gate()
    service = fake_service(gate, Settings(engine="hibari", max_slots=1, max_queue=1))
    client = create_app(service.settings, service).test_client()
    held = [service.speak(SpeechRequest("Hello.")) for _ in range(2)]
    refused = client.post("/api/tts", json={"text": "Hello."})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json is not None
    assert refused.json["error"]["type"] == "rate_limit_error"
    assert not gate.reached.is_set()
    for speech in held:
        speech.close()
    gate.open.set()
    assert client.post("/api/tts", json={"text": "Hello."}).status_code == 200
    service.close()


def test_cors_only_for_those_who_are_named(service: SpeechService) -> None:
    settings = service.settings.model_copy(update={"cors_origins": ("https://a.example",)})
    service.settings = settings
    client = create_app(settings, service).test_client()
    ours = client.get("/health", headers={"Origin": "https://a.example"})
    theirs = client.get("/health", headers={"Origin": "https://b.example"})
    assert ours.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "X-Engine" in ours.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in theirs.headers


def test_a_bad_setting_ends_the_start_with_one_line(tmp_path: Path) -> None:
    import subprocess
    import sys

    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, str(root / "app.py")], cwd=tmp_path, env={"PORT": "many"}, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "PORT='many'" in ended.stderr


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 200), (b"--x--\r\n", 200), (b"--x\r\n[1]\r\n--x--\r\n", 400), (b"nonsense", 400)]
)
def test_a_multipart_body_that_is_no_form_is_not_taken_for_an_empty_one(
    client: FlaskClient, body: bytes, status: int
) -> None:
    answer = client.post("/api/gpu/offload", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == status
