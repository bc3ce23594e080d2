"""What the parts share: where they run, where results go, what the driver says. Imports no torch."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

DEVICE = os.environ.get("BENCH_DEVICE", "cuda:0")
OUT = Path(os.environ.get("BENCH_OUT", "gpu-results"))
CUDA = DEVICE.startswith("cuda")
MB = 1e6


def save(name: str, data: Any) -> None:
    """One JSON file for each part, written anew after every figure: a part that is cut off leaves what it had."""
    folder = OUT / "json"
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{name}.new"
    new.write_text(json.dumps(data, indent=1, default=float))
    new.replace(folder / f"{name}.json")


def driver_mb() -> float | None:
    """What is used of the whole GPU, as nvidia-smi shows it. None without one."""
    answer = ask_driver("memory.used") if CUDA else ""
    return float(answer.split()[0]) if answer else None


def ask_driver(query: str) -> str:
    """nvidia-smi's answer for the first GPU, or nothing."""
    command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits", "-i", "0"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
