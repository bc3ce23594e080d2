"""probe.py: free ports and who answers."""

from __future__ import annotations

import socket

import pytest

from scripts.probe import engine_at, free_port, main
from tests.scripts.checkout import stranger


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"<html>", 200),
        (b"[]", 200),
        (b"null", 200),
        (b"", 200),
        (b"\xff\x00", 200),
        (b'{"service": "another", "engine": "auto"}', 200),
        (b'{"service": "kyutai-tts", "engine": "auto"}', 404),
    ],
)
def test_a_stranger_is_a_stranger(answer: bytes, status: int) -> None:
    with stranger(answer, status) as port:
        assert engine_at(f"http://127.0.0.1:{port}") is None
        assert main(["service", f"http://127.0.0.1:{port}"]) == 2


def test_our_service_is_known_whatever_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with stranger(b'{"service": "kyutai-tts", "engine": "hibari"}') as port:
        assert engine_at(f"http://127.0.0.1:{port}") == "hibari"


def test_nobody_is_not_a_stranger() -> None:
    assert main(["service", f"http://127.0.0.1:{free_port('127.0.0.1', 0)}"]) == 1


def test_a_taken_port_is_not_free(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            free_port("0.0.0.0", port)
        assert main(["port", "127.0.0.1", str(port)]) == 1
    assert main(["port", "127.0.0.1", str(port)]) == 0
    assert capsys.readouterr().out == f"{port}\n"


def test_an_address_that_is_not_ours_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["port", "192.0.2.1", "0"]) == 2
    assert "assign" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x86_64-conda-linux-gnu", "machine.example"])
def test_the_name_of_a_machine_is_no_address(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["port", name, "0"]) == 2
    assert "must be an IP address, or localhost" in capsys.readouterr().err
    assert main(["port", "localhost", "0"]) == 0


def test_nonsense_is_answered_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dance"]) == 64
    assert "port HOST PORT" in capsys.readouterr().err
