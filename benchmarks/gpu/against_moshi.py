"""moshi itself on the same GPU: `TTSModel.generate` of one text, and the batch as its own Python server steps it.

python -m benchmarks.gpu.against_moshi CHECKPOINT --rows 1 8 32 64
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import torch
from moshi.models.lm import LMGen
from moshi.models.tts import TTSModel

from benchmarks.common import centiles
from benchmarks.gpu.common import CUDA, DEVICE, driver_mb, save
from tests.speech.engines.kyutai.checkpoint import SUFFIX, VOICES, checkpoint_info

TEXT = "The boats came home before the storm, one after another, and the harbour lights were lit early."
WORDS = "hello river " * 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="moshi")
    parser.add_argument("--rows", type=int, nargs="*", default=[1, 8, 32, 64])
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    results: dict[str, Any] = {"generate": generate(options.folder)}
    print("generate:", results["generate"], flush=True)
    for rows in options.rows:
        results[str(rows)] = batch(options.folder, rows, options.steps)
        print(rows, "rows:", results[str(rows)], flush=True)
        save(options.name, results)
        gc.collect()
        if CUDA:
            torch.cuda.empty_cache()


def load(folder: Path) -> TTSModel:
    info = checkpoint_info(folder)
    dtype = torch.bfloat16 if CUDA else torch.float32
    return TTSModel.from_checkpoint_info(info, n_q=info.lm_config["n_q"], temp=0.6, device=DEVICE, dtype=dtype)


def voice(model: TTSModel, folder: Path) -> Any:
    return model.make_condition_attributes([folder / "voices" / f"{VOICES[0]}{SUFFIX}"], cfg_coef=2.0)


def generate(folder: Path) -> dict[str, Any]:
    """One text as moshi's own scripts say it, the second time: the codec decodes each frame as it comes."""
    model = load(folder)
    entries, attributes = model.prepare_script([TEXT], padding_between=1), voice(model, folder)
    with model.mimi.streaming(1), torch.no_grad():
        for _ in range(2):
            arrivals: list[float] = []

            def hear(frame: torch.Tensor, arrivals: list[float] = arrivals) -> None:
                if (frame != -1).all():
                    model.mimi.decode(frame[:, 1:].clamp(min=0)).cpu().numpy()
                    arrivals.append(time.perf_counter())

            started = time.perf_counter()
            model.generate([list(entries)], [attributes], on_frame=hear)
            taken = time.perf_counter() - started
            model.mimi.reset_streaming()
    gaps = [b - a for a, b in itertools.pairwise(arrivals)]
    return {
        "first_sound_ms": 1000 * (arrivals[0] - started),
        "times_real_time": 0.08 * len(arrivals) / taken,
        "frame_ms": centiles(gaps, 1000),
    }


def batch(folder: Path, rows: int, steps: int) -> dict[str, Any]:
    started = time.perf_counter()
    step = stepping(folder, rows)
    for _ in range(4):
        step(True)
    warm_s = time.perf_counter() - started
    times: dict[bool, list[float]] = {False: [], True: []}
    for full, number in ((False, 20), (True, steps)):
        for _ in range(number):
            started = time.perf_counter()
            step(full)
            times[full].append(time.perf_counter() - started)
    return {
        "load_and_warm_s": warm_s,
        "full_ms": centiles(times[True], 1000),
        "text_only_ms": centiles(times[False], 1000),
        "driver_mb": driver_mb(),
    }


def stepping(folder: Path, rows: int) -> Callable[[bool], None]:
    """A step of so many rows, full or text-only: masks, text by way of the host, sound to the host."""
    model = load(folder)
    lm, mimi, machine = model.lm, model.mimi, model.machine
    lm.dep_q = model.n_q
    states = [machine.new_state(model.prepare_script([WORDS], padding_between=1)) for _ in range(rows)]
    done = [0]

    def on_text(tokens: torch.Tensor) -> None:
        said = [machine.process(done[0], state, token)[0] for state, token in zip(states, tokens.tolist(), strict=True)]
        tokens[:] = torch.tensor(said, device=tokens.device)

    def on_audio(codes: torch.Tensor) -> None:
        offsets = gen._streaming_state.offsets[:, None]
        codes.masked_fill_(offsets < gen.delays_cuda[1 : 1 + lm.dep_q] + model.delay_steps, -1)

    gen: Any = LMGen(
        lm,
        temp=0.6,
        temp_text=0.6,
        condition_tensors=lm.condition_provider.prepare_and_provide([voice(model, folder)] * rows),
        on_text_hook=on_text,
        on_audio_hook=on_audio,
        support_out_of_sync=True,
    )
    gen.streaming_forever(rows)
    mimi.streaming_forever(rows)
    inputs = torch.full((rows, lm.n_q - lm.dep_q, 1), -1, dtype=torch.long, device=lm.device)
    no_codes = torch.full((rows, lm.dep_q, 1), -1, dtype=torch.long, device=lm.device)
    all_rows = torch.ones(rows, dtype=torch.bool)

    @torch.no_grad()
    def step(full: bool) -> None:
        gen.set_exec_mask(all_rows)
        frame = gen.step(inputs, None if full else no_codes)
        done[0] += 1
        if full:
            mimi.set_exec_mask(all_rows)
            mimi.decode(frame[:, 1:].clamp(min=0)).cpu().numpy()
        elif CUDA:
            torch.cuda.synchronize()

    return step


if __name__ == "__main__":
    main()
