"""Fetching Pocket TTS ahead of time."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech.engines import ENGINES
from speech.engines.pocket import prefetch
from speech.settings import Settings

PROG = "prefetch pocket"


def test_the_model_and_voices(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings.load({"MODEL_DIR": str(checkpoint)})
    assert ENGINES["pocket"].prefetch == prefetch.__name__
    assert prefetch.main(["--all-voices"], settings, PROG) == 0
    lines = capsys.readouterr().out.splitlines()
    assert checkpoint.name in lines[0]
    assert [line.split()[:2] for line in lines[1:]] == [["1/3", "v0"], ["2/3", "v1"], ["3/3", "v2"]]


def test_what_cannot_be_had(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prefetch.main(["--voice", "nobody"], Settings.load({"MODEL_DIR": str(checkpoint)}), PROG) == 1
    assert "There is no voice 'nobody'" in capsys.readouterr().err
    assert prefetch.main([], Settings.load({"MODEL_DIR": str(tmp_path)}), PROG) == 1
