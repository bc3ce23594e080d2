"""The real shapes once: load 1.8 G parameters in bfloat16 on the CPU, speak a sentence, say what it took.

    python -m benchmarks.full_size some/folder

Random weights in the format of kyutai/tts-1.6b-en_fr, written into the folder (4.1 GB) unless they are there already.
The sound is noise; time and memory are those of the shapes. Needs about 8 GB of memory.
"""

from __future__ import annotations

import os

os.environ.setdefault("NO_TORCH_COMPILE", "1")

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
from speech.engines.kyutai import LoadPlan, free_memory, load
from speech.engines.runner import Frame, ModelRunner, Row
from speech.engines.scheduler import Step
from speech.engines.stepper import Stepper
from speech.request import SpeechRequest
from tests.checkpoint import SUFFIX, VOICES, checkpoint_info, write_checkpoint

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

    def recover(self) -> None:
        self.runner.recover()

    def close(self) -> None:
        self.runner.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slots", type=int, default=1, help="how many say the text at once")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not (options.folder / "config.json").is_file():
        write_checkpoint("full", options.folder)
    speak_once(options.folder, options.slots)


def speak_once(folder: Path, slots: int) -> None:
    embedding = load_file(folder / "voices" / f"{VOICES[0]}{SUFFIX}")["speaker_wavs"]
    plan = LoadPlan(checkpoint_info(folder), lambda voice: embedding, torch.device("cpu"), slots, dtype=torch.bfloat16)
    before, started = memory_gb(), time.perf_counter()
    runner = Timed(load(plan))
    print(f"loaded and warmed up in {time.perf_counter() - started:.1f} s, {runner.slots} slots")
    print(f"memory: {before:.2f} GB before, {memory_gb():.2f} GB after", flush=True)
    print(f"expected: weights {plan.footprint.weights / GB:.2f} GB, each slot {plan.footprint.slot / GB:.3f} GB")
    stepper, utterances = Stepper(runner, max_queue=0), [Utterance(SpeechRequest(), buffer_s=60) for _ in range(slots)]
    for utterance in utterances:
        utterance.say(*TEXT.split())
        utterance.end()
        stepper.admit(utterance)
    while stepper.turn():
        pass
    seconds = [sum(chunk.seconds for chunk in utterance.chunks()) for utterance in utterances]
    print(f"spoke {', '.join(f'{s:.2f}' for s in seconds)} s of audio")
    for what, taken in runner.steps_s.items():
        print(f"{what}: {statistics.median(taken) * 1000:.0f} ms (median of {len(taken)})")
    runner.close()
    del runner, stepper
    free_memory()
    print(f"memory after the release: {memory_gb():.2f} GB")


def memory_gb() -> float:
    """Resident memory of this process."""
    return float(psutil.Process().memory_info().rss) / GB


if __name__ == "__main__":
    main()
