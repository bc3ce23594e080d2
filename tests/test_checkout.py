"""What a checkout consists of: scripts that run on any system, and a top level that a newcomer can read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = [
    *sorted(ROOT.glob("*.sh")),
    *(ROOT / "scripts").glob("*.sh"),
    *(ROOT / "deploy").rglob("*.sh"),
    *(ROOT / name for name in ("say", ".ci/run", "Dockerfile", ".env.example", "scripts/probe.py")),
]
TOP = {  # what the delivery checklist names, what each public repository has, and scripts that people run
    *("app.py", "gpu_manager.py", "mcp_server.py", "mcp_config.json", "kyutai_tts_service.py"),
    *("Dockerfile", "docker-compose.yml", ".dockerignore", "requirements.txt", ".env.example"),
    *("start.sh", "stop.sh", "test.sh", "test_api.sh", "verify_deployment.sh", "say"),
    *("README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "pyproject.toml"),
    *(".gitignore", ".gitattributes"),
    *(".ci", "assistant", "benchmarks", "cli", "deploy", "docs", "examples", "outputs", "requirements"),
    *("scripts", "speech", "tests", "web"),
}


def git(folder: Path, *arguments: str) -> str:
    user = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    done = subprocess.run(["git", *user, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
def test_a_checkout_on_windows_keeps_the_line_ends_of_scripts(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    names = [script.relative_to(ROOT).as_posix() for script in SCRIPTS]
    for name, script in zip(names, SCRIPTS, strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(script, tmp_path / name)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "scripts")
    for name in names:
        (tmp_path / name).unlink()
    git(tmp_path, "-c", "core.autocrlf=true", "-c", "core.eol=crlf", "checkout", "--", ".")
    assert [name for name in names if b"\r" in (tmp_path / name).read_bytes()] == []
    assert "eol: lf" in git(tmp_path, "check-attr", "eol", "start.sh")


@pytest.mark.skipif(not shutil.which("git") or not (ROOT / ".git").exists(), reason="not a checkout")
def test_the_top_level_holds_nothing_else() -> None:
    tracked = {path.partition("/")[0] for path in git(ROOT, "ls-files").splitlines()}
    assert sorted(tracked - TOP) == []
