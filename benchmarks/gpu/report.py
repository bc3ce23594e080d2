"""The tables of docs/performance.md, from what the parts measured. A figure that was not measured is a dash."""

from __future__ import annotations

import json
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.gpu.common import CUDA, OUT, ask_driver

BEGIN, END = "<!-- written by python -m benchmarks.gpu --write -->", "<!-- end -->"
Results = dict[str, Any]


def markdown() -> str:
    """What there is to say of the results in BENCH_OUT."""
    found: Results = {file.stem: json.loads(file.read_text()) for file in sorted((OUT / "json").glob("*.json"))}
    sections = [head(), parts(found), steps(found), kernels(found), service(found), life(found), exactness(found)]
    return "\n\n".join(filter(None, sections)) + "\n"


def write(text: str, page: Path) -> None:
    """Put it between the marks of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}")


def head() -> str:
    name = ask_driver("name") if CUDA else ""
    driver = ask_driver("driver_version") if CUDA else ""
    what = f"{name}, driver {driver}" if name else f"A CPU ({platform.machine()})"
    return f"## {what}, torch {version('torch')}, Python {platform.python_version()}, {date.today().isoformat()}"


def parts(found: Results) -> str:
    ended = {name.removeprefix("part_"): part for name, part in found.items() if name.startswith("part_")}
    told = [f"{name} {part['seconds']:.0f} s{'' if not part['code'] else ' (' + ended_how(part['code']) + ')'}"
            for name, part in ended.items()]  # fmt: skip
    return "Parts: " + ", ".join(told) + "."


def ended_how(code: int) -> str:
    return "its time was up" if code == 124 else f"failed, {code}"


def steps(found: Results) -> str:
    rows = []
    for size, it in found.get("steps", {}).items():
        alone = it["parts_ms"][size]
        rows.append([
            size, at(it, "full_ms", "p50"), at(it, "full_ms", "p99"), at(it, "text_only_ms", "p50"),
            at(it, "full_one_speaks_ms", "p50"), at(found, "moshi", size, "full_ms", "p50"),
            at(found, "torchs", size, "full_ms", "p50"),
            " + ".join(number(alone[name]) for name in ("text", "codes", "sound")),
            f"{at(it, 'join_one_returns_ms', 'p50')}, {at(it, 'join_one_ms', 'p50')}",
            number(sum(it["load_s"].values()), 1), at(it, "memory", "driver_loaded_mb", digits=0),
            at(it, "memory", "driver_after_release_mb", digits=0),
        ])  # fmt: skip
    names = ["rows", "full step p50, ms", "p99", "text-only p50", "one of them speaks", "moshi's full step",
             "ours with torch's kernels", "parts alone: text + codes + sound", "a join: returns, done",
             "load, s", "GPU memory, MB", "after the release, MB"]  # fmt: skip
    return table(names, rows)


def kernels(found: Results) -> str:
    rows = [
        [size, kind, at(profile, "kernels_a_step", digits=0), at(profile, "kernel_ms_a_step"),
         at(profile, "wall_ms_a_step"), at(profile, "busy_share")]
        for size, it in found.get("steps", {}).items() for kind in ("text only", "full")
        if (profile := it.get(f"profile {kind}"))
    ]  # fmt: skip
    return table(["rows", "step", "kernels", "ms in them", "ms in all, profiled", "GPU busy"], rows)


def service(found: Results) -> str:
    rows = [
        [name, at(it, "first_sound_ms", "p50", digits=0), at(it, "first_sound_ms", "p95", digits=0),
         at(it, "first_sound_ms", "p99", digits=0), at(it, "pace_least"), at(it, "listeners_with_a_gap", digits=0),
         at(it, "steps_a_second", digits=0), at(it, "step_ms_mean", digits=1), at(it, "failed", digits=0)]
        for name, it in found.get("serve", {}).items() if isinstance(it, dict) and "first_sound_ms" in it
    ]  # fmt: skip
    names = ["listeners", "first sound p50, ms", "p95", "p99", "slowest pace", "with a gap", "steps a second",
             "ms a step", "failed"]  # fmt: skip
    return table(names, rows)


def life(found: Results) -> str:
    serve = found.get("serve", {})
    rows = [[name.replace("_", " "), json.dumps(value)[:160]] for name, value in serve.items()
            if not (isinstance(value, dict) and "first_sound_ms" in value)]  # fmt: skip
    return table(["the service from start to end", ""], rows)


def exactness(found: Results) -> str:
    told = [f"Exactness tests: {at(found, 'part_exact', 'last')}."] if "part_exact" in found else []
    for name, it in found.get("accuracy", {}).items():
        if isinstance(it, dict):
            told.append(
                f"{name} against moshi in float32: backbone apart by {at(it, 'backbone', 'median', digits=4)} "
                f"(median, relative), the best text token the same in {at(it, 'text logits', 'same_argmax')} of them."
            )
    return "\n".join(told)


def table(names: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def at(results: Any, *path: str, digits: int = 2) -> str:
    """What lies there, as a cell."""
    for key in path:
        results = results.get(key) if isinstance(results, dict) else None
    return number(results, digits)


def number(value: Any, digits: int = 2) -> str:
    if isinstance(value, int | float):
        return f"{value:.{digits}f}"
    return "-" if value is None else re.sub(r"[=|]+", "", str(value)).strip()[:100]
