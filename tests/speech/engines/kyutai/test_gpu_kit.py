"""The kit that measures on a GPU, run whole without one: it has to work the first time that a GPU is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import report
from benchmarks.gpu.profiling import covered
from benchmarks.listeners import Listener

ROOT = Path(__file__).parents[4]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_runs_on_a_cpu_with_the_tiny_model(tmp_path: Path) -> None:
    """But for the tests of exactness, which run here anyway."""
    wanted = ["steps", "serve", "moshi", "accuracy", "torchs"]
    environment = {**os.environ, "BENCH_DEVICE": "cpu", "BENCH_OUT": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.gpu", "--size", "tiny", "--budget", "800", "--parts", *wanted]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True).stdout
    results = {file.stem: json.loads(file.read_text()) for file in (tmp_path / "json").glob("*.json")}
    assert {part: results[f"part_{part}"]["code"] for part in wanted} == dict.fromkeys(wanted, 0), said
    assert results["serve"]["4 listeners at once"]["failed"] == 0
    assert results["steps"]["4"]["full_ms"]["p50"] > 0
    text = (tmp_path / "report.md").read_text()
    assert "| 4 listeners at once |" in text
    assert "| 1 | full |" in text


def test_a_report_is_written_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write("new", page)
    assert page.read_text() == f"before\n{report.BEGIN}\n\nnew\n{report.END}\nafter\n"


def test_the_page_has_the_marks() -> None:
    page = (ROOT / "docs/performance.md").read_text()
    assert page.index(report.BEGIN) < page.index(report.END)


class Pieces:
    """A socket that gives what it is given, piece by piece."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def recv(self, _size: int) -> bytes:
        return self._pieces.pop(0)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_listener_counts_sound_and_nothing_else(cut: int) -> None:
    """However the bytes of the answer are cut."""
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
    pieces = [answer[i : i + cut] for i in range(0, len(answer), cut)]
    listener = Listener(Pieces(*pieces), 0.0)  # type: ignore[arg-type]
    while not listener.done:
        listener.read()
    assert listener.error is None
    assert sum(size for _, size in listener.reads) == 21


def test_an_error_is_kept() -> None:
    listener = Listener(Pieces(b'HTTP/1.1 429 TOO MANY\r\nRetry-After: 3\r\n\r\n{"error": 1}'), 0.0)  # type: ignore[arg-type]
    listener.read()
    assert listener.done
    assert listener.error is not None
    assert "429" in listener.error


def test_overlapping_kernels_count_once() -> None:
    assert covered([(0, 4), (2, 5), (7, 8), (7.5, 7.6)]) == 6
