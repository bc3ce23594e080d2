"""Freed memory goes back: threads share one of malloc's arenas, the only one that is given back whole."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from web.process.memory import give_memory_back

ROOT = Path(__file__).parents[3]
THREADS = """
import ctypes, runpy, sys, tempfile, threading
if "share" in sys.argv:
    runpy.run_path("web/process/memory.py")["share_one_arena"]()
every = threading.Barrier(9)
def hold():
    kept = [bytearray(50_000) for _ in range(4)]
    every.wait()
    every.wait()
for _ in range(8):
    threading.Thread(target=hold).start()
every.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile("r") as told:
    stream = ctypes.c_void_p(libc.fopen(told.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(told.read().count("<heap nr"))
every.wait()
"""


def arenas(*arguments: str, **more: str) -> int:
    """How many arenas eight threads of a new process have."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")} | more
    command = [sys.executable, "-c", THREADS, *arguments]
    return int(subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_threads_share_one_arena_unless_told_otherwise() -> None:
    assert arenas() > 1
    assert arenas("share") == 1
    assert arenas("share", MALLOC_ARENA_MAX="3") == 3


def test_memory_can_be_given_back_anywhere() -> None:
    give_memory_back()
