"""What the rows of speech/engines say, for bash and for the documents. Standard library only, and nothing newer than
Python 3.8 at run time, as in probe.py.

check NAME                    exit code 0 if ENGINE may be NAME; else 1, and one line that says what it may be
gpu NAME                      exit code 0 if ENGINE=NAME would use a GPU where there is one
fits NAME DEVICE GPU          exit code 0 if what ENGINE=NAME needs can be had here; else 1, and a line says why not
packages NAME DEVICE GPU      the files to install where ENGINE is NAME and DEVICE is DEVICE, one a line; GPU: yes or no
cost NAME DEVICE GPU          what that takes to install and to fetch, for people; nothing where it is not worth saying
label NAME DEVICE GPU         what would speak there, for people
image NAME                    the service of docker-compose.yml that has all that ENGINE=NAME needs without a GPU; exit
                              code 1 if none has
list                          the engines, for ./start.sh --help
table                         the engines, for docs/configuration.md
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from speech.engines import AUTO, ENGINES, by_rank, names
from speech.engines.spec import EngineSpec

WHERE = {True: "NVIDIA GPU", False: "any CPU"}
OLDEST_GLIBC = (2, 28)  # onnxruntime's wheels for Linux; those for arm64 and of torch want the same


def chosen(name: str, device: str, gpu: bool) -> EngineSpec:
    """The engine that will speak; under auto the first by rank that needs nothing fetched by hand."""
    if name != AUTO:
        return ENGINES[name]
    on_gpu = gpu and device != "cpu"
    fitting = [spec for spec in by_rank() if not no_wheels(spec)] or by_rank()
    return next(spec for spec in fitting if not spec.files and (on_gpu or not spec.needs_cuda))


def no_wheels(spec: EngineSpec) -> str | None:
    """Why its packages cannot be had for this Python and this processor, in words; None if they can."""
    machine, python = platform.machine(), sys.version_info[:2]
    if spec.machines and machine not in spec.machines:
        only = ", ".join(spec.machines)
        return f"ENGINE={spec.name} needs packages that exist for {only} only; this machine is {machine}."
    if python >= spec.before_python:
        newest = f"3.{spec.before_python[1] - 1}"
        return (
            f"ENGINE={spec.name} needs packages that exist up to Python {newest}; this is {python[0]}.{python[1]}. "
            f"Remove .venv, then: PYTHON=python{newest} ./start.sh"
        )
    return None


def no_gpu(spec: EngineSpec, device: str, gpu: bool) -> str | None:
    """Why it would fail without a GPU, and what to do; None if it has one or needs none."""
    if not spec.needs_cuda or gpu or device == "cpu":
        return None
    return (
        f"ENGINE={spec.name} needs an NVIDIA GPU, and none can be used here: nvidia-smi lists none, or all are hidden. "
        "Nothing was installed. ./start.sh takes an engine that needs none; "
        f"DEVICE=cpu ./start.sh --engine {spec.name} runs this one on the CPU, far slower than real time."
    )


def no_libc(system: str, libc: tuple[str, str]) -> str | None:
    """Why no engine's packages can be had with this C library, in words; None if they can. libc: as platform says."""
    if system != "Linux" or (libc[0] == "glibc" and tuple(map(int, libc[1].split(".")[:2])) >= OLDEST_GLIBC):
        return None
    wanted = ".".join(map(str, OLDEST_GLIBC))
    there = f"glibc {libc[1]}" if libc[0] == "glibc" else "another C library (musl?)"
    return f"onnxruntime needs glibc {wanted} or newer; this system has {there}. In Docker: ./start.sh --docker"


def unfit(name: str, device: str, gpu: bool) -> str | None:
    """Why what ENGINE=name needs cannot be had here, in words; None if it can."""
    if libc := no_libc(platform.system(), platform.libc_ver()):
        return libc
    if name == AUTO:
        return None
    return no_wheels(ENGINES[name]) or no_gpu(ENGINES[name], device, gpu)


def packages(name: str, device: str, gpu: bool) -> list[str]:
    """A requirements file, and a file of overrides where there is one for a machine without a GPU."""
    spec = chosen(name, device, gpu)
    overrides = "" if gpu and device != "cpu" else spec.cpu_overrides
    return [spec.requirements, overrides] if overrides else [spec.requirements]


def may_use_gpu(name: str) -> bool:
    return any(spec.needs_cuda for spec in ENGINES.values() if name in (AUTO, spec.name))


def listing() -> str:
    """Lines of two columns."""
    width = max(map(len, ENGINES))
    return "\n".join(f"  {spec.name:{width}}  {_facts(spec)}" for spec in by_rank())


def table() -> str:
    """The table of docs/configuration.md."""
    rows = ["| `ENGINE` | what speaks | languages | on | packages | released after |", "|---|---|---|---|---|---|"]
    for spec in by_rank():
        idle = "never" if spec.idle_timeout_s < 0 else f"{spec.idle_timeout_s:g} s"
        cells = (f"`{spec.name}`", spec.label, ", ".join(spec.languages), WHERE[spec.needs_cuda])
        rows.append(f"| {' | '.join(cells)} | `{spec.requirements}` | {idle} |")
    return "\n".join(rows)


def _facts(spec: EngineSpec) -> str:
    return f"{spec.label}: {', '.join(spec.languages)}; {WHERE[spec.needs_cuda]}"


FACTS: dict[str, Callable[[str, str, bool], str]] = {
    "packages": lambda *where: "\n".join(packages(*where)),
    "label": lambda *where: chosen(*where).label,
    "cost": lambda *where: str(chosen(*where).cost or ""),
}


def _told(reason: str | None) -> int:
    """0 without a reason; else 1, and the reason on standard error."""
    if reason:
        print(reason, file=sys.stderr)
    return 1 if reason else 0


def main(arguments: list[str]) -> int:
    wish, rest = arguments[:1], arguments[1:]
    if wish == ["check"] and len(rest) == 1:
        return _told(None if rest[0] in names() else f"ENGINE={rest[0]} is none of {', '.join(names())}.")
    if wish == ["gpu"] and len(rest) == 1:
        return 0 if may_use_gpu(rest[0]) else 1
    if wish == ["image"] and len(rest) == 1:
        image = chosen(rest[0], "cpu", False).image
        print(image)
        return 0 if image else 1
    if wish == ["fits"] and len(rest) == 3:
        return _told(unfit(rest[0], rest[1], rest[2] == "yes"))
    if wish[:1] and wish[0] in FACTS and len(rest) == 3:
        print(FACTS[wish[0]](rest[0], rest[1], rest[2] == "yes"))
        return 0
    if wish in (["list"], ["table"]):
        print(listing() if wish == ["list"] else table())
        return 0
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
