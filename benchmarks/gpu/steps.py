"""What a step costs by rows: wall time, each part alone, joins, memory, kernels.

python -m benchmarks.gpu.steps CHECKPOINT --rows 1 8 16 32 64 --profile 1 32
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import centiles
from benchmarks.gpu.batch import Batch, wait
from benchmarks.gpu.common import CUDA, save
from benchmarks.gpu.profiling import profile
from speech.engines.batch.scheduler import StepKind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="steps")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 16, 32, 64])
    parser.add_argument("--profile", type=int, nargs="*", default=[])
    parser.add_argument("--steps", type=int, default=80)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    for rows in options.rows:
        results[str(rows)] = result = measure(options.folder, rows, options.steps, rows in options.profile)
        save(options.name, results)
        full, text = result["full_ms"], result["text_only_ms"]
        print(f"{rows} rows: full {full['p50']:.2f} ms (p99 {full['p99']:.2f}), text only {text['p50']:.2f} ms,",
              f"join {result['join_one_ms']['p50']:.2f} ms, {result['parts_ms']}", flush=True)  # fmt: skip


def measure(folder: Path, rows: int, steps: int, profiled: bool) -> dict[str, Any]:
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    batch = Batch(folder, rows)
    result: dict[str, Any] = {"load_s": batch.load_s, "memory": batch.memory} | step_times(batch, steps)
    result["parts_ms"] = {size: parts_alone(batch, size) for size in sorted({1, rows})}
    batch.measure_memory("after_steps")
    if profiled:
        batch.join(batch.rows)
        result["profile text only"] = profile(batch, StepKind.TEXT_ONLY)
        batch.join(batch.rows)
        batch.lead()
        result["profile full"] = profile(batch, StepKind.FULL)
    batch.close()
    return result


def step_times(batch: Batch, steps: int) -> dict[str, Any]:
    joins, text_only = [], []
    for _ in range(4):
        joins.append(batch.join(batch.rows))
        text_only += batch.lead()
    batch.steps(StepKind.FULL, 6)
    full = batch.steps(StepKind.FULL, steps)
    one = [batch.join((0,)) for _ in range(4)]
    alone: dict[str, Any] = {}
    if len(batch.rows) > 1:  # one speaks, the other slots are empty
        text_alone = batch.lead((0,))
        batch.steps(StepKind.FULL, 6, (0,))
        alone = {
            "text_only_one_speaks_ms": centiles(text_alone, 1000),
            "full_one_speaks_ms": centiles(batch.steps(StepKind.FULL, 20, (0,)), 1000),
        }
    return {
        "join_all_ms": centiles([join["done"] for join in joins], 1000),
        "join_one_ms": centiles([join["done"] for join in one], 1000),
        "join_one_returns_ms": centiles([join["returned"] for join in one], 1000),
        "text_only_ms": centiles(text_only, 1000),
        "full_ms": centiles(full, 1000),
        **alone,
    }


@torch.inference_mode()
def parts_alone(batch: Batch, rows: int, times: int = 30) -> dict[str, float]:
    """Each part of a step of so many rows, as it is captured, and a full step's behind each other: milliseconds."""
    parts = {name: part for (name, size), part in batch.runner._parts.items() if size == rows}
    result = {}
    for title, chain in [*((name, [name]) for name in parts), ("full step", ["text", "codes", "sound"])]:
        taken = []
        for _ in range(times):
            wait()
            started = time.perf_counter()
            for name in chain:
                parts[name]()
            wait()
            taken.append(time.perf_counter() - started)
        result[title] = round(1000 * statistics.median(taken), 3)
    return result


if __name__ == "__main__":
    main()
