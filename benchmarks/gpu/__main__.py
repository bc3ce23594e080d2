"""Everything that needs a GPU, in one command: makes a full-size random checkpoint, measures, fills in the document.

    python -m benchmarks.gpu                                   all of it, about ten minutes
    python -m benchmarks.gpu --parts exact steps --budget 300
    BENCH_DEVICE=cpu python -m benchmarks.gpu --size tiny      to try the kit where there is no GPU

Each part is a process with a limit of its own and keeps what it had when its time is up. Needs the GPU for itself,
8 GB of disk for the checkpoint, and what requirements-dev.txt has. Results lie in BENCH_OUT (gpu-results/): one
JSON file and one log for each part, and report.md. --write puts the report into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu import report
from benchmarks.gpu.common import CUDA, OUT, save

TESTS = "tests/speech/engines/kyutai"
# The top conftest.py wants the embedded voice; warnings of another torch are no errors here.
PYTEST = [
    "-m",
    "pytest",
    "-q",
    "--confcutdir=tests/speech/engines",
    "-o",
    "filterwarnings=default",
    "-p",
    "no:cacheprovider",
]


@dataclass(frozen=True)
class Part:
    """A step of the kit: what python is started with, and the seconds that it may take."""

    command: list[str]
    limit_s: int
    environment: dict[str, str]


def parts(size: str, folder: str) -> dict[str, Part]:
    """In the order of their worth."""
    few = size == "tiny"
    rows = ["1", "4"] if few else ["1", "8", "16", "32", "64"]
    listeners = ["1", "4"] if few else ["1", "8", "32", "64"]
    profiled = ["1"] if few else ["1", "32"]
    exact = [f"{TESTS}/test_{name}.py" for name in ("exact", "pace", "loading", "kernels")]
    slots = ["--slots", "4"] if few else []
    steps = ["-m", "benchmarks.gpu.steps", folder]
    return {
        "checkpoint": Part(["-m", "benchmarks.gpu.checkpoint", size, folder], 200, {}),
        "exact": Part(
            [*PYTEST, *exact, *(["-n", "4"] if CUDA else [])],
            180,
            {"TEST_DEVICE": "cuda" if CUDA else "cpu", "LOAD_CYCLES": "3"},
        ),
        "steps": Part([*steps, "--rows", *rows, "--profile", *profiled], 120, {}),
        "serve": Part(["-m", "benchmarks.gpu.serve", folder, "--listeners", *listeners, *slots], 150, {}),
        "moshi": Part(["-m", "benchmarks.gpu.against_moshi", folder, "--rows", *rows], 90, {}),
        "accuracy": Part(["-m", "benchmarks.gpu.accuracy", folder], 150, {}),
        "torchs": Part(
            [*steps, "--name", "torchs", "--rows", *profiled, "--steps", "30"], 40, {"KYUTAI_OWN_KERNELS": "0"}
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["tiny", "mid", "full"], default="full")
    parser.add_argument("--folder", type=Path, help="where the checkpoint is made, or lies already")
    parser.add_argument("--parts", nargs="*", help="some of: " + ", ".join(parts("full", "")))
    parser.add_argument("--budget", type=int, default=1200, help="seconds for all of them")
    parser.add_argument("--write", action="store_true", help="put the report into docs/performance.md")
    options = parser.parse_args()
    folder = options.folder or OUT / options.size
    ends = time.monotonic() + options.budget
    for name, part in parts(options.size, str(folder)).items():
        made = name == "checkpoint" and (folder / "config.json").is_file()
        if not made and (options.parts is None or name in (*options.parts, "checkpoint")):
            run(name, part, ends)
    text = report.markdown()
    (OUT / "report.md").write_text(text)
    print(text)
    if options.write:
        report.write(text, Path("docs/performance.md"))


def run(name: str, part: Part, ends: float) -> None:
    left = ends - time.monotonic()
    if left < 10:
        print(f"== {name}: no time left", flush=True)
        return
    log = OUT / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    print(f"== {name}, at most {min(left, part.limit_s):.0f} s", flush=True)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "NO_TORCH_COMPILE": "1", **part.environment}
    with log.open("wb") as output:
        try:
            command = [sys.executable, *part.command]
            limit = min(left, part.limit_s)
            code = subprocess.run(command, stdout=output, stderr=output, timeout=limit, env=environment).returncode
        except subprocess.TimeoutExpired:
            code = 124
    taken = time.monotonic() - started
    lines = log.read_text(errors="replace").splitlines()
    save(f"part_{name}", {"code": code, "seconds": taken, "last": lines[-1] if lines else ""})
    print("\n".join(line[:400] for line in lines[-12:]))
    print(f"== {name} ended with {code} after {taken:.0f} s", flush=True)


if __name__ == "__main__":
    main()
