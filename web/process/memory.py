"""How the C library keeps freed memory. Knows no thread and no request. Where that is not glibc, nothing is done."""

from __future__ import annotations

import ctypes
import os
from typing import Any

_ARENA_MAX = -8  # M_ARENA_MAX, see mallopt(3)


def share_one_arena() -> None:
    """Let all threads share malloc's first arena; called before there are threads. MALLOC_ARENA_MAX is heeded.

    glibc gives threads arenas of their own, up to eight for each core, and `malloc_trim` does not give back what is
    free at the end of these: up to 64 MB each. A load runs on a new thread, so that after some loads many hold some.
    """
    set_option: Any = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None and "MALLOC_ARENA_MAX" not in os.environ:
        set_option(_ARENA_MAX, 1)


def give_memory_back() -> None:
    """Let the system have what is free."""
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
