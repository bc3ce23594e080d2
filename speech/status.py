"""What the service says of itself (ServiceStatus). Plain data: web and the assistant make JSON of it."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_manager import State


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
