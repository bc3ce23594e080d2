"""What the service says of itself (ServiceStatus): web and the assistant make JSON of it."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_manager import LoadProgress, State, Status
from speech.engines.base import EngineStatus
from speech.gpus import GPU
from speech.selection import EngineChoice

_GB = 1e9


@dataclass(frozen=True)
class LoadingStatus:
    """How far loading is. seconds_left: None where it cannot be told."""

    doing: str
    done: float  # bytes, where that means something
    total: float
    seconds: float  # since it began
    seconds_left: float | None


@dataclass(frozen=True)
class ServiceStatus:
    """The engine, its accelerator, slots and queue. Sizes in GB (1e9 bytes), times in seconds; None: not known."""

    available: bool  # an NVIDIA GPU is used
    device: str  # cpu, or cuda:N
    device_name: str
    engine: str
    engine_reason: str
    state: State
    model_loaded: bool
    memory_used_gb: float | None
    memory_total_gb: float | None
    model_memory_gb: float | None
    slots_total: int  # 0: left to the engine, which is not loaded
    slots_used: int
    queue_depth: int
    streams_open: int
    idle_timeout_s: float  # negative: never
    seconds_until_release: float | None
    load_seconds: float | None  # of the last load
    loading: LoadingStatus | None
    last_error: str | None
    loads: int
    releases: int


def status_of(
    choice: EngineChoice, manager: Status, engine: EngineStatus, gpu: GPU | None, *, streams_open: int
) -> ServiceStatus:
    """gpu: fresh figures of the one that is used; None on the CPU."""
    return ServiceStatus(
        available=gpu is not None,
        device=choice.device,
        device_name=gpu.name if gpu else "CPU",
        engine=choice.spec.name,
        engine_reason=choice.reason,
        state=manager.state,
        model_loaded=manager.state is State.READY,
        memory_used_gb=_gb(gpu.memory_used_bytes) if gpu else None,
        memory_total_gb=_gb(gpu.memory_total_bytes) if gpu else None,
        model_memory_gb=None if engine.memory_bytes is None else _gb(engine.memory_bytes),
        slots_total=engine.slots_total,
        slots_used=engine.slots_used,
        queue_depth=engine.queue_depth,
        streams_open=streams_open,
        idle_timeout_s=manager.idle_timeout_s,
        seconds_until_release=manager.seconds_until_release,
        load_seconds=manager.load_seconds,
        loading=_loading(manager.loading),
        last_error=manager.last_error,
        loads=manager.loads,
        releases=manager.releases,
    )


def _loading(progress: LoadProgress | None) -> LoadingStatus | None:
    if progress is None:
        return None
    return LoadingStatus(progress.doing, progress.done, progress.total, progress.seconds, progress.seconds_left)


def _gb(size_bytes: int) -> float:
    return round(size_bytes / _GB, 3)
