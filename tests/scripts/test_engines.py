"""scripts/engines.py: what cannot be had on a machine is said before anything is installed."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace

import pytest

from scripts.engines import no_gpu, no_libc, no_wheels
from speech.engines import ENGINES

HERE = platform.machine()
KYUTAI = ENGINES["kyutai"]


@pytest.mark.parametrize(
    ("system", "libc", "said"),
    [
        ("Linux", ("glibc", "2.28"), None),
        ("Linux", ("glibc", "2.41"), None),
        ("Darwin", ("", ""), None),
        ("Linux", ("glibc", "2.17"), "glibc 2.17"),
        ("Linux", ("", ""), "musl"),
    ],
)
def test_the_c_library(system: str, libc: tuple[str, str], said: str | None) -> None:
    reason = no_libc(system, libc)
    assert (reason is None) if said is None else (reason is not None and said in reason and "--docker" in reason)


def test_another_processor_is_named() -> None:
    reason = no_wheels(replace(KYUTAI, machines=("z80",), before_python=(4, 0)))
    assert reason == f"ENGINE=kyutai needs packages that exist for z80 only; this machine is {HERE}."


def test_a_newer_python_is_named() -> None:
    reason = no_wheels(replace(KYUTAI, machines=(HERE,), before_python=(3, 11)))
    assert reason is not None
    assert f"up to Python 3.10; this is 3.{sys.version_info[1]}" in reason
    assert no_wheels(replace(KYUTAI, machines=(HERE,), before_python=(4, 0))) is None


@pytest.mark.parametrize(
    ("device", "gpu", "refused"), [("auto", False, True), ("auto", True, False), ("cpu", False, False)]
)
def test_without_a_gpu(device: str, gpu: bool, refused: bool) -> None:
    assert (no_gpu(KYUTAI, device, gpu) is not None) == refused
    assert no_gpu(ENGINES["hibari"], device, gpu) is None
