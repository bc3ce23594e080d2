"""Pages of strangers, as browsers send what they do; and names that strangers point at this machine."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app import create_app
from speech.service import SpeechService

HELLO = {"text": "Good evening."}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NO_ADDRESSES = ["http://[", "//[::1", "http://a]b", "http://localhost:99999999999", "\xff", "["]
ACTIONS = ["/api/gpu/offload", "/api/gpu/load", "/api/tts", "/api/tts/stream", "/api/voices", "/v1/audio/speech"]
STRANGERS = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://localhost:3000"},
]
OURSELVES = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost"},
    {"Origin": "https://speech.example", "X-Forwarded-Host": "speech.example"},
    {"Origin": "https://speech.example", "Sec-Fetch-Site": "same-origin"},
]


def client_with(service: SpeechService, **settings: object) -> FlaskClient:
    service.settings = service.settings.model_copy(update=settings)
    return create_app(service.settings, service).test_client()


@pytest.mark.parametrize("path", ACTIONS)
@pytest.mark.parametrize("headers", STRANGERS)
def test_a_strangers_form_does_nothing(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    answer = client.post(path, data="force=true&text=hello", headers={**FORM, **headers})
    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "foreign_origin"
    assert "CORS_ORIGINS" in answer.json["error"]["message"]


@pytest.mark.parametrize("origin", NO_ADDRESSES)
def test_an_origin_that_is_no_address_is_a_strangers(client: FlaskClient, origin: str) -> None:
    assert client.post("/api/tts", json=HELLO, headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize("page", NO_ADDRESSES)
def test_a_referrer_that_is_no_address_says_nothing(client: FlaskClient, page: str) -> None:
    """No browser sends such a one."""
    with client.get("/api/tts?text=Hello.", headers={"Referer": page}) as answer:
        assert answer.status_code in (200, 403)


@pytest.mark.parametrize("host", ["[", "[::1", "a]b", "a b", "\xff"])
def test_a_host_that_is_no_address_is_none_of_ours(service: SpeechService, host: str) -> None:
    client = client_with(service, host="127.0.0.1")
    assert client.get("/api/voices", headers={"Host": host}).status_code in (400, 403)


def test_a_stranger_ends_no_speech(client: FlaskClient, service: SpeechService) -> None:
    service.load()
    client.post("/api/gpu/offload", data={"force": "true"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert service.manager.status().releases == 0


@pytest.mark.parametrize("headers", OURSELVES)
def test_our_page_and_programs_pass(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/api/tts", json=HELLO, headers=headers).status_code == 200


@pytest.mark.parametrize("headers", STRANGERS)
def test_anybody_may_look(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/api/gpu/status", headers=headers).status_code == 200
    assert client.options("/api/tts", headers=headers).status_code == 200


@pytest.mark.parametrize("allowed", ["https://app.example", "*"])
def test_an_origin_that_is_named_may(service: SpeechService, allowed: str) -> None:
    client = client_with(service, cors_origins=(allowed,))
    named = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/api/tts", json=HELLO, headers=named).status_code == 200


@pytest.mark.parametrize("path", ["/api/stream", "/api/tts_streaming"])
def test_a_strangers_websocket_is_refused(client: FlaskClient, path: str) -> None:
    asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "https://evil.example"}
    answer = client.get(path, headers=asked)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize(
    ("host", "given", "taken"),
    [
        ("evil.example", {"host": "127.0.0.1"}, False),
        ("evil.example:8900", {"host": "::1"}, False),
        ("localhost.evil.example", {"host": "localhost"}, False),
        ("localhost:8900", {"host": "127.0.0.1"}, True),
        ("app.localhost", {"host": "127.0.0.1"}, True),
        ("127.0.0.1:8900", {"host": "127.0.0.1"}, True),
        ("[::1]:8900", {"host": "::1"}, True),
        ("evil.example", {"host": "0.0.0.0"}, True),
        ("evil.example", {"allowed_hosts": ("speech.example",)}, False),
        ("Speech.Example:8900", {"allowed_hosts": ("speech.example",)}, True),
        ("127.0.0.1", {"allowed_hosts": ("speech.example",)}, False),
        ("127.0.0.1", {"allowed_hosts": ("speech.example", "localhost")}, True),
        ("evil.example", {"host": "127.0.0.1", "allowed_hosts": ("*",)}, True),
    ],
)
def test_hosts(service: SpeechService, host: str, given: dict[str, object], taken: bool) -> None:
    answer = client_with(service, **given).get("/api/gpu/status", headers={"Host": host})
    assert answer.status_code == (200 if taken else 403)
    assert taken or "ALLOWED_HOSTS" in answer.json["error"]["message"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/lb"])
def test_health_checks_come_by_address(service: SpeechService, path: str) -> None:
    client = client_with(service, allowed_hosts=("speech.example",))
    assert client.get(path, headers={"Host": "10.1.2.3:8900"}).status_code == 200
