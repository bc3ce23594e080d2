"""Pocket TTS: our batch against pocket-tts's own generate_audio_stream, one after another.

    python -m benchmarks pocket                the model of 100 M parameters in int8 for 4, that of 7 M for 16
    python -m benchmarks pocket --model english_18m_2026-10 --listeners 8 --rounds 5

Random weights of the real shapes, whose end never comes: a text of 9 tokens lasts 5 s by pocket-tts's own rule. Both
take turns in each round, so that other load on the machine hits both; pocket-tts has its default threads (1, and 1 for
its codec). Told are seconds of audio for each second, the wait for the first sound of one listener on an idle engine,
and the CPU time for each second of audio, which other processes disturb least; then the ratios within each round.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import options, tell
from speech.engines.batch.stepper import Stepper
from speech.engines.pocket.library import compute_with, quantize
from speech.engines.pocket.runner import PocketRunner
from speech.request import SpeechRequest
from tests.speech.engines.pocket.checkpoint import write_checkpoint
from tests.speech.engines.pocket.conftest import voice_states
from tests.speech.engines.pocket.helpers import load_model, utter

RATE, TOKENS = 24_000, 9
WORDS = ["the", "boats", "came", "home", "before", "the", "storm", "one", "after", "another"]


@dataclass(frozen=True)
class Scenario:
    """int8: both are quantised, as pocket-tts itself does it."""

    model: str
    listeners: int
    int8: bool

    def __str__(self) -> str:
        return f"{self.model}, {'int8' if self.int8 else 'float32'}, {self.listeners} listeners"


USUAL = (Scenario("english_2026-10", 4, int8=True), Scenario("english_7m_2026-10", 16, int8=False))


@dataclass(frozen=True)
class Measured:
    pace: float  # seconds of audio a second
    first_s: float
    cpu: float  # seconds of CPU time for a second of audio


@dataclass(frozen=True)
class Round:
    alone: Measured
    one: Measured
    together: Measured


def main() -> None:
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    asked = parse()
    rounds = 1 if asked.quick else asked.rounds
    for scenario in chosen(asked):
        found = list(take_turns(scenario, asked.threads, rounds))
        tell(f"Pocket TTS, {scenario}", rows(scenario, found), asked.json)
        tell(f"Pocket TTS, {scenario}, ratios", ratios(found), asked.json)


def parse() -> Namespace:
    return options(
        __doc__,
        ("--model", {"help": "a released model, or tiny; unset: those of the two usual scenarios"}),
        ("--listeners", {"type": int, "default": 4}),
        ("--int8", {"action": "store_true"}),
        ("--threads", {"type": int, "default": 1, "help": "of our model, and again of our codec"}),
        ("--rounds", {"type": int, "default": 3}),
    )


def chosen(asked: Namespace) -> Sequence[Scenario]:
    if asked.model:
        return [Scenario(asked.model, asked.listeners, asked.int8)]
    return [Scenario("tiny", 4, int8=False)] if asked.quick else USUAL


def take_turns(scenario: Scenario, threads: int, rounds: int) -> Iterator[Round]:
    with engines(scenario, threads) as (plain, voice, runner):
        text = five_seconds(plain)
        for _ in range(rounds):
            torch.set_num_threads(1)  # of this thread and of those that begin now: pocket-tts's codec
            plain_alone = alone(plain, voice, text)
            compute_with(threads)
            yield Round(plain_alone, together(runner, text, 1), together(runner, text, scenario.listeners))


@contextmanager
def engines(scenario: Scenario, threads: int) -> Iterator[tuple[Any, Any, PocketRunner]]:
    """pocket-tts's model, the state of a voice, and our runner over a model of its own."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(scenario.model, Path(folder), endless=True)
        plain, ours = load_model(checkpoint), load_model(checkpoint)
        voice = plain.get_state_for_audio_prompt(checkpoint / "voices" / "v0.safetensors")
        if scenario.int8:
            quantize(plain.flow_lm)
            quantize(ours.flow_lm)
        runner = PocketRunner(ours, voice_states(checkpoint, ours), scenario.listeners, threads)
        try:
            yield plain, voice, runner
        finally:
            runner.close()


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


def rows(scenario: Scenario, found: Sequence[Round]) -> list[dict[str, Any]]:
    """One for each way to speak; the median and the best of all rounds."""
    ways = {
        "pocket-tts, one after another": [turn.alone for turn in found],
        "ours, 1 listener": [turn.one for turn in found],
        f"ours, {scenario.listeners} listeners": [turn.together for turn in found],
    }
    return [{"": name, **figures(column)} for name, column in ways.items()]


def figures(column: Sequence[Measured]) -> dict[str, float]:
    paces, firsts = [one.pace for one in column], [1000 * one.first_s for one in column]
    return {
        "audio s/s": statistics.median(paces),
        "best audio s/s": max(paces),
        "first sound ms": statistics.median(firsts),
        "best first sound ms": min(firsts),
        "best CPU s/audio s": min(one.cpu for one in column),
    }


def ratios(found: Sequence[Round]) -> list[dict[str, Any]]:
    """Ours to pocket-tts's own, within each round."""
    paces = [turn.together.pace / turn.alone.pace for turn in found]
    firsts = [turn.one.first_s / turn.alone.first_s for turn in found]
    return [
        {"ratio": name, "median": statistics.median(column), "least": min(column), "most": max(column)}
        for name, column in (("all together: pace", paces), ("one listener: first sound", firsts))
    ]


if __name__ == "__main__":
    main()
