"""deploy/verify_docker.sh and deploy/engine.sh where they must not begin: other people's containers are not touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.scripts.checkout import REPOSITORY, Checkout

NOTES = '#!/bin/bash\nprintf "%s\\n" "${DOCKER_HOST:-default} ${0##*/} $*" >>"$FAKE_LOG"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A machine with a Docker client and without apt-get, so that no engine can be started on it."""
    checkout = Checkout(tmp_path / "service")
    for name in ("engine.sh", "verify_docker.sh"):
        shutil.copy(REPOSITORY / "deploy" / name, checkout.folder / "deploy")
    for tool in ("realpath", "xargs"):
        (checkout.commands / tool).symlink_to(str(shutil.which(tool)))
    checkout.command("docker", NOTES)
    return checkout


def test_where_the_check_cannot_begin_the_users_engine_is_not_asked(checkout: Checkout, tmp_path: Path) -> None:
    checked = checkout.run("deploy/verify_docker.sh", "--keep", str(folder := tmp_path / "engine"))
    assert checked.returncode == 3
    assert "needs root on Debian" in checked.stdout
    assert {call.split()[0] for call in checkout.installed()} <= {f"unix://{folder}/docker.sock"}


def test_beside_another_engine_none_is_started_and_its_network_stays(checkout: Checkout, tmp_path: Path) -> None:
    for tool in ("ip", "iptables-save", "iptables-restore"):
        checkout.command(tool, NOTES)  # `ip link show docker0` succeeds: another bridge is there
    started = checkout.run("deploy/engine.sh", "up", str(tmp_path / "engine"))
    assert started.returncode == 3
    assert "There is a Docker Engine on this machine already" in started.stdout
    assert checkout.installed() == ["default ip link show docker0"]


def test_rules_of_another_engine_are_noticed_too(checkout: Checkout, tmp_path: Path) -> None:
    checkout.command("ip", "#!/bin/bash\nexit 1\n")
    checkout.command("iptables-save", "#!/bin/bash\necho ':DOCKER - [0:0]'\n")
    started = checkout.run("deploy/engine.sh", "up", str(tmp_path / "engine"))
    assert started.returncode == 3
    assert "There is a Docker Engine on this machine already" in started.stdout


def test_what_was_never_up_is_not_taken_down(checkout: Checkout, tmp_path: Path) -> None:
    for tool in ("ip", "iptables-save", "iptables-restore", "apt-get"):
        checkout.command(tool, NOTES)
    checkout.run("deploy/engine.sh", "down", str(tmp_path))
    assert checkout.installed() == []
