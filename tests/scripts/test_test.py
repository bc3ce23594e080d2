"""test.sh: every stage runs, one failure makes the whole fail, and what was left out is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.scripts.checkout import Checkout

LINTERS = {  # the program, and how its stage begins
    "ruff": "ruff",
    "mypy": "mypy",
    "shellcheck": "shellcheck",
    "shfmt": "shfmt",
    "hadolint": "hadolint",
    "check-jsonschema": "compose",
    "kubernetes-validate": "kubernetes",
}
LINTS = ["ruff", "ruff", "mypy", "mypy", "shellcheck", "shfmt", "hadolint", "check-jsonschema", "kubernetes-validate"]


DOCKER = """#!/bin/bash
case "$*" in
  *version*) echo 2.26.1 ;;
  *) printf '%s\\n' "docker $*" >>"$FAKE_LOG" ;;
esac
"""


APT_GET = """#!/bin/bash
case "$*" in
  *install*=150*) cp "{0}/npm" "{0}/chromium" && cp "{0}/npm" "{0}/chromedriver" ;;
  *install*) echo 'E: Unable to correct problems, you have held broken packages.' >&2 && exit 100 ;;
esac
"""
APT_CACHE = """#!/bin/bash
echo ' chromium | 149.0.1-1~deb12u1 | http://deb.example/debian bookworm/main amd64 Packages'
echo ' chromium | 156.0.8-1~deb12u1 | http://deb.example/debian-security bookworm-security/main amd64 Packages'
echo ' chromium | 150.0.7-1~deb12u1 | http://deb.example/debian bookworm/main amd64 Packages'
"""


@pytest.fixture
def checkout(checkout: Checkout) -> Checkout:
    for tool in (*LINTERS, "pytest", "pip-audit"):
        checkout.command(tool, f'#!/bin/bash\nprintf "%s\\n" "{tool} $*" >>"$FAKE_LOG"\n')
    checkout.make_venv(".run/locked")
    (checkout.folder / "tests").mkdir()
    (checkout.folder / "tests/smoke.py").write_text('print("spoke with what is locked")')
    (checkout.folder / "deploy/kubernetes").mkdir()
    (checkout.folder / "deploy/kubernetes/pod.yaml").touch()
    return checkout


def with_everything(checkout: Checkout) -> None:
    """What the machine may have or not."""
    for tool in ("chromium", "chromedriver", "npm", "kubectl", "haproxy", "firefox-esr", "geckodriver", "pulseaudio"):
        checkout.command(tool, "#!/bin/bash\n")
    checkout.command("docker", DOCKER)
    checkout.command("node", "#!/bin/bash\necho 20\n")


def stages(checkout: Checkout) -> list[str]:
    return [command for command in checkout.installed() if not command.startswith("uv")]


def test_all_is_run_and_summed_up(checkout: Checkout) -> None:
    with_everything(checkout)
    tested = checkout.run("test.sh")
    assert tested.returncode == 0, tested.stdout
    assert [stage.split()[0] for stage in stages(checkout)] == [
        *(*LINTS, "kubernetes-validate", "docker", "docker", "pytest", "pip-audit")
    ]
    assert all(stage.endswith(".yml --profile cpu config -q") for stage in stages(checkout)[-4:-2])
    assert "haproxy" in tested.stdout
    assert "compose config" in tested.stdout
    assert stages(checkout)[-2] == "pytest -m not slow"
    assert tested.stdout.endswith("LEFT OUT: tests marked slow: --all runs them\npassed\n")


def test_the_slow_ones_are_run_when_asked_for(checkout: Checkout) -> None:
    with_everything(checkout)
    tested = checkout.run("test.sh", "--all")
    assert stages(checkout)[-2].rstrip() == "pytest"
    assert "LEFT OUT" not in tested.stdout
    newest, locked = (command for command in checkout.installed() if command.startswith("uv"))
    assert ".venv/" in newest
    assert "lock.txt" not in newest
    assert ".run/locked/" in locked
    assert "requirements/lock.txt" in locked
    assert "spoke with what is locked" in tested.stdout


def test_versions_that_cannot_speak_fail_the_whole(checkout: Checkout) -> None:
    with_everything(checkout)
    (checkout.folder / "tests/smoke.py").write_text("raise SystemExit(1)")
    tested = checkout.run("test.sh")
    assert tested.returncode == 1
    assert "locked         FAILED" in tested.stdout


@pytest.mark.parametrize("broken", [*LINTERS, "pytest"])
def test_one_failure_hides_nothing_and_fails_the_whole(checkout: Checkout, broken: str) -> None:
    checkout.command(broken, '#!/bin/bash\necho "it is broken"\nexit 3\n')
    tested = checkout.run("test.sh")
    assert tested.returncode == 1
    assert tested.stdout.endswith("FAILED\n")
    summary = tested.stdout.partition("== summary")[2]
    assert next(line.split()[0] for line in summary.splitlines() if " FAILED " in line) == LINTERS.get(broken, broken)
    assert len([line for line in summary.splitlines() if " ok " in line]) >= 5


ADVICE = """#!/bin/bash
while (($# > 1)); do [[ $1 == --output ]] && echo 'thing 1.0 ADVISORY-1' >"$2"; shift; done
exit 1
"""


def test_advisories_are_shown_and_fail_nothing(checkout: Checkout) -> None:
    with_everything(checkout)
    checkout.command("pip-audit", ADVICE)
    tested = checkout.run("test.sh")
    assert tested.returncode == 0
    assert "thing 1.0 ADVISORY-1" in tested.stdout
    assert "pip-audit      ADVICE" in tested.stdout.partition("== summary")[2]


def test_advisories_that_cannot_be_had_are_left_out_aloud(checkout: Checkout) -> None:
    with_everything(checkout)
    checkout.command("pip-audit", "#!/bin/bash\necho 'no route to host' >&2\nexit 1\n")
    tested = checkout.run("test.sh")
    assert tested.returncode == 0
    assert "LEFT OUT: pip-audit: the source of advisories cannot be reached" in tested.stdout


def test_what_this_machine_cannot_test_is_left_out_aloud(checkout: Checkout) -> None:
    tested = checkout.run("test.sh", "--quick")
    assert stages(checkout)[-1] == "pytest -m not browser and not firefox and not node and not slow"
    assert "LEFT OUT: tests marked browser or firefox: --quick" in tested.stdout
    assert "LEFT OUT: tests marked slow" in tested.stdout
    for tool in ("haproxy -c", "docker compose config", "kubectl kustomize"):
        assert f"LEFT OUT: {tool}" in tested.stdout


def test_arguments_go_to_pytest_alone(checkout: Checkout) -> None:
    with_everything(checkout)
    checkout.run("test.sh", "tests/web", "-k", "health")
    assert stages(checkout) == ["pytest tests/web -k health"]


def test_lint_alone_checks_every_script_of_ours(checkout: Checkout) -> None:
    for folder in ("deploy", "node_modules/thing", ".venv/lib"):
        (checkout.folder / folder).mkdir(parents=True, exist_ok=True)
        (checkout.folder / folder / "some.sh").write_text("")
    checkout.run("test.sh", "--lint")
    assert [stage.split()[0] for stage in stages(checkout)] == LINTS
    (shfmt,) = (stage for stage in stages(checkout) if stage.startswith("shfmt"))
    checked = {Path(argument).as_posix() for argument in shfmt.split()[4:]}
    assert {".ci/run", "start.sh", "stop.sh", "test.sh", "scripts/gpu.sh", "deploy/some.sh"} <= checked
    assert not {path for path in checked if "node_modules" in path or ".venv" in path}


@pytest.mark.parametrize(("gpu", "overrides"), [(True, False), (False, True)])
def test_torch_for_the_cpu_where_there_is_no_gpu(checkout: Checkout, gpu: bool, overrides: bool) -> None:
    if gpu:
        checkout.command("nvidia-smi", "#!/bin/bash\necho 'GPU 0: Fake (UUID: GPU-0)'\n")
    checkout.run("test.sh", "--lint")
    assert "-r requirements/dev.txt" in checkout.installed()[0]
    assert ("--override requirements/cpu-overrides.txt" in checkout.installed()[0]) == overrides


def test_the_core_needs_no_torch_and_says_what_is_left_out(checkout: Checkout) -> None:
    with_everything(checkout)
    tested = checkout.run("test.sh", "--core", "--quick")
    assert [command for command in checkout.installed() if command.startswith("uv")] == [
        f"uv pip install --python {checkout.folder}/.venv/bin/python -r requirements/dev-core.txt --quiet"
    ]
    assert stages(checkout)[-1] == "pytest --core -m not browser and not firefox and not slow"
    assert not [stage for stage in stages(checkout) if stage.startswith("mypy")]
    for what in ("mypy", "tests that need torch", "tests marked slow"):
        assert f"LEFT OUT: {what}" in tested.stdout
    checkout.run("test.sh", "--core", "tests/web")
    assert stages(checkout)[-1] == "pytest --core tests/web"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_an_older_chromium_is_taken_where_the_newest_cannot_be_installed(checkout: Checkout) -> None:
    with_everything(checkout)
    for tool in ("chromium", "chromedriver"):
        (checkout.commands / tool).unlink()
    checkout.command("apt-get", APT_GET.format(checkout.commands))
    (checkout.commands / "cp").symlink_to("/bin/cp")
    checkout.command("apt-cache", APT_CACHE)
    tested = checkout.run("test.sh")
    assert "trying 150.0.7-1~deb12u1" in tested.stdout
    assert "149.0.1" not in tested.stdout
    assert "LEFT OUT: tests marked browser" not in tested.stdout
    assert stages(checkout)[-2] == "pytest -m not slow"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_without_any_chromium_the_pages_tests_are_left_out_aloud(checkout: Checkout) -> None:
    with_everything(checkout)
    (checkout.commands / "chromium").unlink()
    checkout.command("apt-get", APT_GET.format(checkout.commands).replace("=150", "=no"))
    checkout.command("apt-cache", APT_CACHE)
    tested = checkout.run("test.sh")
    assert "LEFT OUT: tests marked browser" in tested.stdout
    assert stages(checkout)[-2].rstrip() == "pytest -m not browser and not slow"


@pytest.mark.parametrize("missing", ["firefox-esr", "geckodriver", "pulseaudio"])
def test_without_firefox_or_its_driver_its_tests_are_left_out_aloud(checkout: Checkout, missing: str) -> None:
    with_everything(checkout)
    (checkout.commands / missing).unlink()
    tested = checkout.run("test.sh")
    assert "LEFT OUT: tests marked firefox: no firefox-esr, pulseaudio or geckodriver" in tested.stdout
    assert stages(checkout)[-2].rstrip() == "pytest -m not firefox and not slow"
