"""verify_deployment.sh on machines that lack one thing or another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts.checkout import Checkout, stranger
from tests.scripts.test_containers import docker  # noqa: F401  # a fixture
from tests.scripts.test_gpu import NO_DRIVER, nvidia_smi

FILES = ("gpu_manager.py", "mcp_server.py", "Dockerfile", ".dockerignore", ".env.example", "mcp_config.json")


@pytest.fixture
def whole(checkout: Checkout) -> Checkout:
    """A checkout with every file, on a machine with Python alone."""
    for name in FILES:
        (checkout.folder / name).touch()
    for name in ("start.sh", "stop.sh", "test_api.sh", "verify_deployment.sh"):
        (checkout.folder / name).touch()
        (checkout.folder / name).chmod(0o755)
    checkout.environment["PORT"] = "18999"
    return checkout


def verify(checkout: Checkout, *arguments: str, **environment: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and state and detail of each check."""
    done = checkout.run("verify_deployment.sh", "--json", *arguments, **environment)
    said = json.loads(done.stdout)
    assert said["ok"] == (done.returncode == 0)
    return done.returncode, {check["name"]: (check["state"], check["detail"]) for check in said["checks"]}


def test_python_alone_will_do_and_what_is_missing_is_said(whole: Checkout) -> None:
    code, checks = verify(whole)
    assert code == 0
    assert {name: state for name, (state, _) in checks.items() if name != "port"} == {
        "files": "ok",
        "scripts": "ok",
        "nvidia-smi": "warn",
        "docker": "warn",
        "compose": "warn",
        "python3": "ok",
        "start": "ok",
    }
    assert "embedded voice" in checks["nvidia-smi"][1]


def test_a_machine_with_everything(whole: Checkout, docker: Path) -> None:  # noqa: F811
    nvidia_smi(whole, "900", "10")
    code, checks = verify(whole, "--docker")
    assert code == 0
    assert checks["nvidia-smi"] == ("ok", "2 GPUs; start.sh would take 1")
    assert checks["toolkit"][0] == "ok"
    assert checks["start"] == ("ok", "./start.sh will use containers")


def test_files_that_are_gone_and_scripts_that_are_closed(whole: Checkout) -> None:
    (whole.folder / "Dockerfile").unlink()
    (whole.folder / "stop.sh").chmod(0o644)
    code, checks = verify(whole)
    assert code == 1
    assert checks["files"][0] == checks["scripts"][0] == "fail"
    assert "missing: Dockerfile;" in checks["files"][1]
    assert checks["scripts"][1] == "not executable: chmod +x stop.sh"


def test_a_broken_driver(whole: Checkout) -> None:
    whole.command("nvidia-smi", NO_DRIVER)
    assert verify(whole)[1]["nvidia-smi"][0] == "warn"
    assert "lists no GPU" in verify(whole)[1]["nvidia-smi"][1]


@pytest.mark.parametrize(
    ("lacking", "check", "words"),
    [("down", "docker", "systemctl start docker"), ("no-toolkit", "toolkit", "Install nvidia-container-toolkit")],
)
def test_docker_in_trouble_is_explained_and_counts_where_it_was_asked_for(
    whole: Checkout,
    docker: Path,  # noqa: F811
    lacking: str,
    check: str,
    words: str,
) -> None:
    nvidia_smi(whole, "10")
    (docker / lacking).touch()
    code, checks = verify(whole, "--docker")
    assert (code, checks[check][0]) == (1, "fail")
    assert words in checks[check][1]
    code, checks = verify(whole)
    assert (code, checks[check][0]) == (0, "warn")


def without_python(checkout: Checkout) -> None:
    (checkout.folder / ".venv/bin/python").unlink()
    for name in ("python3.11", "python3"):
        checkout.command(name, "#!/bin/bash\nexit 127\n")


def test_docker_without_python_is_enough_but_not_for_start(whole: Checkout, docker: Path) -> None:  # noqa: F811
    nvidia_smi(whole, "10")
    without_python(whole)
    code, checks = verify(whole)
    assert (code, checks["start"][0]) == (0, "warn")
    assert "./start.sh needs a Python too" in checks["start"][1]


@pytest.mark.parametrize("version", ["", "exit 1"])
def test_a_compose_that_does_not_run_is_none(whole: Checkout, version: str) -> None:
    whole.command("docker-compose", f"#!/bin/bash\necho broken >&2\n{version}\n")
    code, checks = verify(whole, "--docker")
    assert (code, checks["compose"][0]) == (1, "fail")
    assert "none that runs" in checks["compose"][1]


def test_no_python_and_no_docker_is_the_end(whole: Checkout) -> None:
    without_python(whole)
    code, checks = verify(whole)
    assert code == 1
    assert checks["start"][0] == "fail"
    assert "warn" in checks["port"]


def test_the_port_of_a_stranger_and_of_ours(whole: Checkout) -> None:
    with stranger(b"mine") as busy:
        assert verify(whole, PORT=str(busy))[1]["port"][0] == "warn"
    with stranger(b'{"service": "kyutai-tts", "engine": "hibari"}') as ours:
        assert verify(whole, PORT=str(ours))[1]["port"] == ("ok", f"{ours} has this service already (engine hibari)")


def test_the_same_for_people(whole: Checkout) -> None:
    done = whole.run("verify_deployment.sh")
    assert done.returncode == 0
    assert "OK    files       all there\n" in done.stdout
    assert whole.run("verify_deployment.sh", "--jsno").returncode == 1
