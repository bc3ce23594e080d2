"""Installing: once, again when something changed, and with what else is there when uv is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.scripts.checkout import Checkout

FAKE_PIP = '#!/bin/bash\nprintf "%s\\n" "pip $*" >>"$FAKE_LOG"\n'


def install(checkout: Checkout, **environment: str) -> list[str]:
    """One install; returns the commands that it took."""
    before = len(checkout.installed())
    checkout.source("install requirements/core.txt", **environment)
    return checkout.installed()[before:]


def test_nothing_is_installed_twice(checkout: Checkout) -> None:
    assert len(install(checkout)) == 1
    assert install(checkout) == []


def test_a_change_of_requirements_installs_again(checkout: Checkout) -> None:
    install(checkout)
    with (checkout.folder / "requirements/core.txt").open("a") as file:
        file.write("another>=1\n")
    assert len(install(checkout)) == 1


def test_a_new_environment_installs_again(checkout: Checkout) -> None:
    install(checkout)
    config = checkout.folder / ".venv/pyvenv.cfg"
    config.write_text(config.read_text() + "made = again\n")
    assert len(install(checkout)) == 1


def test_a_failed_install_is_not_taken_for_done(checkout: Checkout) -> None:
    started = checkout.run("start.sh", FAKE_UV_EXIT="2")
    assert started.returncode == 1
    assert "The requirements could not be installed" in started.stdout
    assert checkout.pids() == {}
    assert len(install(checkout)) == 1


def test_pip_takes_over_where_uv_fails(checkout: Checkout) -> None:
    python = checkout.folder / ".venv/bin/python"
    real = python.resolve()
    python.unlink()
    python.write_text(f'#!/bin/bash\n[[ ${{2:-}} == pip ]] || exec "{real}" "$@"\nprintf "%s\\n" "$*" >>"$FAKE_LOG"\n')
    python.chmod(0o755)
    commands = install(checkout, FAKE_UV_EXIT="2")
    lock = checkout.folder / ".venv/.lock.txt"
    assert commands[-1] == f"-m pip install --quiet -r requirements/core.txt -c {lock}"
    assert "flask==" in lock.read_text()
    assert "--hash" not in lock.read_text()  # pip would want one of every requirement
    assert "\\" not in lock.read_text()


@pytest.mark.parametrize(
    ("environment", "locked"),
    [
        ({}, True),
        ({"LOCKED": "0"}, False),
        ({"PIP_NO_INDEX": "1"}, False),  # wheels that were carried over are of the versions that they are
        ({"PIP_NO_INDEX": "1", "LOCKED": "1"}, True),
    ],
)
def test_the_locked_versions_are_installed(checkout: Checkout, environment: dict[str, str], locked: bool) -> None:
    (command,) = install(checkout, **environment)
    assert (f" -c {checkout.folder}/requirements/lock.txt" in command) == locked


def test_another_lock_setting_installs_again(checkout: Checkout) -> None:
    assert len(install(checkout)) == 1
    assert len(install(checkout, LOCKED="0")) == 1
    assert install(checkout, LOCKED="0") == []


def test_beside_another_torch_the_rest_is_locked_with_hashes(checkout: Checkout) -> None:
    checkout.source("install requirements.txt requirements/cpu-overrides.txt", PIP_FIND_LINKS="/wheels")
    lock = checkout.folder / ".venv/.lock.txt"
    assert f" -c {lock} " in checkout.installed()[-1]
    packages = lock.read_text().split("\n")
    assert not [line for line in packages if line.startswith(("torch==", "nvidia-", "triton=="))]
    assert [line for line in packages if line.startswith("flask==")]
    assert lock.read_text().count("    --hash=sha256:") > 1000


def test_a_pip_that_is_half_there_is_made_whole(bare: Checkout) -> None:
    (bare.commands / "uv").unlink()
    bare.make_venv()  # without pip, as an interrupted first start leaves it
    python = bare.folder / ".venv/bin/python"
    bare.source("mend_pip")
    assert subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def test_uv_is_told_what_pip_was_told(checkout: Checkout) -> None:
    checkout.command("uv", '#!/bin/bash\nprintf "%s\\n" "$UV_DEFAULT_INDEX|$UV_INDEX|$SSL_CERT_FILE" >>"$FAKE_LOG"\n')
    told = {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://own.example/simple",
        "PIP_CERT": "/ca.pem",
    }
    assert install(checkout, **told) == ["https://mirror.example/simple|https://own.example/simple|/ca.pem"]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "NAME=value",
            "NAME = value ",
            "export NAME=value",
            "  NAME=value",
            "NAME='a # b' # c",
            'NAME="a b"',
            "NAME=a#b",
            "NAME=a # b",
        ),
        *(
            "NAME=",
            "NAME= # nothing",
            "NAME=''",
            "#NAME=value",
            "OTHER_NAME=value",
            "NAME_TOO=value",
            "NAME=first\nNAME=second",
            "NAME=a=b",
        ),
        *("NAME=value\r", "NAME", "NAME=$(date)`date`", "NAME=with spaces in it   ", "", "NAME=last line\nOTHER=x"),
    ],
)
def test_env_files_are_read_as_the_service_reads_them(checkout: Checkout, tmp_path: Path, line: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes(f"{line}\n".encode())
    assert checkout.source(f"env_file_value NAME {file}") == (dotenv_values(file).get("NAME") or "")
