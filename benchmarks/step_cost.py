"""What one step costs: ours against moshi's plain LMGen and Mimi, same batch, same checkpoint, in turns.

    python -m benchmarks.step_cost mid --rows 1 8 32
    python -m benchmarks.step_cost mid --count

Every row speaks and every step is a full one. The two step alternately, so that other load on the machine hits
both. The figure is the CPU time of the fastest step, which other processes disturb least; the ratio is also given for
the median steps. Random weights: the cost is that of the shapes, the sound is noise.

--count says instead how many operations a step takes, views left aside: on a GPU about that many kernels are launched,
and for operations as small as these their number is what costs.
"""

from __future__ import annotations

import speech.engines.kyutai  # noqa: F401  # settles what torch and moshi read from the environment

# isort: split
import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from moshi.models.lm import LMGen
from moshi.models.tts import TTSModel
from safetensors.numpy import load_file
from torch.utils._python_dispatch import TorchDispatchMode

from speech.engines.batch.scheduler import Step, StepKind
from speech.engines.kyutai.runner import KyutaiRunner
from speech.request import SpeechRequest
from speech.text.pipe import read
from tests.speech.engines.kyutai.checkpoint import SUFFIX, VOICES, checkpoint_info, write_checkpoint

LEAD_STEPS = 19  # until every row sounds
WORDS = "hello river " * 500
Stepping = Callable[..., object]  # takes the StepKind, FULL unless it is named


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(options.size, Path(folder))
        if options.count:
            count(checkpoint)
            return
        print("| rows | temperature | plain, CPU ms | ours, CPU ms | ours / plain | of medians |")
        print("|---|---|---|---|---|---|")
        for rows in options.rows:
            for temperature in (0.0, 0.6):
                plain, ours = compare(checkpoint, rows, temperature, options.steps)
                medians = statistics.median(ours) / statistics.median(plain)
                best = f"{min(plain):.1f} | {min(ours):.1f} | {min(ours) / min(plain):.2f}"
                print(f"| {rows} | {temperature:g} | {best} | {medians:.2f} |", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=["tiny", "mid"])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", action="store_true", help="count operations instead")
    return parser.parse_args()


class Operations(TorchDispatchMode):
    """Counts what is computed or copied while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        aliases = [argument.alias_info for argument in func._schema.arguments if argument.alias_info is not None]
        writes = any(alias.is_write for alias in aliases)
        makes_nothing = func.overloadpacket.__name__ in ("_unsafe_view", "empty", "new_empty", "empty_like")
        self.number += writes or not (aliases or makes_nothing)
        return func(*args, **(kwargs or {}))


def count(checkpoint: Path) -> None:
    print("| step of one row | plain | ours |")
    print("|---|---|---|")
    for kind, lead in ((StepKind.TEXT_ONLY, 2), (StepKind.FULL, LEAD_STEPS)):
        numbers = []
        for step in (plain_stepping(checkpoint, 1, 0.0), our_stepping(checkpoint, 1, 0.0)):
            for _ in range(lead):
                step(kind)
            with Operations() as operations:
                step(kind)
            numbers.append(operations.number)
        print(f"| {kind.value} | {numbers[0]:,} | {numbers[1]:,} |")


def compare(checkpoint: Path, rows: int, temperature: float, steps: int) -> tuple[list[float], list[float]]:
    """CPU milliseconds of so many plain steps and of ours."""
    both = (plain_stepping(checkpoint, rows, temperature), our_stepping(checkpoint, rows, temperature))
    for step in both:
        for _ in range(LEAD_STEPS):
            step()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(steps):
        for step, taken in zip(both, times, strict=True):
            started = time.process_time()
            step()
            taken.append((time.process_time() - started) * 1000)
    return times


def load(checkpoint: Path, temperature: float) -> TTSModel:
    info = checkpoint_info(checkpoint)
    n_q = info.lm_config["n_q"]
    return TTSModel.from_checkpoint_info(info, n_q=n_q, temp=temperature, device="cpu", dtype=torch.float32)


def our_stepping(checkpoint: Path, rows: int, temperature: float) -> Stepping:
    embedding = load_file(checkpoint / "voices" / f"{VOICES[0]}{SUFFIX}")["speaker_wavs"]
    runner = KyutaiRunner(load(checkpoint, temperature), lambda voice: embedding, rows, temperature)
    scripts = runner.reset({row: runner.prepare(SpeechRequest(seed=row)) for row in range(rows)})
    words = {row: iter(read(WORDS)) for row in scripts}

    def step(kind: StepKind = StepKind.FULL) -> object:
        for row, script in scripts.items():
            while script.hungry:
                script.say(next(words[row]))
        return runner.step(Step(kind, tuple(scripts)))

    return step


def plain_stepping(checkpoint: Path, rows: int, temperature: float) -> Stepping:
    """As moshi's own server steps: masks, text by way of the host, the depformer as it is, PCM to the host."""
    model = load(checkpoint, temperature)
    lm, mimi, machine = model.lm, model.mimi, model.machine
    lm.dep_q = model.n_q
    voice = model.make_condition_attributes([checkpoint / "voices" / f"{VOICES[0]}{SUFFIX}"], cfg_coef=2.0)
    states = [machine.new_state(model.prepare_script([WORDS], padding_between=1)) for _ in range(rows)]
    done = [0]

    def on_text(tokens: torch.Tensor) -> None:
        said = [machine.process(done[0], state, token)[0] for state, token in zip(states, tokens.tolist(), strict=True)]
        tokens[:] = torch.tensor(said, device=tokens.device)

    def on_audio(codes: torch.Tensor) -> None:
        offsets = gen._streaming_state.offsets[:, None]
        codes.masked_fill_(offsets < gen.delays_cuda[1 : 1 + lm.dep_q] + model.delay_steps, -1)

    conditions = lm.condition_provider.prepare_and_provide([voice] * rows)
    gen: Any = LMGen(
        lm,
        temp=temperature,
        temp_text=temperature,
        condition_tensors=conditions,
        on_text_hook=on_text,
        on_audio_hook=on_audio,
        support_out_of_sync=True,
    )
    gen.streaming_forever(rows)
    mimi.streaming_forever(rows)
    inputs = torch.full((rows, lm.n_q - lm.dep_q, 1), -1, dtype=torch.long)
    no_codes = torch.full((rows, lm.dep_q, 1), -1, dtype=torch.long)

    @torch.inference_mode()
    def step(kind: StepKind = StepKind.FULL) -> object:
        all_rows = torch.ones(rows, dtype=torch.bool)
        gen.set_exec_mask(all_rows)
        frame = gen.step(inputs, no_codes if kind is StepKind.TEXT_ONLY else None)
        done[0] += 1
        if kind is StepKind.TEXT_ONLY:
            return frame
        mimi.set_exec_mask(all_rows)
        return mimi.decode(frame[:, 1:].clamp(min=0)).numpy()

    return step


if __name__ == "__main__":
    main()
