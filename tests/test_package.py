"""The package: a wheel that holds all the service needs, says what else that is, and writes nothing beside itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import venv
import wave
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from requirements.metadata import CORE, EXTRAS, named
from speech import VERSION
from speech.engines import ENGINES
from speech.remote.client import ServiceClient
from tests.layout import OURS
from tests.live_server import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
PACKAGE = "kyutai_tts_service"
SAY = "Good evening, ladies and gentlemen."
RUN = f"import sys; from {PACKAGE} import main; sys.exit(main())"


def build(source: Path, folder: Path, kind: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def contents(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_every_module_and_the_page(wheel: Path) -> None:
    folders = [path for name in OURS for path in (ROOT / name).rglob("*") if "__pycache__" not in path.parts]
    parts = [path for path in [*folders, *(ROOT / f"{name}.py" for name in OURS)] if path.is_file()]
    inside = contents(wheel)
    wanted = {f"{PACKAGE}/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in parts}
    del wanted[f"{PACKAGE}/{PACKAGE}.py"]
    wanted[f"{PACKAGE}/__init__.py"] = (ROOT / f"{PACKAGE}.py").read_bytes()
    assert {name: data for name, data in inside.items() if ".dist-info/" not in name} == wanted
    assert len(wanted) > 200


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, tmp_path / "sdist", "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob(f"{PACKAGE}-*")
    assert contents(build(unpacked, tmp_path / "wheel", "wheel")) == contents(wheel)


def test_it_asks_for_what_the_requirements_files_name(wheel: Path) -> None:
    (text,) = (data.decode() for name, data in contents(wheel).items() if name.endswith("/METADATA"))
    metadata = Parser().parsestr(text)
    asked = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]

    def of(extra: str) -> set[tuple[str, str]]:
        marked = f'extra == "{extra}"' if extra else ""
        wanted = [r for r in asked if ("extra ==" in str(r.marker)) == bool(extra) and marked in str(r.marker)]
        return {(canonicalize_name(r.name), str(r.specifier)) for r in wanted}

    def in_file(file: str) -> set[tuple[str, str]]:
        found = [Requirement(line) for line in named(ROOT / file)]
        return {(canonicalize_name(r.name), str(r.specifier)) for r in found}

    assert metadata["Version"] == VERSION
    assert of("") == in_file(CORE)
    assert {extra: of(extra) for extra in EXTRAS} == {extra: in_file(file) for extra, file in EXTRAS.items()}


def test_each_engine_with_packages_of_its_own_is_an_extra() -> None:
    rows = {spec.name: spec.requirements for spec in ENGINES.values() if spec.requirements != CORE}
    assert rows.items() <= EXTRAS.items()
    assert set(EXTRAS.values()) == {*rows.values(), "requirements/wyoming.txt"}


def installed(wheel: Path, folder: Path) -> dict[str, str]:
    """The wheel unpacked as pip does it, and the environment of who has it on the path and a home in this folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ours = {"PYTHONPATH": str(folder / "site"), "XDG_DATA_HOME": str(folder / "data"), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **ours, "ENGINE": "hibari", "OMP_NUM_THREADS": "1"}


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_an_installed_copy_speaks_and_leaves_its_folder_alone(wheel: Path, tmp_path: Path) -> None:
    environment = installed(wheel, tmp_path) | {"PORT": str(free_port())}
    before = files(tmp_path / "site")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "speech.py").write_text("raise SystemExit('not ours')")
    command = [sys.executable, "-P", "-c", RUN, "say", "-o", "evening.wav", SAY]
    subprocess.run(command, cwd=tmp_path / "here", env=environment, check=True, timeout=120)
    with wave.open(str(tmp_path / "here" / "evening.wav")) as audio:
        assert audio.getnframes() > audio.getframerate()
    assert files(tmp_path / "site") == before


@pytest.mark.slow
def test_an_installed_service_keeps_its_files_in_the_user_s_data(wheel: Path, tmp_path: Path) -> None:
    environment = installed(wheel, tmp_path)
    before, port, here = files(tmp_path / "site"), free_port(), tmp_path / "here"
    here.mkdir()
    command = [sys.executable, "-P", "-c", RUN, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with served(command, here, environment, port) as url:
        page = urllib.request.urlopen(url, timeout=60).read()
        assert b"<title>" in page
        assert b"swagger" in urllib.request.urlopen(f"{url}/apidocs/", timeout=60).read().lower()
        body = json.dumps({"text": SAY}).encode()
        job = urllib.request.Request(f"{url}/api/jobs", body, {"content-type": "application/json"})
        urllib.request.urlopen(job, timeout=60).close()
    assert files(tmp_path / "site") == before
    assert files(here) == set()
    assert files(tmp_path / "data" / "kyutai-tts" / "outputs")


@contextmanager
def served(command: list[str], folder: Path, environment: dict[str, str], port: int) -> Iterator[str]:
    """The command while it runs, once it answers: its address."""
    process = subprocess.Popen(command, cwd=folder, env=environment)
    client = ServiceClient(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        assert process.poll() is None, "it has ended"
        return client.present()

    try:
        wait_until(answers, 300)
        yield client.url
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.slow
@pytest.mark.timeout(1200)  # it fetches half a gigabyte
@pytest.mark.skipif(not shutil.which("uv"), reason="no uv")
def test_pip_and_uvx_make_it_speak(tmp_path: Path) -> None:
    """From nothing: a virtual environment without packages, and one that uvx makes. Asks the package index."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"XDG_DATA_HOME": str(tmp_path / "data"), "ENGINE": "hibari", "PORT": str(free_port())}
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", ROOT], cwd=tmp_path, env=environment, check=True)
    say = [programs / "kyutai-tts", "say", "-o", "evening.wav", SAY]
    subprocess.run(say, cwd=tmp_path, env=environment, check=True)
    with wave.open(str(tmp_path / "evening.wav")) as audio:
        assert audio.getnframes() > audio.getframerate()
    uvx = ["uvx", "--python", sys.executable, "--from", str(ROOT), "kyutai-tts", "serve", "--host", "127.0.0.1"]
    with served(uvx, tmp_path, environment, int(environment["PORT"])) as url:
        body = json.dumps({"text": SAY}).encode()
        asked = urllib.request.Request(f"{url}/api/tts", body, {"content-type": "application/json"})
        assert urllib.request.urlopen(asked, timeout=120).read(4) == b"RIFF"
