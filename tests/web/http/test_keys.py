"""API_KEYS_FILE: what is in it, when it changes, and while it is broken."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from speech.service import SpeechService
from speech.settings import Settings, SettingsError
from web.http.keys import Keys, check


def keys_of(file: Path, **others: str) -> Keys:
    settings = Settings.load({"API_KEYS_FILE": str(file), **others})
    check(settings)
    return Keys(settings)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text("alice: one\n")
    return path


def test_a_key_a_line_with_comments_and_as_api_keys_has_them(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf# the team\r\n\r\nalice:one\r\ntwo\n bob : three , four\n")
    keys = keys_of(file, API_KEYS="carol:five")
    names = [keys.name_of(key) for key in ("one", "two", "three", "four", "five", "# the team", "")]
    assert names == ["alice", "file-key-2", "bob", "file-key-4", "carol", None, None]


def test_a_change_counts_at_once(file: Path) -> None:
    keys = keys_of(file)
    file.write_text("alice: two\n")
    assert keys.name_of("one") is None
    assert keys.name_of("two") == "alice"


def test_kubernetes_swaps_a_link(tmp_path: Path) -> None:
    """keys -> ..data/keys, ..data -> ..1; then ..data is renamed over."""
    for number, key in (("..1", "one"), ("..2", "two")):
        (tmp_path / number).mkdir()
        (tmp_path / number / "keys").write_text(f"alice:{key}")
        os.utime(tmp_path / number / "keys", ns=(1, 1))  # of equal size and time, too
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "keys").symlink_to("..data/keys")
    keys = keys_of(tmp_path / "keys")
    assert keys.name_of("one") == "alice"
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert keys.name_of("one") is None
    assert keys.name_of("two") == "alice"


BROKEN = {
    "no colon's name": b":secret",
    "the same name twice": b"a:secret\na:other",
    "no key at all": b"# secret\n\n",
    "not UTF-8": b"a:secret\xff",
    "too long": b"#" * 1_000_001,
    "a name of API_KEYS": b"carol:secret",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_keeps_the_old_keys_and_says_so_once(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    keys = keys_of(file, API_KEYS="carol:five")
    file.write_bytes(content)
    assert [keys.name_of("one") for _ in range(3)] == ["alice"] * 3
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert str(file) in line.getMessage()
    assert "secret" not in line.getMessage()
    file.write_text("alice: two\n")
    assert keys.name_of("two") == "alice"


def test_a_file_that_is_gone_keeps_them_too(file: Path) -> None:
    keys = keys_of(file)
    file.unlink()
    assert keys.name_of("one") == "alice"


@pytest.mark.parametrize("content", [*BROKEN.values(), None], ids=[*BROKEN, "missing"])
def test_at_the_start_a_broken_file_is_an_error(file: Path, content: bytes | None) -> None:
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="API_KEYS_FILE cannot be used") as error:
        keys_of(file, API_KEYS="carol:five")
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def client_of(service: SpeechService, file: Path) -> FlaskClient:
    service.settings = Settings.load({"ENGINE": "hibari", "API_KEYS_FILE": str(file)})
    return create_app(service.settings, service).test_client()


def test_a_worker_that_starts_while_it_is_broken_lets_no_one_in(service: SpeechService, file: Path) -> None:
    file.write_text("")
    client = client_of(service, file)
    assert client.get("/api/voices").status_code == 401
    assert client.get("/api/voices", headers={"Authorization": "Bearer "}).status_code == 401
    file.write_text("alice:one")
    assert client.get("/api/voices", headers={"Authorization": "Bearer one"}).status_code == 200


def test_an_address_ends_with_the_key_that_signed_it(service: SpeechService, file: Path) -> None:
    client = client_of(service, file)
    link = client.post("/api/links", json={"text": "Hello."}, headers={"Authorization": "Bearer one"}).json
    assert link is not None
    assert client.head(link["url"]).status_code == 200
    file.write_text("alice:another")
    assert client.head(link["url"]).status_code == 401
