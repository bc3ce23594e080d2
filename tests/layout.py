"""Who may import whom: the seven rules of the house, as data (docs/architecture.md draws them)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.imports import imports_of

PROGRAMS = ("app", "mcp_server")
COMMAND = "kyutai_tts_service"  # starts the programs, and so is the one module that may import app
NOT_FOR_SPEECH = ("flask", "werkzeug", "gunicorn", "web", "assistant", "cli", *PROGRAMS, COMMAND)
OURS = ("speech", "web", "assistant", "cli", "gpu_manager", *PROGRAMS, COMMAND)
TORCH = ("torch", "torchaudio", "moshi", "pocket_tts")
WITH_TORCH = ("speech.engines.kyutai", "speech.engines.pocket")
SHARED_BY_ENGINES = ("batch", "sentence")  # the other folders of speech/engines hold one engine each
BELOW_ENGINES = tuple(
    f"speech.{name}" for name in ("hub", "voices", "text", "documents", "captions", "subtitles", "encoders")
)

# From the bottom up. A module imports its own storey and those below. What stands in a package belongs to its storey.
STOREYS = (
    ("gpu_manager",),
    tuple(
        f"speech.{name}"
        for name in (
            "request",
            "language",
            "errors",
            "allowed",
            "settings",
            "setting_kinds",
            "addresses",
            "gpus",
            "length",
            "progress",
            "filters",
            "tempo",
            "joints",
        )
    ),
    BELOW_ENGINES,
    ("speech.engines.base",),
    tuple(f"speech.engines.{name}" for name in SHARED_BY_ENGINES),
    ("each engine",),
    ("speech.engines",),
    tuple(
        f"speech.{name}"
        for name in (
            "selection",
            "relay",
            "wishes",
            "fingerprint",
            "script",
            "interpreter",
            "sound",
            "session",
            "opening",
            "status",
            "admission",
            "metrics",
        )
    ),
    ("speech.service", "speech.remote"),
    ("speech.jobs",),
    ("web", "assistant"),
    ("cli",),
    PROGRAMS,
    (COMMAND,),
)


@dataclass(frozen=True, order=True)
class Offence:
    """rule: its number, 1 to 7."""

    rule: int
    module: str
    imported: str


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def storey(module: str) -> int | None:
    """Which storey a module stands on; None: it is not ours, or STOREYS does not name it."""
    name = "each engine" if engine_of(module) else module
    found = [(len(place), level) for level, places in enumerate(STOREYS) for place in places if within(name, place)]
    return max(found)[1] if found else None


def engine_of(module: str) -> str | None:
    """The engine whose folder a module stands in."""
    parts = module.split(".")
    if parts[:2] != ["speech", "engines"] or len(parts) < 3 or parts[2] in (*SHARED_BY_ENGINES, "base", "spec"):
        return None
    return parts[2]


def _another_engine(module: str, imported: str) -> bool:
    theirs = engine_of(imported)
    mine = engine_of(module)
    shared = within(module, "speech.engines.base", *(f"speech.engines.{name}" for name in SHARED_BY_ENGINES))
    return theirs is not None and (shared or (mine is not None and mine != theirs))


def _upwards(module: str, imported: str) -> bool:
    mine, theirs = storey(module), storey(imported)
    return mine is not None and theirs is not None and theirs > mine


RULES: dict[int, Callable[[str, str], bool]] = {
    1: lambda me, it: within(me, "speech") and within(it, *NOT_FOR_SPEECH),
    2: lambda me, it: within(me, "web") and within(it, "speech.engines", *TORCH, "assistant"),
    3: lambda me, it: me == "gpu_manager" and within(it, *OURS),
    4: lambda me, it: within(it, *TORCH) and not within(me, *WITH_TORCH),
    5: _another_engine,
    6: lambda me, it: within(me, *BELOW_ENGINES) and within(it, "speech.engines"),
    7: lambda me, it: (within(it, "app") and me != COMMAND) or _upwards(me, it),
}


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Every module of the product below root, and its file."""
    for name in OURS:
        files = [root / f"{name}.py"] if (root / f"{name}.py").exists() else sorted((root / name).rglob("*.py"))
        for file in files:
            dotted = ".".join(file.relative_to(root).with_suffix("").parts)
            yield dotted.removesuffix(".__init__"), file


def offences(root: Path) -> list[Offence]:
    """Every import below root that a rule forbids."""
    return sorted(
        Offence(number, module, imported)
        for module, file in modules(root)
        for imported in imports_of(root, file)
        for number, forbids in RULES.items()
        if forbids(module, imported)
    )
