"""Loading, what it takes, and that release gives all of it back."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from moshi.models import loaders
from moshi.models.tts import TTSModel
from moshi.utils.compile import CUDAGraphed

from speech.engines.base import UtteranceStatus
from speech.engines.batch.engine import BatchedEngine
from speech.engines.batch.runner import OutOfMemory
from speech.engines.kyutai.loading import LoadPlan, count_numbers, free_bytes, free_memory, load
from speech.engines.kyutai.memory import MB, Footprint, choose_slots, free_ram, slot_bytes
from speech.engines.kyutai.runner import Embedding, KyutaiRunner, out_of_memory
from speech.errors import InvalidRequest, NotSupported, Unavailable
from speech.request import SpeechRequest
from tests.heard import utter
from tests.speech.engines.kyutai.checkpoint import VOICES, checkpoint_info
from tests.speech.engines.kyutai.fakegraph import FakeGraph, fake_graphs
from tests.speech.engines.kyutai.helpers import CASES

CYCLES = int(os.environ.get("LOAD_CYCLES", "9"))
CPU = torch.device("cpu")


@pytest.fixture
def plan(checkpoint: Path, embedding: Embedding) -> LoadPlan:
    return LoadPlan(checkpoint_info(checkpoint), embedding, CPU, max_slots=2, temperature=0.0)


@pytest.fixture
def thaw() -> Iterator[None]:
    """load() freezes the garbage collector's past; give it back."""
    yield
    free_memory()


class TestMemory:
    def test_slots_by_free_memory(self) -> None:
        footprint = Footprint(weights=4000, slot=160, reserve=1000)
        assert choose_slots(0, free=4000, footprint=footprint) == 18
        assert choose_slots(0, free=400_000, footprint=footprint) == 32
        assert choose_slots(4, free=4000, footprint=footprint) == 4
        assert choose_slots(40, free=4000, footprint=footprint) == 18
        assert choose_slots(0, free=0, footprint=footprint) == 1

    def test_too_little_memory_says_how_much_is_missing(self) -> None:
        footprint = Footprint(weights=4000 * MB, slot=160 * MB, reserve=1000 * MB)
        footprint.check(5320 * MB, slots=2, device="cuda:0")
        with pytest.raises(Unavailable, match=r"cuda:0.* 2 slots.* 5,320 MB; 4,000 MB are free, 1,320 MB .*missing"):
            footprint.check(4000 * MB, slots=2, device="cuda:0")

    def test_the_real_model(self) -> None:
        """90 to 100 MB a row at full size, as measured: docs/experiments.md."""
        lm = {"num_layers": 16, "context": 500, "dim": 2048}
        assert 90 * MB < slot_bytes(lm, loaders._mimi_config, itemsize=2) < 100 * MB

    def test_the_arithmetic_agrees_with_what_a_row_takes(
        self, load_model: Callable[..., TTSModel], embedding: Embedding, checkpoint: Path
    ) -> None:
        one, two = (state_bytes(KyutaiRunner(load_model(), embedding, slots)) for slots in (1, 2))
        info = checkpoint_info(checkpoint)
        assert slot_bytes(info.lm_config, info.mimi_config, itemsize=4) == pytest.approx(two - one, rel=0.1)

    def test_the_container_may_have_less_than_the_machine(self, tmp_path: Path) -> None:
        meminfo = tmp_path / "meminfo"
        meminfo.write_text("MemTotal:       16000 kB\nMemAvailable:    8000 kB\n")
        assert free_ram(meminfo, tmp_path) == 8000 * 1024
        (tmp_path / "memory.current").write_text("1000000\n")
        (tmp_path / "memory.max").write_text("max\n")
        assert free_ram(meminfo, tmp_path) == 8000 * 1024
        (tmp_path / "memory.max").write_text("3000000\n")
        assert free_ram(meminfo, tmp_path) == 2_000_000
        assert free_ram(tmp_path / "none", tmp_path / "none") > 0
        assert free_bytes(CPU) > 0

    def test_numbers_of_a_file(self, checkpoint: Path, load_model: Callable[..., TTSModel]) -> None:
        info, lm = checkpoint_info(checkpoint), load_model().lm
        assert count_numbers(info.moshi_weights) == sum(p.numel() for p in lm.parameters())


class TestLoad:
    def test_it_is_refused_before_it_is_tried(self, plan: LoadPlan, checkpoint: Path) -> None:
        huge = replace(plan, info=replace(plan.info, lm_config={**plan.info.lm_config, "context": 10**12}))
        with pytest.raises(Unavailable, match="missing"):
            load(huge)

    @pytest.mark.usefixtures("thaw")
    def test_slots_and_codebooks(self, plan: LoadPlan) -> None:
        said: list[str] = []
        runner = load(replace(plan, max_slots=0, n_q=32), lambda doing, *_: said.append(doing))
        assert runner.slots == 4
        assert runner._tts.n_q == 8, "no more than the checkpoint has"
        assert said == ["loading the weights", "warming up"]
        runner.close()

    def test_bfloat16_on_cuda_float32_on_a_cpu(self, plan: LoadPlan) -> None:
        assert plan.lm_dtype is torch.float32
        assert replace(plan, device=torch.device("cuda")).lm_dtype is torch.bfloat16

    def test_another_kind_of_model_is_refused(self, load_model: Callable[..., TTSModel], embedding: Embedding) -> None:
        tts = load_model()
        tts.multistream = True
        with pytest.raises(NotSupported):
            KyutaiRunner(tts, embedding, 1)

    def test_out_of_memory_in_our_words(self) -> None:
        with pytest.raises(OutOfMemory, match="2 GB"), out_of_memory():
            raise torch.OutOfMemoryError("tried to allocate 2 GB")
        with pytest.raises(ValueError, match="other"), out_of_memory():
            raise ValueError("other")

    def test_requests_that_cannot_be_spoken(self, runner: KyutaiRunner) -> None:
        with pytest.raises(InvalidRequest, match="cfg_coef"):
            runner.prepare(SpeechRequest(voice=VOICES[0], cfg_coef=1.7))

    def test_an_embedding_of_another_shape(self, load_model: Callable[..., TTSModel], embedding: Embedding) -> None:
        runner = KyutaiRunner(load_model(), lambda voice: embedding(voice)[:, :, :100], 1)
        with pytest.raises(InvalidRequest, match="shape"):
            runner.prepare(SpeechRequest(voice=VOICES[0]))


class TestRelease:
    @pytest.mark.parametrize("graphs", [False, True])
    def test_nothing_of_the_model_outlives_it(self, plan: LoadPlan, graphs: bool) -> None:
        """Modules, parameters, states, caches, graphs: weak references to all of them, with speech still running."""
        with fake_graphs() if graphs else nullcontext([]) as captured:
            watched: list[weakref.ref[Any]] = []

            def build() -> KyutaiRunner:
                runner = load(plan)
                watched.extend(map(weakref.ref, parts(runner, captured)))
                return runner

            engine = BatchedEngine(build, max_queue=0, free=free_memory)
            del build
            speaking = utter(CASES[0].request)
            engine.start(speaking)
            next(speaking.chunks())
            captured.clear()
            engine.close()
        assert len(watched) > 200
        assert [type(ref()) for ref in watched if ref() is not None] == []
        assert speaking.status is UtteranceStatus.FAILED

    def test_many_loads_and_releases_leave_memory_flat(self, plan: LoadPlan) -> None:
        def cycle() -> None:
            engine = BatchedEngine(lambda: load(plan), max_queue=0, free=free_memory)
            engine.close()

        def grown_by() -> int:
            before = psutil.Process().memory_info().rss
            for _ in range(CYCLES):
                cycle()
            return psutil.Process().memory_info().rss - before

        for _ in range(CYCLES // 3):
            cycle()
        # A leak grows in every round; the allocator, in a process that other tests have used, may grow in one.
        assert any(grown_by() < 10 * MB for _ in range(3))


def parts(runner: KyutaiRunner, captured: list[FakeGraph]) -> Iterator[Any]:
    """Everything of the model that can be weakly referenced."""
    for root in (runner._gen, runner._lm, runner._mimi):
        yield from root.modules()
        yield from root.parameters()
        yield from root.buffers()
        for state in root.get_streaming_state().values():
            yield state
            for value in vars(state).values():
                if isinstance(value, (torch.Tensor, CUDAGraphed)):
                    yield value
    yield from (runner, runner._tts, runner._result, runner._gen._code_table)
    for graph in captured:
        yield graph
        yield from (tensor for kernel in graph.kernels for _, tensor in kernel.made)


def state_bytes(runner: KyutaiRunner) -> int:
    """Bytes of all streaming state, each storage once."""
    storages = {}
    for root in (runner._gen, runner._lm, runner._mimi):
        for state in root.get_streaming_state().values():
            for tensor in vars(state).values():
                if isinstance(tensor, torch.Tensor):
                    storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    runner.close()
    return sum(storages.values())
