"""The guides are true: what can be run is run against the real service, what they name exists."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import av
import pytest
from flask import Flask

from speech.settings import Settings
from tests.guides import ADDRESSES, GUIDES, ROOT, Block, marked_blocks, name_of, quoted, shell_lines
from tests.live_server import LiveServer

CHECKLIST = ROOT / "docs/DELIVERY_CHECKLIST.md"
ASKED_FOR = [  # the rows of the request that this service was built from
    *(f"A{n}" for n in range(1, 11)),
    *(f"B{n}" for n in range(1, 7)),
    *(f"C{n}" for n in range(1, 10)),
    *(f"D{n}" for n in range(1, 11)),
    *(f"E{n}" for n in range(1, 10)),
    "F",
    "G",
]
AUDIO = (".wav", ".mp3", ".opus", ".ogg", ".aac", ".flac")
SCRIPTS = (".sh", ".yml")
FOLDERS = {"assistant", "benchmarks", "cli", "deploy", "docs", "scripts", "speech", "tests", "web"}
NO_ROUTES = ("/v1", "/api/voice")  # an address that clients are given; a route that a guide says there is not
PATH = re.compile(r"[\w./-]+(::\w+)?")
NAME_OTHERS_VARIABLES = ("clients.md", "MCP_GUIDE.md", "MCP_GUIDE.en.md")  # those of other programs
OTHERS_VARIABLES = {  # of Docker, CUDA, pip, OpenMP, our scripts and tests: no settings of the service
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "BASE_IMAGE", "PIP_INDEX_URL", "PIP_FIND_LINKS"),
    *("PIP_NO_INDEX", "PYTHON", "VENV", "HF_HUB_DISABLE_XET", "START_TIMEOUT_S", "XDG_DATA_HOME"),
    *("BENCH_DEVICE", "CPU_BASE_IMAGE", "HIBARI_HOME", "HTTPS_PROXY"),
    *(
        "KYUTAI_OWN_KERNELS",
        "MALLOC_ARENA_MAX",
        "MALLOC_MMAP_THRESHOLD_",
        "MALLOC_TRIM_THRESHOLD_",
        "MSG_PEEK",
        "NO_PROXY",
        "OMP_WAIT_POLICY",
    ),
    *("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "TEST_DEVICE"),
}


# -- what can be run ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", marked_blocks(("sh", "python")), ids=str)
def test_marked_blocks_run(block: Block, server: LiveServer, tmp_path: Path) -> None:
    code = block.code
    for address in ADDRESSES:
        code = code.replace(address, f"127.0.0.1:{server.port}")
    command = ["bash", "-euo", "pipefail", "-c"] if block.kind == "sh" else [sys.executable, "-c"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
    done = subprocess.run(
        [*command, code],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout
    for file in tmp_path.iterdir():
        assert file.stat().st_size > 0, f"{file.name} is empty"
        if file.suffix in AUDIO:
            assert seconds_in(file) > 0.5, file.name


def seconds_in(file: Path) -> float:
    """Length of the audio when decoded."""
    with av.open(str(file)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def test_there_are_blocks_to_run() -> None:
    tried = {name_of(block.guide) for block in marked_blocks(("sh", "python"))}
    assert tried >= {"README.md", "README.zh-CN.md", "docs/QUICKSTART.md", "docs/clients.md", "docs/operations.md"}


# -- what they name -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_scripts_have_the_options_that_are_shown(guide: Path) -> None:
    for line in shell_lines(guide):
        for script, rest in re.findall(r"(?:^|\s|&)\./([\w/]+\.sh)([^|;&#]*)", line):
            path = ROOT / script
            assert path.is_file(), f"{line}: there is no {script}"
            assert os.access(path, os.X_OK), f"{line}: {script} cannot be executed"
            said = path.read_text()
            missing = [option for option in re.findall(r"\s(--[\w-]+)", rest) if option not in said]
            assert missing == [], line


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_modules_that_are_run_exist(guide: Path) -> None:
    for line in shell_lines(guide):
        for module in re.findall(r"python3? -m ((?:speech|benchmarks)[\w.]*)", line):
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), line


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_settings_that_are_named_exist(guide: Path) -> None:
    known = {name.upper() for name in Settings.model_fields} | OTHERS_VARIABLES
    ours = [line for line in shell_lines(guide) if re.search(r"start\.sh|compose|app\.py|speech\.prefetch", line)]
    named = {name for line in ours for name in re.findall(r"(?:^|\s)([A-Z][A-Z0-9_]+)=", line)}
    if guide.name not in NAME_OTHERS_VARIABLES:
        named |= {name for text in quoted(guide) for name in re.findall(r"^([A-Z]+\d?_[A-Z0-9_]+)(?:=|$)", text)}
    assert sorted(name for name in named - known if not name.startswith("KYUTAI_TTS_")) == []


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_files_that_are_named_exist(guide: Path) -> None:
    top = {path.name for path in ROOT.iterdir()} - {"voices", ".run"} | FOLDERS  # what a run leaves is not ours to name
    words = {text.partition("::")[0].removeprefix("./") for text in quoted(guide) if PATH.fullmatch(text)}
    named = {word for word in words if word.partition("/")[0] in top or ("/" not in word and word.endswith(SCRIPTS))}
    ours = {name for name in named if "NAME" not in name}  # `web/NAME.py`: any name
    assert sorted(name for name in ours if not (ROOT / name).exists() and not (guide.parent / name).exists()) == []


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_routes_that_are_named_exist(guide: Path, app: Flask) -> None:
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    routes = [re.sub(r"<[^>]+>", "[^/]+", re.sub("/$", "/?", rule)) for rule in rules]
    text = guide.read_text()
    named = re.findall(r"(?:GET|POST) (/[\w./{}-]+)", text) + re.findall(r"[:](?:8900)(/[\w./-]+)", text)
    assert [path for path in named if path not in NO_ROUTES and not any(re.fullmatch(r, path) for r in routes)] == []


# -- the delivery checklist -----------------------------------------------------------------------------------------


def rows() -> dict[str, str]:
    """The checklist's rows: their number, and the cell with the proofs."""
    cells = [line.strip("| ").split("|") for line in CHECKLIST.read_text().splitlines() if line.startswith("| ")]
    found = [(row[0].strip(), row[-1]) for row in cells if re.fullmatch(r"[A-H]\d*", row[0].strip())]
    assert len(found) == len(dict(found)), "a row stands there twice"
    return dict(found)


def test_every_row_of_the_request_is_answered() -> None:
    assert [number for number in ASKED_FOR if number not in rows()] == []


@pytest.mark.parametrize("number", sorted(rows()))
def test_every_proof_exists(number: str) -> None:
    proofs = re.findall(r"`([^`]+)`", rows()[number])
    assert proofs, "a row without a proof"
    for proof in proofs:
        name, _, function = proof.partition("::")
        path = ROOT / name
        assert path.exists(), proof
        assert not function or function in functions_of(path), proof
        assert path.suffix != ".sh" or os.access(path, os.X_OK), proof


def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


# -- the floor plan -------------------------------------------------------------------------------------------------


def test_the_floor_plan_has_every_module() -> None:
    rows = re.split(r"^- ", (ROOT / "docs/PROJECT_STRUCTURE.md").read_text(), flags=re.MULTILINE)
    modules = [path for folder in ("speech", "web", "assistant", "cli") for path in (ROOT / folder).rglob("*.py")]
    missing = [path.relative_to(ROOT) for path in modules if path.name != "__init__.py" and not named_in(rows, path)]
    assert sorted(map(str, missing)) == []


def named_in(rows: list[str], module: Path) -> bool:
    """Whether the row of its folder has its name."""
    folder = re.compile(rf"`{re.escape(module.parent.relative_to(ROOT).as_posix())}/?`")
    return any(f"`{module.name}`" in row for row in rows if folder.search(row))
