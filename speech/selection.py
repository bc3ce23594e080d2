"""Which engine speaks here, and why: asks the rows of ENGINES. Knows no engine by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from speech.engines import AUTO, ENGINES, by_rank, names
from speech.engines.spec import EngineSpec
from speech.errors import Unavailable
from speech.gpus import GPU
from speech.settings import Settings

CPU = "cpu"


@dataclass(frozen=True)
class StepUp:
    """What speaks better on this machine too: how to get it and what it costs."""

    engine: str
    label: str
    languages: tuple[str, ...]  # ISO 639-1
    setting: str  # NAME=VALUE, of the service
    disk_gb: float
    download_min_gb: float
    download_max_gb: float


@dataclass(frozen=True)
class EngineChoice:
    """What speaks, and why that."""

    spec: EngineSpec
    device: str  # cpu, or cuda:N
    reason: str
    gpu: GPU | None = None  # the one that it holds while it is loaded
    step_up: StepUp | None = None


def choose_engine(settings: Settings, gpus: list[GPU]) -> EngineChoice:
    """ENGINE and DEVICE -> what speaks where. Raises Unavailable if what was asked for is unknown or cannot be had."""
    if settings.engine == AUTO:
        return _first_that_can(settings, gpus)
    if settings.engine not in ENGINES:
        raise Unavailable(f"ENGINE={settings.engine} is none of {', '.join(names())}.")
    return _asked_for(ENGINES[settings.engine], settings, gpus)


def idle_timeout_s(settings: Settings, spec: EngineSpec) -> float:
    """Seconds without speech before the engine is released: what was set, else what its row says."""
    return spec.idle_timeout_s if settings.gpu_idle_timeout is None else settings.gpu_idle_timeout


def _asked_for(spec: EngineSpec, settings: Settings, gpus: list[GPU]) -> EngineChoice:
    asked = f"ENGINE={spec.name}"
    if missing := spec.not_installed:
        raise Unavailable(f"{asked}: {missing}. Install {spec.requirements}.")
    if settings.device == CPU and spec.needs_cuda:
        return EngineChoice(spec, CPU, f"{asked} and DEVICE=cpu")
    if spec.available(_usable(settings, gpus)):
        raise Unavailable(
            f"{asked} with DEVICE={settings.device}: no such NVIDIA GPU was found. "
            "DEVICE=cpu runs it on the CPU, far slower than real time."
        )
    return _chosen(spec, settings, gpus, asked)


def _first_that_can(settings: Settings, gpus: list[GPU]) -> EngineChoice:
    passed_over: dict[str, str] = {}
    for spec in by_rank():
        why_not = _why_not(spec, settings, gpus)
        if why_not is None:
            chosen = _chosen(spec, settings, gpus, _reason(spec, list(passed_over.values()), _usable(settings, gpus)))
            return replace(chosen, step_up=_step_up(spec, passed_over))
        passed_over[spec.name] = why_not
    raise Unavailable(f"No engine can speak here: {'; '.join(passed_over.values())}.")


def _step_up(chosen: EngineSpec, passed_over: Iterable[str]) -> StepUp | None:
    """The first engine passed over that needs no GPU, where its row tells what it costs."""
    for spec in (ENGINES[name] for name in passed_over):
        if not (spec.needs_cuda or chosen.needs_cuda) and spec.cost:
            setting, cost = f"ENGINE={spec.name}", spec.cost
            return StepUp(spec.name, spec.label, spec.languages, setting, cost.disk_gb, *cost.weights_gb)
    return None


def _why_not(spec: EngineSpec, settings: Settings, gpus: list[GPU]) -> str | None:
    if spec.needs_cuda and settings.device == CPU:
        return "DEVICE=cpu"
    return spec.available(_usable(settings, gpus)) or spec.missing(settings)


def _reason(spec: EngineSpec, passed_over: list[str], usable: list[GPU]) -> str:
    if spec.needs_cuda:
        return f"{usable[0].name} was found"
    why = "; ".join(dict.fromkeys(passed_over))
    return f"{why}: {spec.label} speaks" if why else "ENGINE=auto"


def _chosen(spec: EngineSpec, settings: Settings, gpus: list[GPU], reason: str) -> EngineChoice:
    if not spec.needs_cuda:
        return EngineChoice(spec, CPU, reason)
    (gpu,) = _usable(settings, gpus)
    return EngineChoice(spec, f"cuda:{gpus.index(gpu)}", reason, gpu)


def _usable(settings: Settings, gpus: list[GPU]) -> list[GPU]:
    """The one GPU that DEVICE means, among those that this process may see, or none."""
    if settings.device == CPU:
        return []
    index = int(settings.device.partition(":")[2] or 0)
    return gpus[index : index + 1]
