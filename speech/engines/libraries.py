"""Loads a package's large shared library before the package is imported. Knows no engine and imports no package."""

from __future__ import annotations

import ctypes
import os
from importlib.util import find_spec
from pathlib import Path


def load_library(path: str) -> bool:
    """Load a library such as `torch/lib/libtorch_cpu.so`; False where it is not there or cannot be loaded.

    The importing statement would hold Python's lock while the system links the library, 0.2 s for torch on an idle
    machine, and every other thread would wait: streams, and /health. This call gives the lock away. The library must
    not call Python when it is loaded.
    """
    package, _, inside = path.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None or not (file := Path(spec.origin).parent / inside).is_file():
        return False
    system = ctypes.CDLL(None)
    system.dlopen.restype = ctypes.c_void_p
    return system.dlopen(os.fsencode(file), ctypes.c_int(os.RTLD_NOW)) is not None
