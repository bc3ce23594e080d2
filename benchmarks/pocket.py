"""Pocket TTS: our batch against pocket-tts's own generate_audio_stream, one after another.

    python -m benchmarks.pocket --model english_2026-10 --listeners 4 --int8
    python -m benchmarks.pocket --model english_7m_2026-10 --listeners 16

Random weights of the real shapes, whose end never comes: a text of 9 tokens lasts 5 s by pocket-tts's own rule. Both
take turns, so that other load on the machine hits both; pocket-tts has its default threads (1, and 1 for its
codec). Told are seconds of audio for each second, the wait for the first sound of one listener on an idle engine, and
the CPU time for each second of audio, which other processes disturb least.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from speech.engines.batch.stepper import Stepper
from speech.engines.pocket.library import compute_with, quantize
from speech.engines.pocket.loading import usable_cores
from speech.engines.pocket.runner import PocketRunner
from speech.request import SpeechRequest
from tests.speech.engines.pocket.checkpoint import write_checkpoint
from tests.speech.engines.pocket.conftest import voice_states
from tests.speech.engines.pocket.helpers import load_model, utter

RATE, TOKENS = 24_000, 9
WORDS = ["the", "boats", "came", "home", "before", "the", "storm", "one", "after", "another"]


@dataclass(frozen=True)
class Measured:
    pace: float  # seconds of audio a second
    first_s: float
    cpu: float  # seconds of CPU time for a second of audio


def main() -> None:
    options = parse()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(options.model, Path(folder), endless=True)
        plain, ours = load_model(checkpoint), load_model(checkpoint)
        voice = plain.get_state_for_audio_prompt(checkpoint / "voices" / "v0.safetensors")
        if options.int8:
            quantize(plain.flow_lm)
            quantize(ours.flow_lm)
        text = five_seconds(plain)
        compute_with(options.threads)
        runner = PocketRunner(ours, voice_states(checkpoint, ours), options.listeners, options.threads)
        try:
            print(f"{options.model}, {'int8' if options.int8 else 'float32'}, {usable_cores()} cores")
            rounds = []
            for _ in range(options.rounds):
                compute_with(1)
                plain_one = alone(plain, voice, text)
                compute_with(options.threads)
                rounds.append((plain_one, together(runner, text, 1), together(runner, text, options.listeners)))
            tell(options.listeners, rounds)
        finally:
            runner.close()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="english_2026-10", help="a released model, or tiny")
    parser.add_argument("--listeners", type=int, default=4)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--threads", type=int, default=1, help="of our model, and again of our codec")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def five_seconds(model: Any) -> str:
    """A text of TOKENS tokens, the full stop among them."""
    tokenizer = model.flow_lm.conditioner.tokenizer
    texts = (" ".join(WORDS[:count]).capitalize() + "." for count in range(1, len(WORDS)))
    return next(text for text in texts if len(tokenizer(text)[0]) >= TOKENS)


def alone(model: Any, voice: Any, text: str) -> Measured:
    samples, first_s = 0, None
    started, cpu = time.perf_counter(), time.process_time()
    for chunk in model.generate_audio_stream(voice, text):
        first_s = first_s or time.perf_counter() - started
        samples += len(chunk)
    return measured(samples, started, cpu, first_s)


def together(runner: PocketRunner, text: str, listeners: int) -> Measured:
    stepper = Stepper(runner, listeners)
    utterances = [utter(SpeechRequest(text=text, seed=number)) for number in range(listeners)]
    first_s = None
    started, cpu = time.perf_counter(), time.process_time()
    for utterance in utterances:
        stepper.admit(utterance)
    while not all(utterance.over for utterance in utterances):
        stepper.turn()
        first_s = first_s or (time.perf_counter() - started if utterances[0].heard else None)
    return measured(sum(len(utterance.pcm) for utterance in utterances), started, cpu, first_s)


def measured(samples: int, started: float, cpu: float, first_s: float | None) -> Measured:
    seconds = samples / RATE
    taken_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    return Measured(seconds / taken_s, first_s or taken_s, cpu_s / seconds)


def tell(listeners: int, rounds: list[tuple[Measured, Measured, Measured]]) -> None:
    names = ["pocket-tts, one after another", "ours, 1 listener", f"ours, {listeners} listeners"]
    print("| | audio a second, median (best) | first sound, ms, median (best) | CPU s a second of audio, best |")
    print("|---|---|---|---|")
    for name, column in zip(names, zip(*rounds, strict=True), strict=True):
        paces, firsts = [one.pace for one in column], [1000 * one.first_s for one in column]
        pace = f"{statistics.median(paces):.2f} ({max(paces):.2f})"
        first = f"{statistics.median(firsts):.0f} ({min(firsts):.0f})"
        print(f"| {name} | {pace} | {first} | {min(one.cpu for one in column):.3f} |")
    ratios = [all_of_them.pace / plain.pace for plain, _, all_of_them in rounds]
    print(f"ratio of the paces: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
