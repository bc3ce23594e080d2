"""CACHE_MB: the same request gets the same bytes, the engine is not asked, and nothing is kept that should not be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from speech.errors import EngineFailed
from speech.settings import Settings
from tests.fakes import FakeEngine
from tests.services import make_service
from tests.stage import StageEngine
from web.http.finished import OVERHEAD, Answer, Finished

HELLO = {"text": "Hello there, how are you?", "format": "pcm"}
ME, OTHER = {"Authorization": "Bearer mine"}, {"Authorization": "Bearer other"}


class Counting(FakeEngine):
    @property
    def spoken(self) -> int:
        return len(self.started)


@pytest.fixture
def engine() -> Counting:
    return Counting()


@pytest.fixture
def client(engine: Counting, tmp_path: Path) -> Iterator[FlaskClient]:
    environ = {"ENGINE": "hibari", "GPU_IDLE_TIMEOUT": "-1", "CACHE_MB": "1", "API_KEYS": "a:mine,b:other"}
    settings = Settings.load(environ | {"LEXICON_DIR": str(tmp_path), "OUTPUT_DIR": str(tmp_path)})
    service = make_service(lambda _: engine, settings)
    yield create_app(settings, service).test_client()
    service.close()


def ask(client: FlaskClient, path: str = "/api/tts", headers: dict[str, str] = ME, **more: object) -> tuple[str, bytes]:
    """Whether it was kept, and the bytes."""
    with client.post(path, json=HELLO | more, headers=headers) as answer:
        assert answer.status_code == 200, answer.text
        return answer.headers.get("X-Cache", "-"), answer.data


def test_the_same_request_gets_the_same_bytes_at_once(client: FlaskClient, engine: Counting) -> None:
    with client.post("/api/tts", json=HELLO | {"cfg_coef": 2}, headers=ME) as first:
        assert (first.headers["X-Cache"], first.headers["X-Ignored"]) == ("miss", "cfg_coef")
        told = dict(first.headers)
        data = first.data
    with client.post("/api/tts", json=HELLO | {"cfg_coef": 2}, headers=ME) as again:
        assert again.data == data
        assert dict(again.headers) | {"X-Cache": "", "X-Request-Id": ""} == told | {"X-Cache": "", "X-Request-Id": ""}
        assert again.headers["X-Cache"] == "hit"
        assert again.headers["X-Request-Id"] != told["X-Request-Id"]
    assert engine.spoken == 1
    metrics = client.get("/metrics", headers=ME).text
    assert 'tts_cache_total{result="hit"} 1.0' in metrics
    assert 'tts_cache_total{result="miss"} 1.0' in metrics


@pytest.mark.parametrize(
    "other",
    [
        *({"seed": 1}, {"speed": 1.5}, {"format": "wav"}, {"text": "Hello there, how are you"}, {"stream": True}),
        *({"lexicon": {"hello": "hullo"}}, {"normalize": False}, {"passages": False}, {"sample_rate": 8000}),
    ],
)
def test_what_changes_the_bytes_is_another_request(client: FlaskClient, other: dict[str, object]) -> None:
    assert ask(client)[0] == "miss"
    assert ask(client, **other)[0] == "miss"
    assert ask(client)[0] == ask(client, **other)[0] == "hit"


def test_the_default_voice_is_the_voice_of_that_name(client: FlaskClient) -> None:
    default = client.get("/api/voices", headers=ME).json["default"]  # type: ignore[index]
    ask(client)
    assert ask(client, voice=default)[0] == "hit"


def test_a_lexicon_that_changes_is_heard(client: FlaskClient, tmp_path: Path) -> None:
    ask(client)
    (tmp_path / "en.txt").write_text("hello = good evening\n")
    assert ask(client)[0] == "miss"
    (tmp_path / "en.txt").unlink()
    assert ask(client)[0] == "hit"


def test_each_key_has_its_own(client: FlaskClient) -> None:
    ask(client)
    assert ask(client, headers=OTHER)[0] == "miss"
    assert ask(client)[0] == "hit"


def test_a_client_may_ask_for_a_new_one_and_for_none_to_be_kept(client: FlaskClient, engine: Counting) -> None:
    assert ask(client, headers=ME | {"Cache-Control": "no-store"})[0] == "-"
    ask(client)
    assert ask(client, headers=ME | {"Cache-Control": "no-cache"})[0] == "miss"
    assert ask(client)[0] == "hit"
    assert engine.spoken == 3


def test_openais_route(client: FlaskClient, engine: Counting) -> None:
    asked = {"model": "tts-1", "voice": "alloy", "input": HELLO["text"]}
    told = []
    for _ in range(2):
        with client.post("/v1/audio/speech", json=asked, headers=ME) as answer:
            told.append((answer.headers["X-Cache"], answer.data))
    assert told == [("miss", told[0][1]), ("hit", told[0][1])]
    assert engine.spoken == 1
    assert client.post("/v1/audio/speech", json=asked | {"voice": "nobody"}, headers=ME).status_code == 400


def test_what_is_wrong_stays_wrong(client: FlaskClient) -> None:
    for _ in range(2):
        assert client.post("/api/tts", json=HELLO | {"voice": "nobody"}, headers=ME).status_code == 404
        assert client.post("/api/tts", json=HELLO | {"text": "* #"}, headers=ME).status_code == 400
        assert client.post("/api/tts", json=HELLO, headers={"Authorization": "Bearer no"}).status_code == 401


def test_events_and_captions_are_not_kept(client: FlaskClient, engine: Counting) -> None:
    for more in ({"stream_format": "sse"}, {"captions": "srt"}):
        assert [ask(client, **more)[0] for _ in range(2)] == ["-", "-"]
    assert engine.spoken == 4


def test_without_the_setting_nothing_is_kept() -> None:
    settings = Settings(engine="hibari", gpu_idle_timeout=-1)
    service = make_service(lambda _: FakeEngine(), settings)
    client = create_app(settings, service).test_client()
    assert [ask(client, headers={})[0] for _ in range(2)] == ["-", "-"]
    service.close()


def test_speech_that_broke_is_not_kept() -> None:
    stage = StageEngine(slots=2)
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, cache_mb=1)
    service = make_service(lambda _: stage, settings)
    client = create_app(settings, service).test_client()
    service.load()

    def breaks() -> None:
        utterance = stage.next()
        stage.play(utterance, "a", finish=False)
        utterance.fail(EngineFailed("no sound"))

    for _ in range(2):
        hand = threading.Thread(target=breaks)
        hand.start()
        with pytest.raises(EngineFailed):
            _ = client.post("/api/tts", json=HELLO | {"stream": True}).data
        hand.join()
    service.close()


@pytest.mark.parametrize("count", [1, 40])
def test_the_room_is_bounded(count: int) -> None:
    kept = Finished(20 * (OVERHEAD + 100))
    for number in range(count):
        kept.put(str(number), Answer(bytes(100), {}))
        assert kept.get("0") is not None, "what is asked for stays"
    assert kept.used_bytes == min(count, 20) * (OVERHEAD + 100)
    assert kept.get(str(count - 1)) is not None
    kept.put("large", Answer(bytes(OVERHEAD), {}))
    assert kept.get("large") is None
    kept.put("0", Answer(b"", {}))
    assert kept.used_bytes == min(count, 20) * (OVERHEAD + 100) - 100
