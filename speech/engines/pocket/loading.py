"""Loading Pocket TTS: which model, in which precision, with how many slots and threads.

Knows files and settings; what the loaded model does is in runner.py.
"""

from __future__ import annotations

import gc
import logging
import os
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import ValidationError
from torch import nn

from speech.engines.base import Engine
from speech.engines.batch.engine import BatchedEngine
from speech.engines.pocket.files import PocketModel, obtain
from speech.engines.pocket.languages import LanguageEngine, Rest
from speech.engines.pocket.library import TTSModel, build_tokenizer, load_config, quantize
from speech.engines.pocket.packed import pack
from speech.engines.pocket.runner import PocketRunner
from speech.engines.pocket.sources import CONFIG, Source, sources
from speech.engines.pocket.states import VoiceStates
from speech.engines.pocket.voices import PocketVoices, catalogue
from speech.errors import EngineFailed
from speech.hub.files import make_hub
from speech.progress import Progress, silent
from speech.settings import Settings

log = logging.getLogger("kyutai_tts.engine")

MILLION = 1_000_000
# Rows a core, by the model's size: about as many as it keeps at real time (docs/experiments.md). More make all wait.
ROWS_A_CORE = ((20 * MILLION, 8), (60 * MILLION, 4))
ROWS_A_CORE_BEYOND = 2
MOST_SLOTS = 64
MOST_THREADS = 4
TRIED_ROWS, TRIES = 4, 9  # what the two precisions are compared with


@dataclass(frozen=True)
class LoadPlan:
    """What is loaded, and how it is to compute."""

    model: PocketModel
    voice_path: Callable[[str | None], Path]
    max_slots: int = 0  # 0: by the model's size and the cores
    threads: int = 0  # of the model, and again of the codec; 0: half of the cores, 4 at most
    quantize: str = "auto"  # auto, true, false
    temperature: float | None = None  # of requests that name none; None: the model's own


def build(settings: Settings, progress: Progress) -> Engine:
    """The engine, ready to speak POCKET_MODEL's language; what is missing of a model is downloaded first.

    Raises Unavailable for a hub that cannot be reached, EngineFailed for damaged files.
    """
    voices = catalogue(settings)
    models = {name: Model(settings, source, voices, progress) for name, source in sources(settings).items()}
    if len(models) == 1:
        (only,) = models.values()
        return only.load()
    return LanguageEngine(
        models, voices.language_of, most=settings.pocket_languages_loaded, max_queue=settings.max_queue
    )


@dataclass(frozen=True)
class Model:
    """One language's model, as the settings have it."""

    settings: Settings
    source: Source
    voices: PocketVoices
    progress: Progress

    def fetch(self) -> PocketModel:
        """Its files; what is missing is downloaded. Raises Unavailable or EngineFailed."""
        token = self.settings.hf_token is not None
        return obtain(self.source, make_hub(self.settings), self.progress, token=token)

    def load(self, rest: Rest = lambda: None) -> Engine:
        """Its engine. rest: called whenever that has nothing left to do. Raises as `fetch`, and EngineFailed."""
        settings = self.settings
        plan = LoadPlan(
            self.fetch(),
            partial(self.voices.path, language=self.source.language),
            max_slots=settings.max_slots,
            threads=settings.pocket_threads,
            quantize=settings.pocket_quantize,
            temperature=settings.temperature if "temperature" in settings.model_fields_set else None,
        )
        return BatchedEngine(partial(load, plan, self.progress), settings.max_queue, free_memory, rest=rest)


def load(plan: LoadPlan, progress: Progress = silent) -> PocketRunner:
    """The runner. The calling thread must be the one that will step it. Raises EngineFailed."""
    started = time.monotonic()
    progress("loading the weights", 0, 0, None)
    tts = read_model(plan.model, plan.temperature)
    size, cores = sum(value.numel() for value in tts.state_dict().values()), usable_cores()
    int8 = plan.quantize == "true" or (plan.quantize == "auto" and int8_is_faster(tts))
    if int8:
        quantize(tts.flow_lm)
    _drop_encoder(tts)
    attention = tts.flow_lm.transformer.layers[0].self_attn
    shape = len(tts.flow_lm.transformer.layers), attention.num_kv_heads, attention.dim_per_head
    slots = plan.max_slots or min(MOST_SLOTS, cores * rows_a_core(size))
    threads = plan.threads or max(1, min(MOST_THREADS, cores // 2))
    runner = PocketRunner(tts, VoiceStates(plan.voice_path, shape), slots, threads)
    gc.collect()
    log.info(
        "%s: %.0f M parameters in %s, %d slots, %d+%d threads, loaded in %.1f s",
        plan.model.name,
        size / MILLION,
        "int8" if int8 else "float32",
        slots,
        threads,
        threads,
        time.monotonic() - started,
    )
    return runner


def read_model(model: PocketModel, temperature: float | None = None) -> Any:
    """pocket-tts's TTSModel in float32, from local files alone. Raises EngineFailed, which names the file."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / CONFIG
        config.write_text(yaml.safe_dump(dict(model.config)))
        try:
            _check_tokenizer(load_config(config))
            return TTSModel.load_model(config=str(config), temp=temperature)
        except ValidationError as error:
            message = f"The {CONFIG} of the model {model.name} is damaged: {_short(error)}"
        except (RuntimeError, ValueError, AssertionError, KeyError, TypeError) as error:
            files = ", ".join(str(path) for path in model.files)
            message = f"The files of the model {model.name} do not belong together ({files}): {_short(error)}"
    raise EngineFailed(message)


def _check_tokenizer(config: Any) -> None:
    """pocket-tts does not say which file it fails on. Raises EngineFailed."""
    table = config.flow_lm.lookup_table
    try:
        build_tokenizer(table.n_bins, table.tokenizer_path, table.tokenizer)
    except Exception as error:  # of any kind: each library of tokenizers has its own
        message = f"{table.tokenizer_path} is damaged, or no tokenizer of this model: {_short(error)}"
    else:
        return
    raise EngineFailed(message)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def int8_is_faster(tts: Any) -> bool:
    """Whether a feed-forward layer of this model takes less time in int8 on this CPU, for a few rows."""
    rows, feed_forward = torch.randn(TRIED_ROWS, tts.flow_lm.dim), tts.flow_lm.transformer.layers[0]
    packed, int8 = deepcopy(feed_forward), _Flow([deepcopy(feed_forward)])
    pack(packed)
    quantize(int8)
    others = torch.zeros(sum(value.numel() for value in tts.flow_lm.parameters()))
    return _fastest_s(int8.transformer.layers[0].linear1, rows, others) < _fastest_s(packed.linear1, rows, others)


class _Flow(nn.Module):
    """As much of a flow language model as is quantised."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.transformer: Any = nn.Module()
        self.transformer.layers = nn.ModuleList(layers)


def rows_a_core(parameters: int) -> int:
    return next((rows for most, rows in ROWS_A_CORE if parameters <= most), ROWS_A_CORE_BEYOND)


def usable_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> None:
    """After the runner's `close`, when its thread has ended: collect the cycles that held the model."""
    gc.collect()


def _fastest_s(module: nn.Module, rows: torch.Tensor, others: torch.Tensor) -> float:
    """others: so much is read between two steps of a layer; what the cache keeps meanwhile it keeps here."""
    taken = []
    with torch.inference_mode():
        for _ in range(TRIES):
            others += 1
            started = time.perf_counter()
            module(rows)
            taken.append(time.perf_counter() - started)
    return min(taken)


def _drop_encoder(tts: Any) -> None:
    """What only cloning needs."""
    tts.mimi.encoder = tts.mimi.encoder_transformer = nn.Identity()
    tts.mimi.downsample = nn.Identity()
