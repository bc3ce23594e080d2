"""Which engine speaks: the rows are asked in the order of their rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from speech.engines import ENGINES, by_rank
from speech.engines.spec import EngineSpec
from speech.errors import Unavailable
from speech.gpus import GPU
from speech.selection import choose_engine, idle_timeout_s
from speech.settings import Settings

CARDS = [GPU(n, f"GPU-{n}", f"Card {n}", 0, 24 * 10**9) for n in range(2)]
PLAIN = replace(ENGINES["hibari"], requirements="plain.txt")


def row(name: str, rank: int, **fields: object) -> EngineSpec:
    return replace(PLAIN, name=name, rank=rank, **fields)  # type: ignore[arg-type]


@pytest.fixture
def only() -> Iterator[dict[str, EngineSpec]]:
    """The table, emptied for the test."""
    kept = dict(ENGINES)
    ENGINES.clear()
    yield ENGINES
    ENGINES.clear()
    ENGINES.update(kept)


def chosen(settings: Settings, gpus: list[GPU] | None = None) -> tuple[str, str, str]:
    choice = choose_engine(settings, gpus or [])
    return choice.spec.name, choice.device, choice.reason


def test_auto_takes_the_first_that_can(only: dict[str, EngineSpec]) -> None:
    for spec in (row("plain", 3), row("graphic", 1, needs_cuda=True), row("heavy", 2, needs_modules=("not_there",))):
        only[spec.name] = spec
    assert [spec.name for spec in by_rank()] == ["graphic", "heavy", "plain"]
    assert chosen(Settings(), CARDS) == ("graphic", "cuda:0", "Card 0 was found")
    assert chosen(Settings(device="cuda:1"), CARDS) == ("graphic", "cuda:1", "Card 1 was found")
    why = f"no NVIDIA GPU was found; not_there not installed: {PLAIN.label} speaks"
    assert chosen(Settings()) == ("plain", "cpu", why)
    assert chosen(Settings(device="cuda:2"), CARDS)[0] == "plain"
    assert chosen(Settings(device="cpu"), CARDS)[2].startswith("DEVICE=cpu; not_there not installed: ")


def test_auto_passes_over_what_would_have_to_be_fetched(only: dict[str, EngineSpec]) -> None:
    only["fetched"] = row("fetched", 1, files=__name__)
    only["plain"] = row("plain", 2)
    assert chosen(Settings(n_q=8))[0] == "fetched"
    assert chosen(Settings(n_q=9)) == ("plain", "cpu", f"9 files are missing: {PLAIN.label} speaks")
    assert chosen(Settings(engine="fetched", n_q=9)) == ("fetched", "cpu", "ENGINE=fetched")


def missing(settings: Settings) -> str | None:
    """What the row named `files` asks of this module."""
    return None if settings.n_q == 8 else f"{settings.n_q} files are missing"


def test_auto_says_why_nothing_can_speak(only: dict[str, EngineSpec]) -> None:
    only["graphic"] = row("graphic", 1, needs_cuda=True)
    with pytest.raises(Unavailable, match="No engine can speak here: no NVIDIA GPU was found"):
        choose_engine(Settings(), [])


def test_one_that_is_asked_for_speaks_or_says_why_not(only: dict[str, EngineSpec]) -> None:
    only["graphic"] = row("graphic", 1, needs_cuda=True)
    only["heavy"] = row("heavy", 2, needs_modules=("not_there", "nor_this"))
    only["plain"] = row("plain", 3)
    assert chosen(Settings(engine="plain"), CARDS) == ("plain", "cpu", "ENGINE=plain")
    spoken_on_cpu = chosen(Settings(engine="graphic", device="cpu"), CARDS)
    assert spoken_on_cpu == ("graphic", "cpu", "ENGINE=graphic and DEVICE=cpu")
    assert chosen(Settings(engine="graphic"), CARDS)[1] == "cuda:0"
    with pytest.raises(Unavailable, match="ENGINE=festival is none of auto, graphic, heavy, plain"):
        choose_engine(Settings(engine="festival"), CARDS)
    with pytest.raises(Unavailable, match="ENGINE=graphic with DEVICE=cuda:7: no such NVIDIA GPU"):
        choose_engine(Settings(engine="graphic", device="cuda:7"), CARDS)
    with pytest.raises(Unavailable, match=r"ENGINE=heavy: not_there, nor_this not installed. Install plain\.txt"):
        choose_engine(Settings(engine="heavy"), [])


def test_only_an_engine_that_holds_a_gpu_is_released_of_itself() -> None:
    for spec in ENGINES.values():
        assert idle_timeout_s(Settings(), spec) == (60 if spec.needs_cuda else -1)
        assert idle_timeout_s(Settings(gpu_idle_timeout=5), spec) == 5


def test_the_embedded_voice_speaks_where_there_is_no_gpu() -> None:
    assert chosen(Settings())[:2] == ("hibari", "cpu")
