"""The tiny checkpoint, what moshi itself says with it, and runners over it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from moshi.models.tts import TTSModel
from moshi.utils.compile import no_cuda_graph
from safetensors.numpy import load_file

from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.request import Samples
from tests.speech.engines.kyutai.checkpoint import SUFFIX, VOICES, checkpoint_info, write_checkpoint
from tests.speech.engines.kyutai.fakegraph import FakeGraphs
from tests.speech.engines.kyutai.helpers import Case

torch.set_num_threads(1)  # tiny matrices: a second thread only gets in the way
DEVICE = os.environ.get("TEST_DEVICE", "cpu")  # cuda: the comparisons with moshi on a GPU, with real CUDA graphs
torch.backends.cudnn.allow_tf32 = False  # or convolutions there would have 10 bits of precision


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("tiny", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def load_model(checkpoint: Path) -> Callable[..., TTSModel]:
    def load(n_q: int = 8) -> TTSModel:
        info = checkpoint_info(checkpoint)
        return TTSModel.from_checkpoint_info(info, n_q=n_q, temp=0.0, device=DEVICE, dtype=torch.float32)

    return load


@pytest.fixture(scope="session")
def embedding(checkpoint: Path) -> Embedding:
    @cache
    def embedding(voice: str | None) -> Samples:
        array: Samples = load_file(checkpoint / "voices" / f"{voice or VOICES[0]}{SUFFIX}")["speaker_wavs"]
        array.setflags(write=False)
        return array

    return embedding


class Reference:
    """TTSModel.generate and a plain Mimi decode, one text at a time."""

    def __init__(self, model: TTSModel, voices: Path) -> None:
        self.model, self.voices = model, voices
        # generate stops before the last frames have come out of the codebooks' delay.
        model.final_padding += max(model.lm.delays)
        self._known: dict[Case, tuple[torch.Tensor, np.ndarray, list[tuple[str, int]]]] = {}

    def __call__(self, case: Case) -> tuple[torch.Tensor, np.ndarray, list[tuple[str, int]]]:
        """Codes (codebooks, frames), PCM (samples,) and (word, frame) of a case."""
        if case not in self._known:
            with no_cuda_graph(), torch.no_grad():
                self._known[case] = self._generate(case)
        return self._known[case]

    def _generate(self, case: Case) -> tuple[torch.Tensor, np.ndarray, list[tuple[str, int]]]:
        model = self.model
        attributes = model.make_condition_attributes([self.voices / f"{case.voice}{SUFFIX}"], cfg_coef=case.cfg_coef)
        result = model.generate([model.prepare_script([case.text], padding_between=1)], [attributes])
        frames = [frame[:, 1:].clone() for frame in result.frames[model.delay_steps :]]
        with model.mimi.streaming(1):
            pcm = [model.mimi.decode(frame)[0, 0].clone() for frame in frames]
        return torch.cat(frames, -1)[0].cpu(), torch.cat(pcm).clamp(-1, 1).cpu().numpy(), result.all_transcripts[0]


@pytest.fixture(scope="session")
def reference(load_model: Callable[..., TTSModel], checkpoint: Path) -> Reference:
    return Reference(load_model(), checkpoint / "voices")


@pytest.fixture(scope="session", params=["eager", "graphs"] if DEVICE == "cpu" else ["on the GPU"])
def runner(
    request: pytest.FixtureRequest, load_model: Callable[..., TTSModel], embedding: Embedding
) -> Iterator[KyutaiRunner]:
    """Three slots, used by one test after another as a service would; once more with CUDA graphs, faked."""
    launch = FakeGraphs() if request.param == "graphs" else None
    runner = KyutaiRunner(load_model(), embedding, slots=3, temperature=0.0, launch=launch)
    yield runner
    runner.close()
