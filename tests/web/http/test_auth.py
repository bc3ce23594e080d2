"""Keys, where they may stand, what needs none; token buckets; preflights."""

from __future__ import annotations

import logging
from hashlib import sha256

import pytest
from flask import Blueprint
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from speech.service import SpeechService
from speech.settings import Settings, SettingsError
from web.http.auth import Buckets, given_key
from web.http.describe import Access, access_of, operation
from web.http.keys import Keys

SECRET, OTHER = "s3cret-of-alice", "0ther"
HELLO = {"text": "Hello."}
RIGHT = {"Authorization": f"Bearer {SECRET}"}


def make(service: SpeechService, **environ: str) -> FlaskClient:
    service.settings = Settings.load({"ENGINE": "hibari", **environ})
    return create_app(service.settings, service).test_client()


@pytest.fixture
def locked(service: SpeechService) -> FlaskClient:
    return make(service, API_KEYS=f"alice:{SECRET}, {OTHER}")


def refused(answer: TestResponse, code: str) -> bool:
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="kyutai-tts"')
    assert answer.json is not None
    return bool(answer.json["error"]["code"] == code)


@pytest.mark.parametrize(
    "headers",
    [RIGHT, {"Authorization": f"bearer  {OTHER}"}, {"kyutai-api-key": SECRET}, {"Kyutai-Api-Key": OTHER}],
)
def test_a_right_key_in_a_right_place(locked: FlaskClient, headers: dict[str, str]) -> None:
    assert locked.post("/api/tts", json=HELLO, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": f"Bearer {SECRET[:-1]}"},
        {"Authorization": f"Bearer {SECRET.upper()}"},
        {"Authorization": f"Bearer alice:{SECRET}"},
        {"kyutai-api-key": "wrong"},
        {"kyutai-api-key": sha256(SECRET.encode()).hexdigest()},
    ],
)
def test_a_wrong_key(locked: FlaskClient, headers: dict[str, str]) -> None:
    answer = locked.post("/api/tts", json=HELLO, headers=headers)
    assert refused(answer, "invalid_api_key")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/api/tts", {}, HELLO),
        ("/api/tts", {"Authorization": ""}, HELLO),
        ("/api/tts", {"Authorization": "Bearer "}, HELLO),
        ("/api/tts", {"Authorization": SECRET}, HELLO),
        ("/api/tts", {"Authorization": f"Basic {SECRET}"}, HELLO),
        ("/api/tts", {"X-Api-Key": SECRET}, HELLO),
        ("/api/tts", {"Cookie": f"kyutai-api-key={SECRET}"}, HELLO),
        (f"/api/tts?auth_id={SECRET}", {}, HELLO),
        (f"/api/tts?api_key={SECRET}", {}, HELLO),
        ("/api/tts", {}, {**HELLO, "auth_id": SECRET}),
    ],
)
def test_no_key_or_a_key_in_a_wrong_place(
    locked: FlaskClient, path: str, headers: dict[str, str], body: dict[str, str]
) -> None:
    assert refused(locked.post(path, json=body, headers=headers), "missing_api_key")


def test_a_socket_may_bring_its_key_in_its_address(locked: FlaskClient) -> None:
    socket = {"Connection": "Upgrade", "Upgrade": "websocket"}
    with locked.application.test_request_context(f"/api/tts_streaming?auth_id={SECRET}", headers=socket):
        assert given_key() == SECRET


@pytest.mark.parametrize("headers", [{}, {"Upgrade": "websocket"}, {"Connection": "Upgrade"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/tts_streaming"), ("POST", "/api/tts_streaming"), ("GET", "/api/stream"), ("GET", "/api/gpu/status")],
)
def test_the_address_brings_no_key_without_an_upgrade(
    locked: FlaskClient, method: str, path: str, headers: dict[str, str]
) -> None:
    with locked.application.test_request_context(f"{path}?auth_id={SECRET}", method=method, headers=headers):
        assert given_key() is None


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/gpu/status"), ("POST", "/api/tts"), ("POST", "/api/tts_streaming")]
)
def test_an_upgrade_elsewhere_brings_no_key_in_its_address(locked: FlaskClient, method: str, path: str) -> None:
    """As a WSGI server hands it on: the headers of a WebSocket, at an endpoint that has none."""
    socket = {"Connection": "keep-alive, Upgrade", "Upgrade": "websocket"}
    address = f"{path}?auth_id={SECRET}"
    with locked.application.test_request_context(address, method=method, headers=socket):
        assert given_key() is None
    assert locked.open(address, method=method, headers=socket, json=HELLO).status_code in (400, 401, 405)


def test_converting_counts_against_the_limit(service: SpeechService) -> None:
    client = make(service, RATE_LIMIT="1", RATE_BURST="2")
    sent = {"data": bytes(4800), "content_type": "audio/pcm", "buffered": True}
    answers = [client.post("/api/convert?format=wav", **sent) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json is not None
    assert answers[-1].json["error"]["code"] == "rate_limited"
    assert client.post("/api/tts", json=HELLO).status_code == 429  # from the same bucket


def test_every_route_says_what_it_is(locked: FlaskClient) -> None:
    unmarked = [name for name, view in locked.application.view_functions.items() if not hasattr(view, "access")]
    assert unmarked == [], "a route has its mark from `operation` or `access`"


def test_what_is_open_and_what_speaks(locked: FlaskClient) -> None:
    """Said once more, so that a mark is not changed by mistake."""
    marks = {name: access_of(view) for name, view in locked.application.view_functions.items()}
    pages = ("pages.", "docs.", "flasgger.")
    open_to_all = {n for n, kind in marks.items() if kind is Access.OPEN and not n.startswith(pages)}
    moshis = {"streaming.build_info", "streaming.modules_info"}  # its clients ask them before they show a key
    assert open_to_all == {"ops.health", "ops.ready", "balancer.lb", *moshis}
    assert all(kind is Access.OPEN for name, kind in marks.items() if name.startswith(pages))
    assert {n for n, kind in marks.items() if kind is Access.SPEAKS} == {
        *("api.speak", "api.speak_streaming", "openai.create_speech", "live.stream"),
        *("streaming.stream", "streaming.speak", "convert.convert", "jobs.create_job", "jobs.resume_job"),
        *("cloning.clone_voice", "job_parts.say_again"),
    }


def test_every_route_needs_the_key_but_those_that_are_open(locked: FlaskClient) -> None:
    for rule in locked.application.url_map.iter_rules():
        if rule.websocket:
            continue  # 405 for whoever does not upgrade; the sockets' own tests bring keys
        open_to_all = access_of(locked.application.view_functions[rule.endpoint]) is Access.OPEN
        path = rule.rule.replace("<path:model>", "tts-1").replace("<int:number>", "0").replace("<", "").replace(">", "")
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            with locked.open(path, method=method) as answer:
                assert (answer.status_code != 401) == open_to_all, f"{method} {rule.rule}: {answer.status_code}"


def with_toy(service: SpeechService, mark: Access | None, **environ: str) -> FlaskClient:
    """The app with one endpoint more, GET /toy."""
    client, toy = make(service, **environ), Blueprint("toy", __name__)

    def say() -> str:
        return "said"

    marked = operation("Toy", tag="Speech", access=mark, gives={"text/plain": {"schema": {}}})(say) if mark else say
    toy.add_url_rule("/toy", view_func=marked)
    client.application.register_blueprint(toy)
    return client


@pytest.mark.parametrize("mark", [Access.SPEAKS, None])
def test_a_new_endpoint_that_speaks_is_limited_and_asks_for_a_key(service: SpeechService, mark: Access | None) -> None:
    """One that forgot to say what it is counts as one that speaks."""
    client = with_toy(service, mark, API_KEYS=SECRET, RATE_LIMIT="1", RATE_BURST="1")
    assert refused(client.get("/toy"), "missing_api_key")
    assert [client.get("/toy", headers=RIGHT).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("mark", "statuses"), [(Access.OPEN, (200, 200)), (Access.LISTS, (401, 200)), (Access.KEY, (401, 401))]
)
def test_a_new_endpoint_is_what_its_mark_says(service: SpeechService, mark: Access, statuses: tuple[int, int]) -> None:
    closed = with_toy(service, mark, API_KEYS=SECRET)
    listing = with_toy(service, mark, API_KEYS=SECRET, PUBLIC_LISTS="true")
    assert (closed.get("/toy").status_code, listing.get("/toy").status_code) == statuses


def test_lists_are_open_if_the_setting_says_so(service: SpeechService) -> None:
    client = make(service, API_KEYS=SECRET, PUBLIC_LISTS="true")
    lists = ("/api/voices", "/api/formats", "/api/info", "/v1/models", "/v1/models/tts-1", "/v1/audio/voices")
    assert {client.get(path).status_code for path in (*lists, "/v1/audio/models")} == {200}
    assert client.post("/api/tts", json=HELLO).status_code == 401


def test_without_keys_nobody_needs_one(client: FlaskClient) -> None:
    assert client.get("/api/voices", headers={"Authorization": "Bearer something"}).status_code == 200


def test_the_key_is_never_logged_nor_shown(locked: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        locked.post("/api/tts", json=HELLO, headers=RIGHT)
        locked.post("/api/tts", json=HELLO, headers={"Authorization": "Bearer another-secret"})
    assert SECRET not in caplog.text
    assert "another-secret" not in caplog.text
    assert SECRET not in repr(locked.application.extensions["speech_service"].settings)


def test_a_wrong_setting_does_not_print_the_keys() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({"API_KEYS": f"alice:{SECRET},alice:other"})
    assert "API_KEYS" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_keys_are_told_apart_by_name() -> None:
    keys = Keys(Settings.load({"API_KEYS": f"alice:{SECRET},{OTHER}"}))
    assert (keys.name_of(SECRET), keys.name_of(OTHER), keys.name_of("")) == ("alice", "key-2", None)


# -- how often ------------------------------------------------------------------------------------------------------


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills() -> None:
    clock = Clock()
    buckets = Buckets(per_minute=60, burst=2, clock=clock)
    assert [buckets.take("a"), buckets.take("a")] == [None, None]
    assert buckets.take("a") == pytest.approx(1.0)
    assert buckets.take("b") is None
    clock.now += 0.4
    assert buckets.take("a") == pytest.approx(0.6)
    clock.now += 0.6
    assert buckets.take("a") is None
    clock.now += 3600
    assert [buckets.take("a") for _ in range(3)][:2] == [None, None]
    assert buckets.take("a") is not None


def test_strangers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Buckets, "MOST_CALLERS", 10)
    buckets = Buckets(per_minute=1, burst=2, clock=Clock())
    buckets.take("busy")
    buckets.take("busy")
    for number in range(50):
        buckets.take(str(number))
    assert len(buckets._left) <= 10
    assert buckets.take("busy") is not None  # the emptiest bucket is the last to be forgotten


def test_too_many_requests(service: SpeechService) -> None:
    client = make(service, API_KEYS=f"{SECRET},{OTHER}", RATE_LIMIT="1", RATE_BURST="1")
    assert client.post("/api/tts", json=HELLO, headers=RIGHT).status_code == 200
    answer = client.post("/v1/audio/speech", json={}, headers=RIGHT)
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "rate_limited")  # type: ignore[index]
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert client.get("/api/voices", headers=RIGHT).status_code == 200
    other = {"Authorization": f"Bearer {OTHER}"}
    assert client.post("/api/tts", json=HELLO, headers=other).status_code == 200


# -- other origins --------------------------------------------------------------------------------------------------

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}


def test_a_preflight_from_a_known_origin_needs_no_key(service: SpeechService) -> None:
    client = make(service, API_KEYS=SECRET, CORS_ORIGINS="https://good.example")
    answer = client.options("/api/tts", headers={"Origin": "https://good.example", **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://good.example"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
    audio = client.post("/api/tts", json=HELLO, headers={"Origin": "https://good.example", **RIGHT})
    assert "X-Request-Id" in audio.headers["Access-Control-Expose-Headers"]
    denied = client.post("/api/tts", json=HELLO, headers={"Origin": "https://good.example"})
    assert denied.headers["Access-Control-Allow-Origin"] == "https://good.example"  # so that the page can read the 401


@pytest.mark.parametrize("origins", ["", "https://good.example"])
@pytest.mark.parametrize("origin", ["https://evil.example", "https://good.example.evil.example", "null"])
def test_a_preflight_from_a_foreign_origin_is_refused(service: SpeechService, origins: str, origin: str) -> None:
    answer = make(service, CORS_ORIGINS=origins).options("/api/tts", headers={"Origin": origin, **PREFLIGHT})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Methods" not in answer.headers


@pytest.mark.parametrize(("origin", "answer"), [("https://good.example", "true"), ("https://evil.example", None)])
def test_a_page_elsewhere_may_reach_a_private_address(service: SpeechService, origin: str, answer: str | None) -> None:
    """Chrome asks before a page of the public internet sends anything to a machine in the house."""
    asked = {"Origin": origin, **PREFLIGHT, "Access-Control-Request-Private-Network": "true"}
    got = make(service, CORS_ORIGINS="https://good.example").options("/api/tts", headers=asked)
    assert got.headers.get("Access-Control-Allow-Private-Network") == answer
