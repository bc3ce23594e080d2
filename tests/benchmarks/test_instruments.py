"""The instruments that measure the service: they have to work on the day when a figure is wanted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import INSTRUMENTS
from benchmarks.common import centiles, tell
from benchmarks.latency import mean_ms, moments, too_much
from benchmarks.soak import FIGURES, flat, slope

ROOT = Path(__file__).parents[2]
QUICK = ("throughput", "latency", "overhead", "soak", "book", "cold", "encoders", "judge")


def measure(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", QUICK)
def test_each_runs_with_the_embedded_voice(name: str, tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    done = measure(name, "--quick", "--json", str(kept))
    assert done.returncode == 0, done.stdout + done.stderr
    (figures,) = json.loads(kept.read_text()).values()
    assert "cores, load" in figures["place"]
    assert all(not row.get("failed") and not row.get("wrong") for row in figures["rows"]), figures
    assert all(value >= 0 for row in figures["rows"] for value in row.values() if isinstance(value, float))


def test_one_that_is_not_known_is_told() -> None:
    done = measure("speed")
    assert done.returncode == 2
    assert all(name in done.stdout for name in INSTRUMENTS)


def test_the_list_names_what_is_there() -> None:
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} | {"gpu"}
    assert set(INSTRUMENTS) == files - {"__init__", "__main__", "asking", "common", "listeners", "plots"}


def test_centiles() -> None:
    assert centiles(range(1, 101)) == {"p50": 50, "p95": 95, "p99": 99, "max": 100, "n": 100}
    assert centiles([0.25], 1000) == {"p50": 250, "p95": 250, "p99": 250, "max": 250, "n": 1}
    assert centiles([]) == {}


def test_listeners_come_at_the_rate_that_was_asked_for() -> None:
    come = moments(50, 100)
    assert come == sorted(come)
    assert len(come) == pytest.approx(5000, rel=0.05)
    assert moments(0.001, 1) == [0.0]


def test_the_limit() -> None:
    fine = {"failed": 0, "with a gap": 0, "p95": 400.0}
    assert not too_much(fine, 500)
    assert all(too_much(fine | worse, 500) for worse in ({"failed": 1}, {"with a gap": 1}, {"p95": 501.0}))


def test_a_mean_over_a_stretch_of_time() -> None:
    before, after = {"x_sum": 1.0, "x_count": 1.0}, {"x_sum": 4.0, "x_count": 4.0}
    assert mean_ms(before, after, "x") == 1000
    assert mean_ms(after, after, "x") is None


def test_a_slope() -> None:
    none = dict.fromkeys(("left", "refused", "busy", "wrong"), 0)
    filling = (100.0, 180.0, 220.0, 230.0, 235.0)  # the first half does not count
    rows = [{"spoken": 500, **none, "MB": mb} for mb in (*filling, *(240.0 + number for number in range(5)))]
    assert slope(rows, "MB") == pytest.approx(2.0)


def test_what_is_called_flat() -> None:
    none = dict.fromkeys(FIGURES, 0.0)
    assert flat(none)
    assert flat(none | {"MB": -50.0})
    assert not any(flat(none | {key: 1.01 * most}) for key, most in FIGURES.items())


def test_figures_are_kept_beside_those_of_others(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    tell("one", [{"a": 1.5}], file)
    tell("two", [{"a": 2}], file)
    assert {name: kept["rows"] for name, kept in json.loads(file.read_text()).items()} == {
        "one": [{"a": 1.5}],
        "two": [{"a": 2}],
    }
