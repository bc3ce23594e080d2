"""torch's errors in the engine's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from speech.engines.batch.runner import OutOfMemory

# Beside torch.OutOfMemoryError: what the CUDA runtime (torch.AcceleratorError), cuBLAS, cuDNN and the host's allocator
# say when they get no memory. All of them are RuntimeErrors that only their text tells apart.
_SIGNS = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "ALLOCATION_FAILED",  # cuDNN 9: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, ..._HOST_...
    "DefaultCPUAllocator: can't allocate memory",
)


@contextmanager
def out_of_memory() -> Iterator[None]:
    """Raises OutOfMemory in place of the errors that say that there is no memory."""
    try:
        yield
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        reason = str(error)
    else:
        return
    raise OutOfMemory(reason)  # out here nothing holds the error any more, nor the tensors in its frames


def lacks_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in _SIGNS)
