"""What a command line that fetches says of what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech.errors import Unavailable
from speech.hub.ahead import run
from speech.settings import Settings

CHOSEN = Settings(engine="hibari")


def test_the_settings_that_are_given_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    got: list[Settings] = []
    assert run(got.append, CHOSEN) == 0
    assert got == [CHOSEN]
    assert capsys.readouterr().err == ""


def test_what_cannot_be_had_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fetch(_: Settings) -> None:
        raise Unavailable("The hub does not answer.")

    assert run(fetch, CHOSEN) == 1
    assert capsys.readouterr().err == "prefetch: The hub does not answer.\n"


def test_wrong_settings_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)
    (tmp_path / ".env").write_text("PORT=many\n")
    assert run(lambda _: None) == 2
    assert capsys.readouterr().err.startswith("prefetch: PORT='many' is not allowed")
