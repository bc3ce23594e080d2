"""Our own server-sent events: order, contents, waiting, failing, leaving."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Iterator
from itertools import pairwise

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from gpu_manager import State
from speech.errors import EngineFailed
from speech.service import SpeechService
from speech.settings import Settings
from tests.services import make_service
from tests.stage import StageEngine
from tests.waiting import wait_until
from tests.web.http.events import read_events

TEXT = "Hello 😀 there, old friend."


@pytest.fixture
def stage() -> StageEngine:
    return StageEngine()


@pytest.fixture
def staged(stage: StageEngine, settings: Settings) -> Iterator[SpeechService]:
    service = make_service(lambda _: stage, settings)
    service.load()
    yield service
    service.close()


@pytest.fixture
def staged_app(settings: Settings, staged: SpeechService) -> Flask:
    return create_app(settings, staged)


def ask(app: Flask, **fields: object):  # type: ignore[no-untyped-def]
    return app.test_client().post("/api/tts", json={"text": TEXT, "format": "pcm", "stream_format": "sse", **fields})


def test_the_embedded_voice_sends_everything_that_a_page_needs(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": TEXT, "format": "pcm", "stream_format": "sse", "cfg_coef": 2.0})
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    events = list(read_events([answer.data]))
    names = [name for name, _ in events]
    data = dict(events)
    assert names[0] in ("loading", "queued")
    assert names[-1] == "done"
    assert (
        data["start"].items() >= {"engine": "hibari", "voice": "heart", "format": "pcm", "sample_rate": 24_000}.items()
    )
    assert data["start"]["ignored"] == ["cfg_coef"]
    assert data["start"]["words_total"] == data["progress"]["words_total"] == 5
    audio = b"".join(b64decode(data["audio"]) for name, data in events if name == "audio")
    assert audio == client.post("/api/tts", json={"text": TEXT, "format": "pcm"}).data
    assert data["done"]["audio_s"] == pytest.approx(len(audio) / 48_000, abs=0.001)
    words = [data for name, data in events if name == "word"]
    assert [TEXT.encode("utf-16-le")[2 * w["from"] : 2 * w["to"]].decode("utf-16-le") for w in words] == [
        w["word"] for w in words
    ]
    assert [(w["index"], w["word"]) for w in words] == [(0, "Hello"), (2, "there,"), (3, "old"), (4, "friend.")]
    assert all(w["start_s"] < w["stop_s"] for w in words)
    assert all(a["stop_s"] <= b["start_s"] for a, b in pairwise(words))
    assert data["done"]["words"] == data["progress"]["words_done"] == 5, "also what is not said was passed"


def test_a_word_comes_before_the_audio_in_which_it_begins(staged_app: Flask, stage: StageEngine) -> None:
    answer = ask(staged_app)
    stage.play(stage.next(), "Hello", "there,")
    names = [name for name, _ in read_events(answer.iter_encoded())]
    assert names == ["queued", "start", "word", "audio", "word", "audio", "progress", "done"]


def test_the_one_who_waits_hears_of_every_place(staged_app: Flask, stage: StageEngine) -> None:
    first, second = ask(staged_app), ask(staged_app)
    third = ask(staged_app)
    one, two, three = stage.next(), stage.next(), stage.next()
    events = read_events(third.iter_encoded())
    assert next(events) == ("queued", {"position": 2})
    stage.play(one)
    assert next(events) == ("queued", {"position": 1})
    second.close()
    assert two.over
    assert next(events) == ("queued", {"position": 0})
    stage.play(three)
    assert [name for name, _ in events][-1] == "done"
    first.close()
    third.close()


def test_a_full_queue_is_a_status_not_an_event(staged_app: Flask, stage: StageEngine) -> None:
    waiting = [ask(staged_app) for _ in range(3)]
    refused = ask(staged_app)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    for answer in waiting:
        answer.close()


@pytest.mark.parametrize(
    ("fields", "status"), [({"text": ""}, 400), ({"voice": "nobody"}, 404), ({"cfg_coef": -1}, 400)]
)
def test_a_bad_request_is_a_status_not_an_event(staged_app: Flask, fields: dict[str, object], status: int) -> None:
    assert ask(staged_app, **fields).status_code == status


def test_loading_is_told(settings: Settings) -> None:
    stage, may_go = StageEngine(), threading.Event()

    def build(progress):  # type: ignore[no-untyped-def]
        progress("fetching the model", 250, 1000, 12.34)
        assert may_go.wait(20)
        return stage

    service = make_service(build, settings)
    app = create_app(settings, service)
    events = read_events(ask(app).iter_encoded())
    name, data = next(event for event in events if event[1].get("doing") == "fetching the model")
    assert name == "loading"
    assert (data["loaded_bytes"], data["total_bytes"], data["seconds_left"]) == (250, 1000, 12.3)
    may_go.set()
    stage.play(stage.next(), "Hello")
    assert [name for name, _ in events][-1] == "done"
    service.close()


def test_a_failed_load_is_an_error_event(settings: Settings) -> None:
    may_fail = threading.Event()

    def build(_progress):  # type: ignore[no-untyped-def]
        assert may_fail.wait(20)
        raise EngineFailed("The file is damaged.")

    service = make_service(build, settings)
    app = create_app(settings, service)
    events = read_events(ask(app).iter_encoded())
    assert next(events)[0] == "loading"
    may_fail.set()
    name, data = list(events)[-1]
    assert (name, data["error"]["message"], data["error"]["code"]) == ("error", "The file is damaged.", "engine_failed")
    assert service.manager.status().state is State.FAILED


def test_what_fails_midway_ends_with_an_error_event(staged_app: Flask, stage: StageEngine) -> None:
    answer = ask(staged_app)
    utterance = stage.next()
    stage.play(utterance, "Hello", finish=False)
    utterance.fail(EngineFailed("The GPU fell off the bus."))
    events = list(read_events(answer.iter_encoded()))
    assert [name for name, _ in events] == ["queued", "start", "word", "audio", "error"]
    assert events[-1][1] == {
        "error": {
            "message": "The GPU fell off the bus.",
            "type": "server_error",
            "param": None,
            "code": "engine_failed",
        }
    }


def test_leaving_while_waiting_frees_the_place_and_the_thread(staged_app: Flask, stage: StageEngine) -> None:
    threads = threading.active_count()
    answers = [ask(staged_app) for _ in range(3)]
    utterances = [stage.next() for _ in answers]
    for answer in answers:
        answer.close()
    assert all(utterance.over for utterance in utterances)
    assert stage.status().slots_used == stage.status().queue_depth == 0
    wait_until(lambda: threading.active_count() <= threads)


def test_silence_is_kept_alive(staged_app: Flask, stage: StageEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.http.sse.KEEP_ALIVE_S", 0.0)
    answer = ask(staged_app)
    chunks = answer.iter_encoded()
    assert next(chunks).startswith(b"event: queued")
    assert next(chunks) == b": waiting\n\n"
    answer.close()
