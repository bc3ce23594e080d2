"""A loaded runner whose rows all speak on and on, and what can be measured of it."""

from __future__ import annotations

import os

os.environ.setdefault("NO_TORCH_COMPILE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load_file

from benchmarks.gpu.common import CUDA, DEVICE, MB, driver_mb
from speech.engines.batch.scheduler import Step, StepKind
from speech.engines.kyutai.loading import LoadPlan, free_memory, load
from speech.request import Piece, SpeechRequest
from speech.text.pipe import read
from tests.speech.engines.kyutai.checkpoint import SUFFIX, VOICES, checkpoint_info

LEAD = 16  # text-only steps before a row's first full one
WORDS = "hello river " * 4000


class Batch:
    def __init__(self, folder: Path, rows: int, temperature: float = 0.6) -> None:
        embedding = load_file(folder / "voices" / f"{VOICES[0]}{SUFFIX}")["speaker_wavs"]
        self.plan = LoadPlan(
            checkpoint_info(folder), lambda voice: embedding, torch.device(DEVICE), rows, temperature=temperature
        )
        self.memory: dict[str, Any] = {"driver_before_mb": driver_mb()}
        marks = {"start": time.perf_counter()}
        self.runner: Any = load(self.plan, lambda doing, *_: marks.setdefault(doing, time.perf_counter()))
        wait()
        self.load_s = {
            "weights": marks["warming up"] - marks["loading the weights"],
            "warm up": time.perf_counter() - marks["warming up"],
        }
        self.rows = tuple(range(rows))
        self._scripts: dict[int, Any] = {}
        self._words: dict[int, Iterator[Piece]] = {}
        self.measure_memory("loaded")

    def measure_memory(self, when: str) -> None:
        self.memory[f"driver_{when}_mb"] = driver_mb()
        if CUDA:
            self.memory[f"torch_{when}_mb"] = {
                "allocated": torch.cuda.memory_allocated() / MB,
                "most_allocated": torch.cuda.max_memory_allocated() / MB,
                "reserved": torch.cuda.memory_reserved() / MB,
            }
        footprint = self.plan.footprint
        parts = {"weights": footprint.weights, "slots": footprint.slot * len(self.rows), "reserve": footprint.reserve}
        self.memory["expected_mb"] = {name: size / MB for name, size in parts.items()}

    def join(self, rows: tuple[int, ...]) -> dict[str, float]:
        """Seat so many at once; seconds until the call returns, and until the device is done."""
        wait()
        started = time.perf_counter()
        self._scripts |= self.runner.reset({row: self.runner.prepare(SpeechRequest(seed=row)) for row in rows})
        returned = time.perf_counter() - started
        wait()
        self._words |= {row: iter(read(WORDS)) for row in rows}
        return {"returned": returned, "done": time.perf_counter() - started}

    def steps(self, kind: StepKind, times: int, rows: tuple[int, ...] | None = None) -> list[float]:
        """Seconds of each of so many steps as the engine makes them: settle, feed, step."""
        taken, started = [], time.perf_counter()
        for _ in range(times):
            self._step(kind, self.rows if rows is None else rows)
            now = time.perf_counter()
            taken.append(now - started)
            started = now
        self.runner.flush()
        return taken

    def lead(self, rows: tuple[int, ...] | None = None) -> list[float]:
        return self.steps(StepKind.TEXT_ONLY, LEAD, rows)

    def _step(self, kind: StepKind, rows: tuple[int, ...]) -> None:
        self.runner.settle()
        for row in rows:
            while self._scripts[row].hungry:
                self._scripts[row].say(next(self._words[row]))
        self.runner.step(Step(kind, rows))

    def close(self) -> None:
        self.runner.close()
        del self.runner
        free_memory()
        self.memory["driver_after_release_mb"] = driver_mb()


def wait() -> None:
    """Until the device is done."""
    if CUDA:
        torch.cuda.synchronize()
