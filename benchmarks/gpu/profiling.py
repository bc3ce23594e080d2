"""Kernels a step, the share of the time that the GPU is busy, and which kernels take it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import Any

import torch
from torch.profiler import ProfilerActivity
from torch.profiler import profile as profiling

from benchmarks.gpu.batch import Batch, wait
from benchmarks.gpu.common import CUDA
from speech.engines.batch.scheduler import StepKind

STEPS = 4
NAMED = 15  # of the kernels, those that take longest


def profile(batch: Batch, kind: StepKind) -> dict[str, Any]:
    batch.steps(kind, 4 if kind is StepKind.FULL else 2)
    wait()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if CUDA else [])]
    with profiling(activities=activities) as recorded:
        started = time.perf_counter()
        batch.steps(kind, STEPS)
        wait()
        wall_us = 1e6 * (time.perf_counter() - started)
    device = torch.autograd.DeviceType.CUDA if CUDA else torch.autograd.DeviceType.CPU
    return summary([event for event in recorded.events() if event.device_type == device], wall_us)


def summary(events: list[Any], wall_us: float) -> dict[str, Any]:
    taken: dict[str, float] = defaultdict(float)
    counts = Counter(event.name for event in events)
    for event in events:
        taken[event.name] += event.time_range.end - event.time_range.start
    copies = sum(count for name, count in counts.items() if name.startswith(("Memcpy", "Memset")))
    longest = sorted(taken.items(), key=lambda item: -item[1])[:NAMED]
    return {
        "wall_ms_a_step": wall_us / 1000 / STEPS,
        "kernels_a_step": (sum(counts.values()) - copies) / STEPS,
        "copies_a_step": copies / STEPS,
        "kernel_ms_a_step": sum(taken.values()) / 1000 / STEPS,
        "busy_share": covered([(event.time_range.start, event.time_range.end) for event in events]) / wall_us,
        "top": [
            {
                "name": name[:120],
                "ms_a_step": us / 1000 / STEPS,
                "a_step": counts[name] / STEPS,
                "us": us / counts[name],
            }
            for name, us in longest
        ],
    }


def covered(spans: list[tuple[float, float]]) -> float:
    """How much of the line some span covers."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
