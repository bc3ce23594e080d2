"""Which GPUs there are and how much of their memory is used (list_gpus), as the NVIDIA driver says.

Asked through NVML, which is another library than CUDA's, so that asking neither starts CUDA nor disturbs a capture.
"""

from __future__ import annotations

import importlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

log = logging.getLogger("kyutai_tts.gpu")


@dataclass(frozen=True)
class GPU:
    """What the driver says of one GPU, or of one MIG instance."""

    index: int  # the driver's; of a MIG instance that of its GPU
    uuid: str
    name: str
    memory_used_bytes: int
    memory_total_bytes: int


def list_gpus(visible: str | None = None, nvml: Any = None) -> list[GPU]:
    """The GPUs that the NVIDIA driver knows; none where there is no driver, or where it is broken. Starts no CUDA.

    visible: as in CUDA_VISIBLE_DEVICES (indices or UUIDs, those of MIG instances among them, separated by commas): only
    those, in that order. None: all. nvml: what is asked, by default the driver's own library.
    """
    pynvml = nvml or importlib.import_module("pynvml")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        gpus = [gpu for index in range(pynvml.nvmlDeviceGetCount()) for gpu in _read_gpus(pynvml, index)]
    except pynvml.NVMLError as error:
        log.warning("the NVIDIA driver answers with an error: %s", error)
        return []
    finally:
        pynvml.nvmlShutdown()
    return gpus if visible is None else _only_visible(gpus, visible)


def _only_visible(gpus: list[GPU], visible: str) -> list[GPU]:
    """As CUDA does: the first name that fits no GPU ends the list."""
    chosen: list[GPU] = []
    for name in filter(None, map(str.strip, visible.split(","))):
        match = next((gpu for gpu in gpus if _is_called(gpu, name)), None)
        if match is None:
            break
        chosen.append(match)
    return chosen


def _is_called(gpu: GPU, name: str) -> bool:
    """By index or by the beginning of its UUID: GPU-..., of a MIG instance MIG-... ."""
    return name == str(gpu.index) or (len(name) > 4 and gpu.uuid.startswith(name))


def _read_gpus(pynvml: Any, index: int) -> list[GPU]:
    """The GPU, or the MIG instances that it is divided into: CUDA can use nothing else of it then."""
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    return [_read_gpu(pynvml, index, part) for part in _instances(pynvml, handle) or [handle]]


def _instances(pynvml: Any, handle: Any) -> list[Any]:
    """Handles of its MIG instances; none where it has no such mode, or it is off."""
    try:
        if pynvml.nvmlDeviceGetMigMode(handle)[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return []
        most = pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)
    except pynvml.NVMLError:
        return []
    found = []
    for number in range(most):
        with suppress(pynvml.NVMLError):  # places without an instance
            found.append(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number))
    return found


def _read_gpu(pynvml: Any, index: int, handle: Any) -> GPU:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    name, uuid = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetUUID(handle)
    return GPU(index, str(uuid), str(name), int(memory.used), int(memory.total))
