"""The tiny model, what pocket-tts itself says with it, and runners over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from speech.engines.pocket.runner import PocketRunner
from speech.engines.pocket.states import read_state
from tests.speech.engines.pocket.checkpoint import VOICES, write_checkpoint
from tests.speech.engines.pocket.helpers import Reference, load_model

MakeRunner = Callable[..., PocketRunner]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("tiny", tmp_path_factory.mktemp("pocket"))


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that never wishes to end."""
    return write_checkpoint("tiny", tmp_path_factory.mktemp("endless"), endless=True)


@pytest.fixture(scope="session")
def reference(checkpoint: Path) -> Reference:
    return Reference(checkpoint)


def voice_states(folder: Path, model: Any) -> Callable[[str | None], torch.Tensor]:
    """The states of the folder's voices; v0 is the default."""
    attention = model.flow_lm.transformer.layers[0].self_attn
    shape = len(model.flow_lm.transformer.layers), attention.num_kv_heads, attention.dim_per_head
    states = {voice: read_state(folder / "voices" / f"{voice}.safetensors", shape) for voice in VOICES}
    return lambda voice: states[voice or VOICES[0]]


@pytest.fixture
def make_runner() -> Iterator[MakeRunner]:
    """Runners over models of their own, closed at the end."""
    made: list[PocketRunner] = []

    def make(folder: Path, slots: int = 3, **options: Any) -> PocketRunner:
        model = load_model(folder)
        made.append(PocketRunner(model, voice_states(folder, model), slots, **options))
        return made[-1]

    yield make
    for runner in made:
        runner.close()


@pytest.fixture(scope="module")
def runner(checkpoint: Path) -> Iterator[PocketRunner]:
    """Three slots, used by one test after another as a service would."""
    model = load_model(checkpoint)
    runner = PocketRunner(model, voice_states(checkpoint, model), slots=3)
    yield runner
    runner.close()
