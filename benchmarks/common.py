"""What the instruments share: a service to measure, figures with the machine they were taken on, results in a file."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live_server import LiveServer, live_server

SENTENCE = "The old man walked slowly through the garden and closed the heavy door behind him."
SHORT = "The boats came home before the storm."


def centiles(values: Iterable[float], scale: float = 1.0) -> dict[str, float]:
    """p50, p95, p99, the most, and how many."""
    ranked = sorted(values)
    if not ranked:
        return {}

    def at(share: float) -> float:
        return round(scale * ranked[min(len(ranked) - 1, math.ceil(share * len(ranked)) - 1)], 4)

    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0), "n": len(ranked)}


def options(about: str | None, *more: tuple[str, dict[str, Any]], arguments: Sequence[str] | None = None) -> Namespace:
    """What every instrument can be told, and more of its own: a flag and what argparse wants for it."""
    parser = ArgumentParser(description=about, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures there")
    for flag, how in more:
        parser.add_argument(flag, **how)
    return parser.parse_args(arguments)


ENGINE = (
    "--engine",
    {"choices": ["hibari", "tiny", "mid"], "default": "hibari", "help": "tiny, mid: Kyutai's, random"},
)


@contextmanager
def service(engine: str = "hibari", **settings: str) -> Iterator[LiveServer]:
    """A service of its own with the embedded voice, or Kyutai's shapes in that size with random weights."""
    with tempfile.TemporaryDirectory() as place:
        chosen = {"ENGINE": "hibari"} if engine == "hibari" else _kyutai(engine, Path(place))
        with live_server(Path(place), **(chosen | settings)) as server:
            yield server


def _kyutai(size: str, place: Path) -> dict[str, str]:
    """As many voices are listed as the hub has: what a request costs must not depend on it."""
    from tests.speech.engines.kyutai.checkpoint import VOICES, lay_out_cache, write_checkpoint

    lay_out_cache(write_checkpoint(size, place / "checkpoint"), place / "hub", listed=1000)
    return {
        "ENGINE": "kyutai",
        "DEVICE": "cpu",
        "HF_HOME": str(place / "hub"),
        "HF_HUB_OFFLINE": "1",
        "DEFAULT_VOICE": VOICES[0],
        "VOICES_DIR": str(place / "own-voices"),
    }


def metrics(server: LiveServer) -> dict[str, float]:
    """Every figure of /metrics, by name with its labels."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"^([a-z]\S*) (\S+)$", text, re.MULTILINE)}


def cpu_s(server: LiveServer) -> float:
    """Processor time of the worker so far."""
    return float(sum(server.worker().cpu_times()[:2]))


def place() -> str:
    """The machine, its load, versions and the date, for the line above a table."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}, "
        f"commit {_commit()}, {time.strftime('%Y-%m-%d %H:%M')}"
    )


def _processor() -> str:
    try:
        names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent).stdout.strip() or "?"
    except OSError:
        return "?"


def tell(title: str, rows: Sequence[dict[str, Any]], file: Path | None = None) -> None:
    """Print a table whose columns are the keys of the first row, and keep it with the machine if a file is named."""
    print(f"\n{title}: {place()}\n", flush=True)
    columns = list(rows[0])
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print("| " + " | ".join(_shown(row.get(column)) for column in columns) + " |")
    sys.stdout.flush()
    if file is not None:
        known = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(known | {title: {"place": place(), "rows": list(rows)}}, indent=1))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
