"""Loading and freeing Kyutai TTS: how much memory there is, what fits, what the runner is made of.

Knows files, settings and the device; what the loaded model does is in kyutai_runner.py.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import torch
from moshi.models import loaders
from moshi.models.tts import TTSModel

from speech.engines.base import Engine
from speech.engines.batch.engine import BatchedEngine
from speech.engines.batch.runner import OutOfMemory
from speech.engines.kyutai.failures import out_of_memory
from speech.engines.kyutai.graphs import Launcher
from speech.engines.kyutai.memory import MB, Footprint, choose_slots, free_ram, slot_bytes
from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.engines.kyutai.voices import catalogue
from speech.engines.kyutai.weights import obtain
from speech.errors import ErrorCode, Unavailable
from speech.hub.files import make_hub
from speech.progress import Progress, silent
from speech.settings import Settings

log = logging.getLogger("kyutai_tts.engine")

# Context, workspaces, tables, graphs, the allocator's rounding; and what each row adds to it. On CUDA measured on an
# H100 (docs/performance.md: 1,290 MB with one row, 1,490 with 64), on a CPU an estimate.
RESERVE = {"cuda": (1_400 * MB, 6 * MB), "cpu": (400 * MB, 0)}
LONGEST_STEP_S = 0.060  # of a frame's 80 ms: a step of all rows leaves time for newcomers' steps between
# Of Python's 5 ms by default: while a crowd of requests is read, the engine's thread gets Python's lock back so late
# after each wait for the GPU that 32 newcomers wait for their first sound twice as long (docs/performance.md).
SWITCH_S = 0.0002
CPU_SLOTS = 4  # a CPU is many times slower than real time; more rows only make all of them wait longer


@dataclass(frozen=True)
class LoadPlan:
    """What is loaded where."""

    info: Any  # moshi's CheckpointInfo
    embedding: Embedding
    device: torch.device
    max_slots: int = 0  # 0: as many as fit
    n_q: int = 32  # codebooks; a checkpoint with fewer has its say
    temperature: float = 0.6
    dtype: torch.dtype | None = None  # None: bfloat16 on CUDA, float32 on a CPU
    launch: Launcher | None = None  # None: as fits the device

    @property
    def lm_dtype(self) -> torch.dtype:
        return self.dtype or (torch.bfloat16 if self.device.type == "cuda" else torch.float32)

    @property
    def footprint(self) -> Footprint:
        itemsize = self.lm_dtype.itemsize
        weights = count_numbers(self.info.moshi_weights) * itemsize + count_numbers(self.info.mimi_weights) * 4
        slot = slot_bytes(self.info.lm_config, self.info.mimi_config or loaders._mimi_config, itemsize)
        reserve, growth = RESERVE[self.device.type]
        return Footprint(weights, slot + growth, reserve)


def build(settings: Settings, progress: Progress) -> Engine:
    """The engine, ready to speak; what is missing of the checkpoint is downloaded first.

    Raises Unavailable for too little memory or a hub that cannot be reached, EngineFailed for damaged files.
    """
    checkpoint = obtain(settings, make_hub(settings), progress)
    voices = catalogue(settings)
    plan = LoadPlan(
        checkpoint.info(),
        lambda voice: voices.embedding(voice or voices.default.id),
        torch.device(settings.device),
        max_slots=settings.max_slots,
        n_q=settings.n_q,
        temperature=settings.temperature,
    )
    return BatchedEngine(partial(load, plan, progress), settings.max_queue, free_memory, settings.step_timeout)


def load(plan: LoadPlan, progress: Progress = silent) -> KyutaiRunner:
    """The runner, warmed up. On CUDA the calling thread must be the one that will step it.

    Raises Unavailable if it does not fit, where it can be known before anything is loaded.
    """
    try:
        with out_of_memory():
            return _load(settled(plan), progress)
    except OutOfMemory as error:
        message = f"The memory of {plan.device} ran out while the model was loaded: {error}"
    raise Unavailable(message, code=ErrorCode.TOO_LITTLE_MEMORY)


def settled(plan: LoadPlan, cuda: Any = torch.cuda) -> LoadPlan:
    """With what only the card tells: which one `cuda` without a number is, and the type that it computes in."""
    if plan.device.type != "cuda":
        return plan
    device = plan.device if plan.device.index is not None else torch.device("cuda", cuda.current_device())
    return replace(plan, device=device, dtype=plan.dtype or half_type(cuda.get_device_capability(device)))


def half_type(capability: tuple[int, int]) -> torch.dtype:
    """bfloat16 where a card computes in it. Older ones, T4, RTX 20, V100, emulate it many times slower and get float16,
    which is nearer to float32 as long as nothing overflows; what does is found when it is warmed up."""
    return torch.bfloat16 if capability >= (8, 0) else torch.float16


def _load(plan: LoadPlan, progress: Progress) -> KyutaiRunner:
    if plan.device.type == "cuda":
        torch.cuda.set_device(plan.device)
        sys.setswitchinterval(SWITCH_S)
    before, footprint = free_bytes(plan.device), plan.footprint
    footprint.check(before, slots=1, device=str(plan.device))
    progress("loading the weights", 0, footprint.weights, None)
    tts = TTSModel.from_checkpoint_info(
        plan.info,
        n_q=min(plan.n_q, plan.info.lm_config["n_q"]),
        temp=plan.temperature,
        device=plan.device,
        dtype=plan.lm_dtype,
    )
    progress("warming up", footprint.weights, footprint.weights, None)
    free = free_bytes(plan.device)
    most = {"most": CPU_SLOTS} if plan.device.type == "cpu" else {}
    slots = choose_slots(plan.max_slots, free, footprint, **most)
    if plan.max_slots > slots:
        log.warning("MAX_SLOTS=%d do not fit; %d slots are opened", plan.max_slots, slots)
    runner = KyutaiRunner(tts, plan.embedding, slots, plan.temperature, launch=plan.launch)
    if plan.max_slots == 0 and plan.device.type == "cuda":
        keep_pace(runner)
    gc.collect()
    gc.freeze()  # a full collection would look at every module of the model, and all speech would wait
    log.info(
        "%d slots of %d codebooks on %s; memory free: %.0f MB before, %.0f MB now",
        runner.slots,
        tts.n_q,
        plan.device,
        before / MB,
        free_bytes(plan.device) / MB,
    )
    return runner


def keep_pace(runner: KyutaiRunner, longest_s: float = LONGEST_STEP_S) -> None:
    """Let it have as many rows as step fast enough, by what its steps took when it was warmed up; at least one."""
    fast = [rows for rows, step_s in runner.step_s.items() if step_s <= longest_s]
    if max(fast, default=1) < runner.slots:
        runner.reopen(max(fast, default=1))


def free_memory() -> None:
    """After the runner's `close`, when its thread has ended: collect the cycles that held the model, and give CUDA its
    memory back. All graphs are gone by then; only now may cuBLAS's workspaces go, which can lie in a graph's pool.
    """
    gc.unfreeze()
    gc.collect()
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch._C._cuda_clearCublasWorkspaces()
        torch.cuda.empty_cache()
        torch._C._host_emptyCache()
        log.info("released; memory free: %.0f MB", free_bytes(torch.device("cuda")) / MB)


def free_bytes(device: torch.device) -> int:
    """What can still be had there."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else free_ram()


def count_numbers(path: Path) -> int:
    """How many numbers a safetensors file holds, by its header."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
