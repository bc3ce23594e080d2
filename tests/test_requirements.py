"""What is imported is required by name: a package that only happens to be there is missing on the next machine."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = [
    *(ROOT / name for name in ("app.py", "gpu_manager.py", "kyutai_tts_service.py", "mcp_server.py")),
    ROOT / "web/process/gunicorn.conf.py",
]
FOLDERS = ("speech", "web", "assistant", "cli")
BROUGHT_ALONG = {  # parts of what is required, and its own business which version
    "werkzeug": "flask",
    "markupsafe": "flask",
    "itsdangerous": "flask",
    "pydantic-core": "pydantic",
    "anyio": "mcp",
    "starlette": "mcp",
    "uvicorn": "mcp",
    "filelock": "huggingface-hub",  # imported where a model is held on a GPU
}


def required(*names: str) -> set[str]:
    """The distributions that these requirement files name, as an index writes them."""
    lines = [line for name in names for line in (ROOT / name).read_text().splitlines()]
    found = [match[0] for line in lines if (match := re.match(r"[A-Za-z0-9][\w.-]*", line))]
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def imported(path: Path) -> set[str]:
    """The top-level names of all that a file imports, lazily or not."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"_typeshed"}  # for types only; no package at run time


@pytest.mark.parametrize("path", [*CODE, *(p for f in FOLDERS for p in sorted((ROOT / f).rglob("*.py")))], ids=str)
def test_imports_are_required(path: Path) -> None:
    ours = {p.stem for p in ROOT.iterdir()}
    named = required("requirements/core.txt", "requirements.txt", "requirements/pocket.txt", "requirements/wyoming.txt")
    known = packages_distributions()
    missing = {}
    for module in imported(path) - ours:
        distributions = {re.sub(r"[-_.]+", "-", name).lower() for name in known.get(module, [module])}
        distributions |= {BROUGHT_ALONG[name] for name in distributions & BROUGHT_ALONG.keys()}
        if not distributions & named:
            missing[module] = distributions
    assert missing == {}


def test_a_package_has_one_range() -> None:
    """Except in the overrides, which are there to name another."""
    ranges: dict[str, set[str]] = {}
    for file in [ROOT / "requirements.txt", *(ROOT / "requirements").glob("*.txt")]:
        if file.name != "cpu-overrides.txt":
            for line in filter(re.compile(r"[A-Za-z0-9]").match, file.read_text().splitlines()):
                requirement = line.partition("#")[0].strip()
                range_of, _, where = requirement.partition(";")
                name = re.split(r"[<>=!~\[ ]", range_of)[0].lower()
                ranges.setdefault(f"{name};{where}", set()).add(requirement)
    assert [found for found in ranges.values() if len(found) > 1] == []
    assert len(ranges) > 30
