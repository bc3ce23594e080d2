"""./start.sh --systemd: the unit is one that systemd accepts, and starts what start.sh would."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scripts.checkout import Checkout

ANALYZE = shutil.which("systemd-analyze")
UNIT = ".config/systemd/user/kyutai-tts-8911.service"


def written(checkout: Checkout) -> dict[str, str]:
    """The lines of the unit; of names that stand twice, all values."""
    lines = [line.partition("=") for line in (checkout.folder / UNIT).read_text().splitlines() if "=" in line]
    return {name: " ".join(value for other, _, value in lines if other == name) for name, _, _ in lines}


def test_a_unit_of_the_user_is_written_and_told_of(checkout: Checkout) -> None:
    done = checkout.run("start.sh", "--systemd=user", "--engine", "hibari", PORT="8911", DRAIN_TIMEOUT="90")
    assert done.returncode == 0, done.stdout
    unit = written(checkout)
    assert unit["ExecStart"] == f'"{checkout.folder}/.venv/bin/python" app.py'
    assert unit["WorkingDirectory"] == str(checkout.folder)
    assert unit["TimeoutStopSec"] == "100"
    assert {'"PORT=8911"', '"ENGINE=hibari"', '"HOST=127.0.0.1"'} <= set(unit["Environment"].split())
    assert unit["WantedBy"] == "default.target"
    assert "User" not in unit
    assert "systemctl --user status kyutai-tts-8911" in done.stdout
    assert len(checkout.installed()) == 1
    assert checkout.pids() == {}


def verified(kind: str, unit: Path) -> list[str]:
    """What systemd has to say about the unit."""
    env = os.environ | {"XDG_RUNTIME_DIR": str(unit.parent)}
    command = [str(ANALYZE), "verify", f"--{kind}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert "Failed to initialize" not in done.stderr
    return [line for line in done.stderr.splitlines() if unit.name in line]


@pytest.mark.skipif(not ANALYZE, reason="no systemd-analyze")
@pytest.mark.parametrize("kind", ["user", "system"])
def test_systemd_accepts_it(checkout: Checkout, tmp_path: Path, kind: str) -> None:
    text = checkout.source(f". scripts/systemd.sh; unit {kind}", PORT="8911", ENGINE="hibari")
    unit = tmp_path / "kyutai-tts.service"
    unit.write_text(text)
    assert verified(kind, unit) == []
    unit.write_text(text.replace("KillMode=mixed", "KillMode=gently"))
    (complaint,) = verified(kind, unit)
    assert "kill mode" in complaint


def test_names_are_quoted_for_systemd(checkout: Checkout) -> None:
    quoted = checkout.source(""". scripts/systemd.sh; quoted_for_unit 'A=50% of $5 "x"'""")
    assert quoted == '"A=50%% of $$5 \\"x\\""'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--systemd=both",), "neither user nor system"), (("--systemd", "--docker"), "do not go together")],
)
def test_a_wrong_wish_is_named(checkout: Checkout, arguments: tuple[str, ...], message: str) -> None:
    done = checkout.run("start.sh", *arguments, PORT="8911")
    assert done.returncode == 1
    assert message in done.stdout
