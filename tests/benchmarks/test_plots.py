"""Plots of figures that were kept: one file an instrument, whose text can be read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[2]
PLACE = "a processor, 2 cores, load 0.5"
FIGURES: dict[str, list[dict[str, object]]] = {
    "latency, hibari": [
        {"listeners a second": rate, "first sound p50, ms": 40.0 * rate, "p95": 90.0, "p99": 95.0} for rate in (1, 2, 4)
    ],
    "soak, tiny, 5000 requests": [{"round": number, "MB": 250.0 + number} for number in range(1, 11)],
    "throughput, mid": [{"listeners": 1, "times one at a time": None}, {"listeners": 16, "times one at a time": 13.5}],
    "encoders": [{"format": "mp3"}],
}


def draw(figures: dict[str, list[dict[str, object]]], folder: Path) -> dict[str, str]:
    kept = folder / "figures.json"
    kept.write_text(json.dumps({title: {"place": PLACE, "rows": rows} for title, rows in figures.items()}))
    command = [sys.executable, "-m", "benchmarks.plots", str(kept), str(folder / "drawn")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text() for path in (folder / "drawn").iterdir()}


def test_what_can_be_drawn_is_drawn_with_its_machine(tmp_path: Path) -> None:
    drawn = draw(FIGURES, tmp_path)
    assert set(drawn) == {"latency-hibari.svg", "soak-tiny.svg", "throughput-mid.svg"}
    assert all(f">{PLACE}<" in svg for svg in drawn.values())
    assert all(f">{line}<" in drawn["latency-hibari.svg"] for line in ("first sound p50, ms", "p95", "p99"))
    assert ">16<" in drawn["throughput-mid.svg"]
    assert all(len(svg) < 20_000 for svg in drawn.values())


def test_the_same_figures_give_the_same_file(tmp_path: Path) -> None:
    title = "throughput, mid"
    both = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        both.append(draw({title: FIGURES[title]}, tmp_path / name))
    assert both[0] == both[1]
