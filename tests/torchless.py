"""Tests without torch: what needs it is left out and counted, where torch is missing or --core is given."""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.imports import imports_of, source_of

ROOT = Path(__file__).parent.parent
TORCH = {"torch", "moshi"}


@cache
def needs_torch(file: Path) -> bool:
    """Whether a file of tests imports torch: itself, by what it imports of ours, or by the conftest.py beside it."""
    return _are_torch(_reached(file)) or _brings_torch(file.with_name("conftest.py"))


@cache
def _brings_torch(conftest: Path) -> bool:
    """Whether a conftest.py imports torch itself. pytest loads it before any file of its folder."""
    return conftest.is_file() and _are_torch(_imports(conftest))


def _are_torch(names: set[str]) -> bool:
    return any(name.partition(".")[0] in TORCH for name in names)


def _reached(file: Path) -> set[str]:
    """All modules that come along with a file: a test's lazy imports count, those of the product do not."""
    reached: set[str] = set()
    files, seen = [file], {file}
    while files:
        file = files.pop()
        reached |= (names := _imports(file))
        found = {source for name in names if (source := source_of(ROOT, name))} - seen
        seen |= found
        files += found
    return reached


@cache
def _imports(file: Path) -> set[str]:
    """Read once: most files come along with many tests."""
    return imports_of(ROOT, file, lazy=file.is_relative_to(ROOT / "tests"))


def left_out(paths: list[Path]) -> dict[Path, int]:
    """The files of tests below the paths that need torch, and how many test functions each holds."""
    files = {file for path in paths for file in (path.rglob("test_*.py") if path.is_dir() else [path])}
    return {file: _tests_in(file) for file in sorted(files) if file.suffix == ".py" and needs_torch(file)}


def _tests_in(file: Path) -> int:
    nodes = ast.walk(ast.parse(file.read_text()))
    return sum(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in nodes)


def _core(config: pytest.Config) -> bool:
    return bool(config.getoption("--core")) or find_spec("torch") is None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--core", action="store_true", help="leave out the tests that need torch, and say how many")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not _core(config):
        return None
    if collection_path.is_dir():
        return True if _brings_torch(collection_path / "conftest.py") else None
    wanted = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    return True if wanted and needs_torch(collection_path) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _core(config):
        here = config.invocation_params.dir
        found = left_out([here / argument.partition("::")[0] for argument in config.args])
        count = sum(found.values())
        terminalreporter.write_line(f"left out, as they need torch: {count} test functions in {len(found)} files")
