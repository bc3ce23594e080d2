"""The first ten minutes, as the documents tell them: a fresh clone, and nothing but what they had installed by then."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.stage import fake_player
from tests.commands import IN_A_CLONE
from tests.guides import ADDRESSES, ROOT, Block, marked_blocks
from tests.live_server import free_port
from tests.test_guides import AUDIO, seconds_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TOLD = {
    "from openai": "openai",
    "import websocket": "websocket-client",
}  # what a guide has installed first


class Clone:
    """A clone; commands see a bare system, and neither the tests' packages nor their settings."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.port = folder, free_port()
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_", "HOME"))}
        tools = [str(Path(tool).parent) for tool in map(shutil.which, ("curl", "git", "bash")) if tool]
        self.environment = kept | {"PATH": ":".join([*tools, "/usr/bin", "/bin"]), "PORT": str(self.port)} | environment
        python = shutil.which("python3", path=self.environment["PATH"])
        self.environment["PYTHON"] = os.environ.get("PYTHON") or str(python)
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(folder)], check=True)

    def run(self, *command: str, where: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=where or self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def at_its_port(self, code: str) -> str:
        for address in ADDRESSES:
            code = code.replace(address, f"127.0.0.1:{self.port}")
        return code

    def shell(self, code: str, where: Path | None = None) -> None:
        """Run it as a person would type it, with this clone's ports. Fails with what it says."""
        code = self.at_its_port(code)
        done = self.run("bash", "-euo", "pipefail", "-c", code, where=where)
        assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """Its service runs."""
    clone = Clone(tmp_path_factory.mktemp("clone") / "kyutai-tts")
    clone.shell("./start.sh --engine hibari")
    yield clone
    clone.run("./stop.sh", "--now")


@pytest.fixture
def spare(clone: Clone, tmp_path: Path) -> Iterator[Clone]:
    """A second clone whose service does not run, with the packages of the first, a player, and texts to say."""
    player = fake_player(tmp_path, name="ffplay")
    spare = Clone(tmp_path / "kyutai-tts", ENGINE="hibari")
    (spare.folder / ".venv").symlink_to(clone.folder / ".venv")
    spare.environment["PATH"] = f"{player.folder}/bin:{spare.environment['PATH']}"
    (spare.folder / "chapter.txt").write_text("It was a bright cold day in April.")
    yield spare
    spare.run("./stop.sh", "--now")


def test_everything_answers(clone: Clone) -> None:
    done = clone.run("./test_api.sh")
    assert ", 0 failed" in done.stdout, done.stdout + done.stderr


def test_prefetching_without_its_packages_says_what_to_do(clone: Clone) -> None:
    for python in (".venv/bin/python", clone.environment["PYTHON"]):
        done = clone.run(python, "-m", "speech.engines.kyutai.prefetch")
        assert done.returncode == 2
        assert "huggingface_hub" in done.stderr
        assert "Traceback" not in done.stderr
        assert ".venv/bin/python" in done.stderr


@pytest.mark.parametrize("block", marked_blocks(("sh", "python"), all_guides=True), ids=str)
def test_what_the_guides_run(clone: Clone, block: Block, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    code = block.code
    if block.kind == "python":
        (tmp_path / "block.py").write_text(clone.at_its_port(code))
        code = f"{python_told(clone, code, tmp_path / 'told')} {tmp_path / 'block.py'}"
    clone.shell(code, where=tmp_path / "here")
    for file in (tmp_path / "here").iterdir():
        assert file.suffix not in AUDIO or seconds_in(file) > 0.5, file.name


def python_told(clone: Clone, code: str, folder: Path) -> str:
    """The system's Python; where the guide says to install something, one that has it."""
    packages = [package for sign, package in TOLD.items() if sign in code]
    if not packages:
        return clone.environment["PYTHON"]
    subprocess.run([clone.environment["PYTHON"], "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin/pip"), "install", "--quiet", *packages], check=True)
    return str(folder / "bin/python")


@pytest.mark.parametrize("command", IN_A_CLONE)
def test_commands_of_the_guides(spare: Clone, command: str) -> None:
    if "stop.sh" in command or "say" in command:
        spare.shell("./start.sh")
    for shown in ("8901", "10200"):
        command = command.replace(shown, str(spare.port if "stop.sh" in command else free_port()))
    if "--port" in command and "start.sh" in command:
        spare.port = int(command.split()[-1])
    spare.shell(command)
    if "start.sh" in command:
        spare.shell("curl -sS --fail-with-body localhost:8900/ready")
    elif "stop.sh" in command:
        assert spare.run("curl", "-s", f"127.0.0.1:{spare.port}/health").returncode == 7, "it still answers"
