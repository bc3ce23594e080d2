"""What cannot be had ends the start: one line that names it, and exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"ENGINE": "hibari", "DEFAULT_VOICE": "nova"},
            "DEFAULT_VOICE=nova is not a voice here. Nearest: heart, emma, fenrir.",
        ),
        ({"DEFAULT_VOICE": "nova"}, "DEFAULT_VOICE=nova is not a voice here. Nearest: heart, emma, fenrir."),
        ({"ENGINE": "festival"}, "ENGINE=festival is none of auto, "),
        ({"ENGINE": "kyutai"}, "ENGINE=kyutai"),
    ],
)
def test_the_start_ends_with_one_line(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PORT": "0", "DEVICE": "auto", **settings}
    command = [sys.executable, str(ROOT / "app.py")]
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith(f"kyutai-tts: {named}")
    assert ended.stderr.count("\n") == 1
