"""Who asks, where proxies stand in between."""

from __future__ import annotations

import logging

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ

from app import create_app
from speech.service import SpeechService
from speech.settings import Settings, SettingsError
from web.http.proxies import RealClient, parsed

TRUSTED = "10.0.0.0/8, 192.0.2.7, fd00::/8"
STRANGER = "203.0.113.9"


def seen(peer: str, trusted: str = TRUSTED, **headers: str) -> tuple[str, str]:
    """The client's address and the scheme, as the app sees them."""
    environ = create_environ(environ_overrides={"REMOTE_ADDR": peer, **headers})
    middleware = RealClient(lambda *_: [], Settings.load({"TRUSTED_PROXIES": trusted}).trusted_proxies)
    middleware(environ, lambda *_: lambda _: None)
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("10.0.0.1", STRANGER, STRANGER),
        ("10.0.0.1", f"1.2.3.4, {STRANGER}", STRANGER),  # what the client wrote itself
        ("10.0.0.1", f"{STRANGER}, 10.9.9.9,192.0.2.7", STRANGER),  # several proxies
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", f"{STRANGER}:4711", STRANGER),
        ("10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
        ("10.0.0.1", "2001:db8::9", "2001:db8::9"),
        ("fd00::1", STRANGER, STRANGER),
        ("::ffff:10.0.0.1", STRANGER, STRANGER),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", f"{STRANGER}, unknown, 10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        (STRANGER, "1.2.3.4", STRANGER),
        ("192.0.2.8", "1.2.3.4", "192.0.2.8"),
    ],
)
def test_the_client_is_the_last_that_a_trusted_proxy_named(peer: str, forwarded_for: str, client: str) -> None:
    assert seen(peer, HTTP_X_FORWARDED_FOR=forwarded_for)[0] == client


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "http,HTTPS", "https"),
        ("10.0.0.1", "gopher", "http"),
        (STRANGER, "https", "http"),
    ],
)
def test_the_scheme(peer: str, said: str, scheme: str) -> None:
    assert seen(peer, HTTP_X_FORWARDED_PROTO=said)[1] == scheme


def test_none_is_trusted_unless_told() -> None:
    assert seen("127.0.0.1", "", HTTP_X_FORWARDED_FOR=STRANGER, HTTP_X_FORWARDED_PROTO="https") == ("127.0.0.1", "http")


@given(st.text())
def test_nothing_that_is_sent_breaks_it(text: str) -> None:
    address, _ = seen("10.0.0.1", HTTP_X_FORWARDED_FOR=text, HTTP_X_FORWARDED_PROTO=text)
    assert parsed(address) is not None


@pytest.mark.parametrize("value", ["*", "proxy.example", "0.0.0.0/0", "10.0.0.1,::/0", "10.0.0.0/33"])
def test_what_would_trust_everybody_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES=.* is not allowed"):
        Settings.load({"TRUSTED_PROXIES": value})


@pytest.fixture
def proxied(service: SpeechService) -> FlaskClient:
    service.settings = Settings.load({"ENGINE": "hibari", "TRUSTED_PROXIES": "127.0.0.1", "RATE_LIMIT": "1"})
    service.settings = service.settings.model_copy(update={"rate_burst": 1})
    return create_app(service.settings, service).test_client()


def test_limits_and_the_log_see_the_client(proxied: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kyutai_tts.access")

    def status(client: str) -> int:
        return proxied.post("/api/tts", json={"text": "Hi."}, headers={"X-Forwarded-For": client}).status_code

    assert [status("203.0.113.1"), status("203.0.113.1"), status("203.0.113.2")] == [200, 429, 200]
    assert "203.0.113.2 POST /api/tts 200" in caplog.text


def test_links_have_the_proxys_scheme(proxied: FlaskClient) -> None:
    answer = proxied.post("/api/links", json={"text": "Hi."}, headers={"X-Forwarded-Proto": "https"})
    assert answer.json is not None
    assert answer.json["url"].startswith("https://")
