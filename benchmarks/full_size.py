"""The real shapes: load 1.8 G parameters in bfloat16, speak a sentence in every slot at once, say what it took.

    python -m benchmarks.full_size some/folder
    python -m benchmarks.full_size some/folder --device cuda --slots 1 8 32

Random weights in the format of kyutai/tts-1.6b-en_fr, written into the folder (4.1 GB) unless they are there already.
The sound is noise; time and memory are those of the shapes. Needs about 8 GB of memory. Each number of slots is loaded
anew, so that its memory can be told.
"""

from __future__ import annotations

import speech.engines.kyutai  # noqa: F401  # settles what torch and moshi read from the environment

# isort: split
import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors.numpy import load_file

from speech.engines.base import Utterance
from speech.engines.batch.runner import Frame, ModelRunner, Row
from speech.engines.batch.scheduler import Step
from speech.engines.batch.stepper import Stepper
from speech.engines.kyutai.loading import LoadPlan, free_memory, load
from speech.request import FRAME_S, SpeechRequest
from speech.text.pipe import read
from tests.speech.engines.kyutai.checkpoint import SUFFIX, VOICES, checkpoint_info, write_checkpoint

GB = 1e9
TEXT = "The boats came home before the storm."


class Timed(ModelRunner):
    """A runner whose steps are timed, by kind."""

    def __init__(self, runner: ModelRunner) -> None:
        self.runner, self.slots, self.sample_rate = runner, runner.slots, runner.sample_rate
        self.steps_s: dict[str, list[float]] = defaultdict(list)

    def prepare(self, request: SpeechRequest) -> Any:
        return self.runner.prepare(request)

    def reset(self, joins: Mapping[int, Any]) -> Mapping[int, Row]:
        started = time.perf_counter()
        rows = self.runner.reset(joins)
        self.steps_s[f"join of {len(joins)}"].append(time.perf_counter() - started)
        return rows

    def step(self, step: Step) -> Mapping[int, Frame]:
        started = time.perf_counter()
        frames = self.runner.step(step)
        self.steps_s[f"{step.kind.value} step"].append(time.perf_counter() - started)
        return frames

    def settle(self) -> None:
        self.runner.settle()

    def flush(self) -> Mapping[int, Frame]:
        return self.runner.flush()

    def recover(self) -> None:
        self.runner.recover()

    def close(self) -> None:
        self.runner.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="cpu or cuda")
    parser.add_argument("--slots", type=int, nargs="+", default=[1], help="how many say the text at once")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not (options.folder / "config.json").is_file():
        write_checkpoint("full", options.folder)
    for slots in options.slots:
        speak_once(options.folder, options.device, slots)


def speak_once(folder: Path, device: torch.device, slots: int) -> None:
    embedding = load_file(folder / "voices" / f"{VOICES[0]}{SUFFIX}")["speaker_wavs"]
    plan = LoadPlan(checkpoint_info(folder), lambda voice: embedding, device, slots, dtype=torch.bfloat16)
    before, started = memory_gb(device), time.perf_counter()
    runner = Timed(load(plan))
    print(f"{device_name(device)}, {runner.slots} slots: loaded in {time.perf_counter() - started:.1f} s")
    print(f"memory: {before:.2f} GB before, {memory_gb(device):.2f} GB after", flush=True)
    print(f"expected: weights {plan.footprint.weights / GB:.2f} GB, each slot {plan.footprint.slot / GB:.3f} GB")
    say_it_in_every_slot(runner)
    runner.close()
    del runner
    free_memory()
    print(f"memory after the release: {memory_gb(device):.2f} GB\n", flush=True)


def say_it_in_every_slot(runner: Timed) -> None:
    stepper = Stepper(runner, max_queue=0)
    utterances = [Utterance(SpeechRequest(), buffer_s=60) for _ in range(runner.slots)]
    started, first_s = time.perf_counter(), None
    for utterance in utterances:
        utterance.say(*read(TEXT))
        utterance.end()
        stepper.admit(utterance)
    while stepper.turn():
        if first_s is None and utterances[0].made_s:
            first_s = time.perf_counter() - started
    print(
        f"first sound after {(first_s or 0) * 1000:.0f} ms, {sum(u.made_s for u in utterances):.1f} s of audio in all"
    )
    for what, taken in runner.steps_s.items():
        print(f"{what}: {statistics.median(taken) * 1000:.1f} ms (median of {len(taken)})")
    pace = FRAME_S / statistics.median(runner.steps_s["full step"])
    print(f"{pace:.2f} seconds of audio a second for each listener")


def memory_gb(device: torch.device) -> float:
    """In use on the GPU, by all processes; on a CPU the resident memory of this process."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return (total - free) / GB
    return float(psutil.Process().memory_info().rss) / GB


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"


if __name__ == "__main__":
    main()
