"""Which engine speaks here, and why: asks the rows of ENGINES."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from gpu_manager import GPU
from speech.engines import ENGINES, EngineSpec
from speech.errors import Unavailable
from speech.settings import Settings


@dataclass(frozen=True)
class EngineChoice:
    """What speaks, and why that."""

    spec: EngineSpec
    device: str  # cpu, or cuda:N
    reason: str
    gpu: GPU | None = None


def choose_engine(settings: Settings, gpus: list[GPU]) -> EngineChoice:
    """ENGINE and DEVICE -> what speaks where. Raises Unavailable if what was asked for cannot be had."""
    kyutai = ENGINES.get("kyutai")
    if settings.engine == "hibari" or kyutai is None:
        return EngineChoice(ENGINES["hibari"], "cpu", "ENGINE=hibari" if kyutai else "the only engine there is")
    missing = [name for name in kyutai.needs_modules if importlib.util.find_spec(name) is None]
    gpu = _pick(settings.device, gpus)
    if settings.engine == "kyutai":
        if missing:
            raise Unavailable(f"ENGINE=kyutai needs {', '.join(missing)}: install requirements.txt.")
        if settings.device == "cpu":
            return EngineChoice(kyutai, "cpu", "ENGINE=kyutai and DEVICE=cpu")
        if gpu is None:
            raise Unavailable(
                f"ENGINE=kyutai with DEVICE={settings.device}: no such NVIDIA GPU was found. "
                "DEVICE=cpu runs it on the CPU, far slower than real time."
            )
        return EngineChoice(kyutai, f"cuda:{gpus.index(gpu)}", "ENGINE=kyutai", gpu)
    if settings.device == "cpu" or gpu is None:
        reason = "DEVICE=cpu" if settings.device == "cpu" else "no NVIDIA GPU was found"
        return EngineChoice(ENGINES["hibari"], "cpu", f"{reason}: the embedded voice speaks")
    if missing:
        return EngineChoice(ENGINES["hibari"], "cpu", f"{', '.join(missing)} not installed: the embedded voice speaks")
    return EngineChoice(kyutai, f"cuda:{gpus.index(gpu)}", f"{gpu.name} was found", gpu)


def _pick(device: str, gpus: list[GPU]) -> GPU | None:
    """The GPU that DEVICE means, among those that this process may see."""
    index = int(device.partition(":")[2] or 0)
    return gpus[index] if index < len(gpus) else None
