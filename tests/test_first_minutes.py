"""The first ten minutes, as the documents tell them: a fresh clone, and nothing but what they had installed by then."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guides import ADDRESSES, ROOT, Block, marked_blocks, name_of
from tests.live_server import free_port
from tests.test_guides import AUDIO, seconds_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

GUIDES = ("README.md", "README.zh-CN.md", "docs/QUICKSTART.md", "docs/clients.md", "docs/DEPLOYMENT_SUMMARY.md")
TOLD = {"from openai": "openai"}  # what a guide says to install beside the service


class Clone:
    """A clone whose service runs; commands see a bare system, and neither the tests' packages nor their settings."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_", "HOME"))}
        tools = [str(Path(tool).parent) for tool in map(shutil.which, ("curl", "git", "bash")) if tool]
        self.environment = kept | {"PATH": ":".join([*tools, "/usr/bin", "/bin"]), "PORT": str(self.port)}
        python = shutil.which("python3", path=self.environment["PATH"])
        self.environment["PYTHON"] = os.environ.get("PYTHON") or str(python)

    def run(self, *command: str, where: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=where or self.folder, env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    folder = tmp_path_factory.mktemp("clone") / "kyutai-tts"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(folder)], check=True)
    clone = Clone(folder)
    started = clone.run("./start.sh", "--engine", "hibari")
    assert started.returncode == 0, started.stdout + started.stderr
    yield clone
    clone.run("./stop.sh", "--now")


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


@pytest.mark.parametrize("block", [b for b in marked_blocks(("sh", "python")) if name_of(b.guide) in GUIDES], ids=str)
def test_what_the_guides_run(clone: Clone, block: Block, tmp_path: Path) -> None:
    code = block.code
    for address in ADDRESSES:
        code = code.replace(address, f"127.0.0.1:{clone.port}")
    python = clone.environment["PYTHON"]
    for sign, package in TOLD.items():
        if sign in code:
            python = str(tmp_path / "told/bin/python")
            subprocess.run([clone.environment["PYTHON"], "-m", "venv", str(tmp_path / "told")], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
    command = ["bash", "-euo", "pipefail", "-c"] if block.kind == "sh" else [python, "-c"]
    (tmp_path / "here").mkdir()
    done = clone.run(*command, code, where=tmp_path / "here")
    assert done.returncode == 0, done.stdout + done.stderr
    for file in (tmp_path / "here").iterdir():
        assert file.suffix not in AUDIO or seconds_in(file) > 0.5, file.name
