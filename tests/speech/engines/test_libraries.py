"""A library of a package is loaded before its import, by a call that does not hold Python's lock."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from speech.engines import ENGINES
from speech.engines.libraries import load_library

SLOW = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void loading(void) {  /* waits until another thread of Python has come by */
    for (int i = 0; i < 6000 && access(getenv("CAME_BY"), F_OK); i++) usleep(10000);
    if (access(getenv("CAME_BY"), F_OK)) abort();
}
"""

ASK = """
import threading, os, pathlib, sys
sys.path.insert(0, sys.argv[1])
from speech.engines.libraries import load_library
begun = threading.Event()
def come_by():
    begun.wait()
    pathlib.Path(os.environ["CAME_BY"]).touch()
threading.Thread(target=come_by).start()
begun.set()
assert load_library("slow_package/lib/libslow.so")
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_other_threads_go_on_while_a_library_is_loaded(tmp_path: Path) -> None:
    package = tmp_path / "slow_package"
    (package / "lib").mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "slow.c").write_text(SLOW)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", package / "lib/libslow.so", tmp_path / "slow.c"], check=True, timeout=60
    )
    subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)],
        check=True,
        timeout=100,
        env={"CAME_BY": str(tmp_path / "came"), "PYTHONPATH": str(Path(__file__).parents[3])},
    )


@pytest.mark.parametrize("path", ["no_such_package/lib/lib.so", "speech/lib/lib.so", "speech/service.py"])
def test_what_cannot_be_loaded_is_left_to_the_import(path: str) -> None:
    assert load_library(path) is False


def test_the_engines_with_torch_name_its_library() -> None:
    for spec in ENGINES.values():
        assert bool(spec.library) == ("torch" in spec.needs_modules)
