"""Loading, what it takes, and that release gives all of it back."""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from moshi.models import loaders
from moshi.models.tts import TTSModel
from safetensors.torch import load_file, save_file

from speech.engines.base import UtteranceStatus
from speech.engines.batch.engine import BatchedEngine
from speech.engines.batch.runner import OutOfMemory
from speech.engines.batch.stepper import Stepper
from speech.engines.kyutai.failures import out_of_memory
from speech.engines.kyutai.loading import (
    LoadPlan,
    count_numbers,
    free_bytes,
    free_memory,
    half_type,
    keep_pace,
    load,
    settled,
)
from speech.engines.kyutai.memory import MB, Footprint, choose_slots, free_ram, slot_bytes
from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.errors import EngineFailed, InvalidRequest, NotSupported, Unavailable
from speech.request import SpeechRequest
from tests.heard import utter
from tests.speech.engines.kyutai.checkpoint import MIMI_FILE, VOICES, checkpoint_info
from tests.speech.engines.kyutai.fakegraph import FakeGraph, FakeGraphs
from tests.speech.engines.kyutai.helpers import CASES, Job, play
from tests.speech.engines.kyutai.model import DEVICE

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


class OldCard:
    """What torch.cuda tells of the second of two T4."""

    def current_device(self) -> int:
        return 1

    def get_device_capability(self, device: torch.device) -> tuple[int, int]:
        assert device.index is not None
        return 7, 5


class TestMemory:
    def test_slots_by_free_memory(self) -> None:
        footprint = Footprint(weights=4000, slot=160, reserve=1000)
        assert choose_slots(0, free=4000, footprint=footprint) == 18
        assert choose_slots(0, free=400_000, footprint=footprint) == 64
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

    def test_on_a_card_each_row_takes_more_than_its_caches(self, plan: LoadPlan) -> None:
        """The graphs of more tiers, and workspaces: 200 MB for 63 rows on an H100 (docs/performance.md)."""
        footprint = replace(plan, device=torch.device("cuda")).footprint
        caches = slot_bytes(plan.info.lm_config, plan.info.mimi_config, itemsize=2)
        assert footprint.slot - caches >= 200 * MB // 63

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

    def test_as_many_slots_as_keep_pace(self, load_model: Callable[..., TTSModel], embedding: Embedding) -> None:
        """And the runner speaks on with as many as are left."""
        fake = FakeGraphs() if DEVICE == "cpu" else None
        runner = KyutaiRunner(load_model(), embedding, slots=4, temperature=0.0, launch=fake)
        assert sorted(runner.step_s) == [1, 2, 4]
        keep_pace(runner, longest_s=max(runner.step_s.values()))
        assert runner.slots == 4
        runner.step_s = {1: 0.01, 2: 0.03, 4: 0.05}
        keep_pace(runner, longest_s=0.04)
        assert runner.slots == 2
        job = Job(CASES[2])
        play(Stepper(runner, max_queue=0), [job])
        assert job.utterance.status is UtteranceStatus.FINISHED
        keep_pace(runner, longest_s=0.0)
        assert runner.slots == 1
        runner.close()

    def test_bfloat16_on_cuda_float32_on_a_cpu(self, plan: LoadPlan) -> None:
        assert plan.lm_dtype is torch.float32
        assert replace(plan, device=torch.device("cuda")).lm_dtype is torch.bfloat16

    @pytest.mark.parametrize(
        ("capability", "dtype"),
        [((7, 0), torch.float16), ((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)],
    )
    def test_older_cards_compute_in_float16(self, capability: tuple[int, int], dtype: torch.dtype) -> None:
        assert half_type(capability) is dtype

    def test_what_only_a_card_tells_is_not_asked_of_a_cpu(self, plan: LoadPlan) -> None:
        assert settled(plan) is plan

    @pytest.mark.parametrize(("name", "number"), [("cuda", 1), ("cuda:0", 0)])
    def test_cuda_without_a_number_is_the_card_in_use(self, plan: LoadPlan, name: str, number: int) -> None:
        settled_one = settled(replace(plan, device=torch.device(name)), OldCard())
        assert settled_one.device == torch.device("cuda", number)
        assert settled_one.dtype is torch.float16

    @pytest.mark.skipif(DEVICE == "cpu", reason="needs TEST_DEVICE=cuda")
    def test_cuda_without_a_number(self, plan: LoadPlan) -> None:
        card = settled(replace(plan, device=torch.device("cuda")))
        assert card.device == torch.device("cuda:0")
        assert card.dtype is torch.bfloat16
        load(replace(plan, device=torch.device("cuda"))).close()

    def test_a_model_that_makes_no_sound_is_not_loaded(self, plan: LoadPlan, checkpoint: Path, tmp_path: Path) -> None:
        damaged = shutil.copytree(checkpoint, tmp_path / "damaged")
        weights = load_file(damaged / MIMI_FILE)
        weights = {
            name: value * float("nan") if name.startswith("decoder.") else value for name, value in weights.items()
        }
        save_file(weights, damaged / MIMI_FILE)
        with pytest.raises(EngineFailed, match="damaged") as failed:
            load(replace(plan, info=checkpoint_info(damaged)))
        assert failed.value.code == "no_sound"

    def test_another_kind_of_model_is_refused(self, load_model: Callable[..., TTSModel], embedding: Embedding) -> None:
        tts = load_model()
        tts.multistream = True
        with pytest.raises(NotSupported):
            KyutaiRunner(tts, embedding, 1)

    @pytest.mark.parametrize(
        "says",
        [
            "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",  # torch.AcceleratorError
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
            "[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8",
        ],
    )
    def test_whoever_says_that_there_is_no_memory(self, says: str) -> None:
        with pytest.raises(OutOfMemory), out_of_memory():
            raise RuntimeError(says)

    @pytest.mark.parametrize("says", ["CUDA error: an illegal memory access was encountered", "mat1 and mat2 shapes"])
    def test_other_errors_stay_what_they_are(self, says: str) -> None:
        with pytest.raises(RuntimeError, match=says), out_of_memory():
            raise RuntimeError(says)

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
        """Modules, parameters, states, graphs: weak references to all of them, with speech still running."""
        watched: list[weakref.ref[Any]] = []

        def build() -> KyutaiRunner:
            fake = FakeGraphs() if graphs else None
            runner = load(replace(plan, launch=fake))
            watched.extend(map(weakref.ref, parts(runner, fake.captured if fake else [])))
            return runner

        engine = BatchedEngine(build, max_queue=0, free=free_memory)
        del build
        speaking = utter(CASES[0].request)
        engine.start(speaking)
        next(speaking.chunks())
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
    model = runner._model
    for root in (runner._tts.lm, runner._tts.mimi):
        yield from root.modules()
        yield from root.parameters()
        yield from root.buffers()
    yield from (tensor for rows in (model._rows, model._decoder.rows) for tensor, _ in rows.tensors)
    yield from (state for rows in (model._rows, model._decoder.rows) for state in rows._views[runner.slots])
    yield from (value for thing in (model, model._decoder) for value in vars(thing).values() if _is_tensor(value))
    yield from (runner, runner._tts, model, model._decoder, model._depformer, runner._host_pcm)
    for graph in captured:
        yield graph
        yield from (tensor for kernel in graph.kernels for _, tensor in kernel.made)


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)


def state_bytes(runner: KyutaiRunner) -> int:
    """Bytes of all that the rows remember."""
    model = runner._model
    bytes_ = sum(t.nbytes for rows in (model._rows, model._decoder.rows) for t, _ in rows.tensors)
    runner.close()
    return bytes_
