"""What is imported is required by name: a package that only happens to be there is missing on the next machine."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from speech.engines import ENGINES

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
        if file.name not in ("cpu-overrides.txt", "lock.txt"):
            for line in filter(re.compile(r"[A-Za-z0-9]").match, file.read_text().splitlines()):
                requirement = line.partition("#")[0].strip()
                range_of, _, where = requirement.partition(";")
                name = re.split(r"[<>=!~\[ ]", range_of)[0].lower()
                ranges.setdefault(f"{name};{where}", set()).add(requirement)
    assert [found for found in ranges.values() if len(found) > 1] == []
    assert len(ranges) > 30


# -- the table of docs/install.md -----------------------------------------------------------------------------------

OLDEST = "manylinux_2_28"  # glibc of the oldest systems that the guide names


def wheels() -> dict[tuple[str, str, str], bool]:
    """(engine, processor, Python) -> whether docs/install.md says that its packages can be had."""
    table = (ROOT / "docs/install.md").read_text().partition("<!-- wheels -->\n")[2].partition("<!-- end")[0]
    head, _, *rows = ([cell.strip("` ") for cell in line.strip("|").split("|")] for line in table.splitlines())
    return {
        (row[0], row[1], python): cell == "yes" for row in rows for python, cell in zip(head[2:], row[2:], strict=True)
    }


def test_the_table_says_of_every_engine_what_its_row_says() -> None:
    told = wheels()
    assert {engine for engine, _, _ in told} == set(ENGINES)
    assert {python for _, _, python in told} == {"3.11", "3.12", "3.13", "3.14"}
    for (engine, processor, python), can in told.items():
        spec = ENGINES[engine]
        version = tuple(map(int, python.split(".")))
        assert can == (version < spec.before_python and processor in (spec.machines or (processor,))), (engine, python)


@pytest.mark.slow  # asks the index for what is not in uv's cache
@pytest.mark.parametrize(("engine", "processor", "python"), sorted(wheels()))
def test_the_table_is_what_the_resolver_finds(engine: str, processor: str, python: str) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("no uv")
    wish = ("--python-version", python, "--python-platform", f"{processor}-{OLDEST}", "--only-binary", ":all:")
    source = ("--no-binary", "flasgger")  # pure Python, published without a wheel
    command = [uv, "pip", "compile", "--quiet", *wish, *source, ENGINES[engine].requirements]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    reached = done.returncode == 0 or "No solution found" in done.stderr
    assert reached, done.stderr
    assert (done.returncode == 0) == wheels()[engine, processor, python], done.stderr


def locked() -> dict[str, list[str]]:
    """Each package of the lock, and its lines: one for each of its versions; where they differ a marker says when."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "requirements/lock.txt").read_text().splitlines():
        if match := re.match(r"([a-z0-9-]+)==", line):
            found.setdefault(match[1], []).append(line.removesuffix(" \\"))
    return found


@pytest.mark.parametrize(
    "name", ["requirements.txt", *(f"requirements/{n}.txt" for n in ("core", "pocket", "wyoming", "dev-core"))]
)
def test_the_lock_has_a_version_in_every_range(name: str) -> None:
    """Else scripts/lock.sh was forgotten after a change of a range."""
    versions = locked()
    for line in filter(re.compile(r"[A-Za-z0-9]").match, (ROOT / name).read_text().splitlines()):
        wanted = Requirement(line.partition("#")[0])
        pins = [Requirement(pin) for pin in versions[re.sub(r"[-_.]+", "-", wanted.name).lower()]]
        found = [specifier.version for pin in pins for specifier in pin.specifier]
        assert any(map(wanted.specifier.contains, found)), f"{wanted} has none of {found}"


def test_the_lock_has_hashes_and_names_no_index() -> None:
    text = (ROOT / "requirements/lock.txt").read_text()
    assert "://" not in text
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)
