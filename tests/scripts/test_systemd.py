"""./start.sh --systemd: the unit is one that systemd accepts, and starts what start.sh would."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_server import START_S, live_server
from tests.scripts.checkout import Checkout, alive, free_port, stranger

ANALYZE = shutil.which("systemd-analyze")
UNIT = ".config/systemd/user/kyutai-tts-8911.service"

# The systemd of a user, with one unit: it runs what the unit says.
FAKE_SYSTEMCTL = r"""#!/bin/bash
unit=$(printf '%s\n' "$HOME"/.config/systemd/user/*.service)
pid=$(cat "$HOME/unit.pid" 2>/dev/null)
runs() { [[ $pid ]] && { stat=$(<"/proc/$pid/stat"); } 2>/dev/null && [[ $stat != *") Z "* ]]; }
stop() { if runs; then kill -QUIT "$pid"; while runs; do sleep 0.02; done; fi; }
[[ $1 == --user ]] || exit 1
case $2 in
  is-active) runs && echo active ;;
  stop) stop ;;
  restart)
    stop
    mapfile -t environment < <(sed -n 's/^Environment="\(.*\)"$/\1/p' "$unit")
    env "${environment[@]}" "$HOME/.venv/bin/python" app.py >"$HOME/unit.log" 2>&1 </dev/null 9>&- &
    echo $! >"$HOME/unit.pid"
    ;;
esac
"""
FAKE_JOURNALCTL = '#!/bin/bash\ncat "$HOME/unit.log"\n'


@pytest.fixture
def managed(checkout: Checkout) -> Iterator[Checkout]:
    """A machine whose user has a systemd; the unit is stopped with the test."""
    systemctl = checkout.command("systemctl", FAKE_SYSTEMCTL)
    checkout.command("journalctl", FAKE_JOURNALCTL)
    yield checkout
    subprocess.run([systemctl, "--user", "stop"], env=checkout.environment, check=True)


def unit_pid(checkout: Checkout) -> int:
    return int((checkout.folder / "unit.pid").read_text())


def written(checkout: Checkout) -> dict[str, str]:
    """The lines of the unit; of names that stand twice, all values."""
    lines = [line.partition("=") for line in (checkout.folder / UNIT).read_text().splitlines() if "=" in line]
    return {name: " ".join(value for other, _, value in lines if other == name) for name, _, _ in lines}


def test_a_unit_of_the_user_is_written_and_told_of(checkout: Checkout) -> None:
    (checkout.folder / ".env").write_text("DRAIN_TIMEOUT=90\n")
    done = checkout.run("start.sh", "--systemd=user", "--engine", "hibari", PORT="8911")
    assert done.returncode == 0, done.stdout
    unit = written(checkout)
    assert unit["ExecStart"] == f'"{checkout.folder}/.venv/bin/python" app.py'
    assert unit["WorkingDirectory"] == str(checkout.folder)
    assert unit["TimeoutStopSec"] == "100"
    assert unit["Type"] == "notify"
    assert {'"PORT=8911"', '"ENGINE=hibari"', '"HOST=127.0.0.1"'} <= set(unit["Environment"].split())
    assert unit["WantedBy"] == "default.target"
    assert "User" not in unit
    assert "systemctl --user status kyutai-tts-8911" in done.stdout
    assert len(checkout.installed()) == 1
    assert checkout.pids() == {}


def test_what_stands_in_env_is_left_to_it(checkout: Checkout) -> None:
    (checkout.folder / ".env").write_text("ENGINE=hibari\nHOST=127.0.0.1\nAPI_KEYS=hush\n")
    done = checkout.run("start.sh", "--systemd=user", PORT="8911", API_KEYS="hush", HTTPS_PROXY="http://50%@proxy/")
    assert done.returncode == 0, done.stdout
    assert set(written(checkout)["Environment"].split()) == {'"PORT=8911"', '"HTTPS_PROXY=http://50%%@proxy/"'}


def test_a_setting_that_would_be_lost_is_refused_before_anything_is_installed(checkout: Checkout) -> None:
    done = checkout.run("start.sh", "--systemd=user", PORT="8911", API_KEYS="hush", VOICES_DIR="v")
    assert done.returncode == 1
    assert "VOICES_DIR API_KEYS. Write it into" in done.stdout
    assert checkout.installed() == []
    assert not (checkout.folder / UNIT).exists()


def test_it_waits_for_the_unit_and_both_scripts_know_it(managed: Checkout) -> None:
    port = free_port()
    started = managed.run("start.sh", "--systemd=user", "--engine", "hibari", PORT=str(port))
    assert started.returncode == 0, started.stdout
    assert f"The service is running: http://127.0.0.1:{port}  (engine hibari)" in started.stdout
    first = unit_pid(managed)
    assert managed.health(port)["pid"] == first
    again = managed.run("start.sh", "--systemd=user", "--engine", "hibari", PORT=str(port))
    assert again.returncode == 0, again.stdout
    assert managed.health(port)["pid"] == unit_pid(managed) != first
    assert f"systemd unit kyutai-tts-{port}" in managed.run("start.sh", PORT=str(port)).stdout
    assert "Nothing to stop on port 1:" in managed.run("stop.sh", "--port", "1").stdout
    stopped = managed.run("stop.sh", "--port", str(port))
    assert stopped.returncode == 0
    assert f"Stopping the systemd unit kyutai-tts-{port};" in stopped.stdout
    assert not alive(unit_pid(managed))


def test_a_unit_that_does_not_start_is_said_with_its_last_words(managed: Checkout) -> None:
    done = managed.run("start.sh", "--systemd=user", PORT=str(free_port()), FAKE_LAST_WORDS="PORT in .env: no number")
    assert done.returncode == 1
    assert "did not start" in done.stdout
    assert "PORT in .env: no number" in done.stdout


def test_a_port_that_another_has_is_refused_before_anything_is_written(managed: Checkout) -> None:
    with stranger(b"hello") as port:
        done = managed.run("start.sh", "--systemd=user", PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} cannot be had" in done.stdout
    assert managed.run("start.sh", "--engine", "hibari").returncode == 0
    done = managed.run("start.sh", "--systemd=user", PORT=str(managed.only_port()))
    assert done.returncode == 1
    assert f"./stop.sh --port {managed.only_port()}" in done.stdout
    assert not list(managed.folder.glob(".config/systemd/user/*.service"))


def test_what_root_has_made_goes_to_the_user_of_the_unit(checkout: Checkout) -> None:
    checkout.command("chown", '#!/bin/bash\necho "$@"\n')
    (checkout.folder / "outputs").mkdir()
    said = checkout.source(". scripts/systemd.sh; hand_over root; hand_over ada")
    assert said.splitlines() == [f"-R ada: {checkout.folder}/{name}" for name in (".venv", "outputs")]


def test_the_service_tells_systemd_when_it_listens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(START_S)
        with live_server(tmp_path, ENGINE="hibari", NOTIFY_SOCKET=str(tmp_path / "notify")):
            assert b"READY=1" in systemd.recv(4096).splitlines()


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
    text = checkout.source(f". scripts/systemd.sh; unit {kind}", PORT="8911", ENGINE="hibari", START_TIMEOUT_S="9")
    unit = tmp_path / "kyutai-tts.service"
    unit.write_text(text)
    assert verified(kind, unit) == []
    unit.write_text(text.replace("KillMode=mixed", "KillMode=gently"))
    (complaint,) = verified(kind, unit)
    assert "kill mode" in complaint


def test_names_are_quoted_for_systemd(checkout: Checkout) -> None:
    quoted = checkout.source(""". scripts/systemd.sh; quoted_for_unit 'A=50% of $5 "x"'""")
    assert quoted == '"A=50%% of $5 \\"x\\""'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--systemd=both",), "neither user nor system"), (("--systemd", "--docker"), "do not go together")],
)
def test_a_wrong_wish_is_named(checkout: Checkout, arguments: tuple[str, ...], message: str) -> None:
    done = checkout.run("start.sh", *arguments, PORT="8911")
    assert done.returncode == 1
    assert message in done.stdout
