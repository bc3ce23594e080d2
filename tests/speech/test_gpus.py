"""What the NVIDIA driver says, with a library that stands in for NVML."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from speech.gpus import GPU, _only_visible, list_gpus


def test_no_driver_means_no_gpu() -> None:
    assert list_gpus("") == []


@pytest.mark.parametrize(
    ("visible", "indices"),
    [("", []), ("1", [1]), ("1,0", [1, 0]), ("GPU-b", [1]), ("0,7,1", [0]), (" 1 , 0 ", [1, 0]), ("-1", [])],
)
def test_visible_gpus_are_counted_as_cuda_does(visible: str, indices: list[int]) -> None:
    gpus = [GPU(0, "GPU-aaaa", "A", 0, 1), GPU(1, "GPU-bbbb", "B", 0, 1)]
    assert [gpu.index for gpu in _only_visible(gpus, visible)] == indices


class FakeNVML:
    """A driver's library with a whole GPU and one that is divided into two MIG instances."""

    NVMLError = RuntimeError
    NVML_DEVICE_MIG_ENABLE = 1

    def nvmlInit(self) -> None: ...
    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        return f"GPU-{index}000"

    def nvmlDeviceGetMigMode(self, handle: str) -> tuple[int, int]:
        if handle == "GPU-0000":
            raise self.NVMLError("not supported")
        return 1, 1

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, number: int) -> str:
        if number not in (0, 3):
            raise self.NVMLError("not found")
        return f"MIG-{number}abc"

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:
        return SimpleNamespace(used=1, total=10_000 if handle.startswith("MIG") else 80_000)

    def nvmlDeviceGetName(self, handle: str) -> str:
        return f"card {handle}"

    def nvmlDeviceGetUUID(self, handle: str) -> str:
        return handle


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        (None, ["GPU-0000", "MIG-0abc", "MIG-3abc"]),
        ("MIG-3abc", ["MIG-3abc"]),
        ("MIG-3", ["MIG-3abc"]),
        ("1", ["MIG-0abc"]),
        ("0", ["GPU-0000"]),
        ("GPU-1000", []),
    ],
)
def test_mig_instances_are_gpus(visible: str | None, uuids: list[str]) -> None:
    gpus = list_gpus(visible, FakeNVML())
    assert [gpu.uuid for gpu in gpus] == uuids
    assert all(gpu.memory_total_bytes == (10_000 if gpu.uuid.startswith("MIG") else 80_000) for gpu in gpus)
