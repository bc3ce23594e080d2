"""Driving a Stepper turn by turn, without a thread, and what pocket-tts itself says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from speech.engines.base import Utterance
from speech.engines.batch.stepper import Stepper, fade
from speech.engines.pocket.library import TTSModel
from speech.request import AudioChunk, Piece, Samples, SpeechRequest
from tests.speech.engines.pocket.checkpoint import CONFIG, VOICES
from tests.tokens import tokens

FRAME = 1920


@dataclass(frozen=True)
class Case:
    """A text and its voice."""

    text: str
    voice: str = VOICES[0]

    @property
    def request(self) -> SpeechRequest:
        return SpeechRequest(text=self.text, voice=self.voice)


CASES = (
    Case("Every morning she counts the gulls on the wall; seven is a good number.", VOICES[1]),
    Case("Rain.", VOICES[2]),
    Case("questions? Ask them now", VOICES[0]),
    Case(
        "The boats came home before the storm, one after another, and the harbour lights were lit early. He wrote the "
        "letter twice, once for the post and once for himself, and sent the second one. A small engine hums below.",
        VOICES[0],
    ),
    Case("Trains leave at ten past the hour. Please stand behind the yellow line, thank you.", VOICES[2]),
)


class Heard(Utterance):
    """An utterance that keeps all it was given, cancelled or not."""

    def __init__(self, request: SpeechRequest, *, buffer_s: float = 1e6) -> None:
        super().__init__(request, buffer_s=buffer_s)
        self.heard: list[AudioChunk] = []

    def emit(self, chunk: AudioChunk) -> None:
        if not self.over:
            self.heard.append(chunk)
        super().emit(chunk)

    @property
    def pcm(self) -> Samples:
        return np.concatenate([chunk.samples for chunk in self.heard] or [np.zeros(0, np.float32)])


def utter(request: SpeechRequest, said: Sequence[Piece] | None = None) -> Heard:
    """An utterance whose whole text is there."""
    utterance = Heard(request)
    utterance.say(*(tokens(request.text) if said is None else said))
    utterance.end()
    return utterance


@dataclass
class Job:
    """A case that comes at some turn, rests while its reader lags behind, and perhaps leaves early."""

    case: Case
    arrives: int = 0
    leaves: int | None = None  # so many turns after it came
    rests: tuple[int, int] = (0, 0)  # for so many turns after so many its reader takes nothing
    utterance: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.utterance = utter(self.case.request)

    def act(self, turn: int, stepper: Stepper) -> None:
        """Whatever the caller does at this turn."""
        since, (after, turns) = turn - self.arrives, self.rests
        if since == 0:
            stepper.admit(self.utterance)
        self.utterance.buffer_s = -1.0 if after <= since < after + turns else 1e6
        if since == self.leaves:
            self.utterance.cancel()


def play(stepper: Stepper, jobs: Sequence[Job], each_turn: Callable[[int], None] = lambda turn: None) -> None:
    """Turn until every job is over."""
    turn = 0
    while not all(job.utterance.over for job in jobs):
        for job in jobs:
            job.act(turn, stepper)
        stepper.turn()
        each_turn(turn)
        turn += 1
        assert turn < 20_000, "it does not end"
    stepper.turn()  # an utterance that left at the last turn gives the slot back


def listen(stepper: Stepper, utterance: Heard) -> Samples:
    """Admit it and turn until it is over; what was heard."""
    stepper.admit(utterance)
    turns = 0
    while not utterance.over:
        stepper.turn()
        turns += 1
        assert turns < 20_000, "it does not end"
    stepper.turn()
    return utterance.pcm


def load_model(folder: Path, **options: Any) -> Any:
    """pocket-tts's own model of a folder, with temperature 0."""
    config = yaml.safe_load((folder / CONFIG).read_text())
    config["weights_path"] = str(folder / config["weights_path"])
    table = config["flow_lm"]["lookup_table"]
    table["tokenizer_path"] = str(folder / table["tokenizer_path"])
    absolute = folder / "absolute.yaml"
    absolute.write_text(yaml.safe_dump(config))
    return TTSModel.load_model(config=str(absolute), temp=0.0, **options)


def expected(pcm: Samples) -> Samples:
    """The reference with the engine's fades at both ends."""
    return fade(pcm, 24_000, start=True, stop=True)


class Reference:
    """generate_audio_stream, one text at a time."""

    def __init__(self, folder: Path) -> None:
        self._model, self._voices = load_model(folder), folder / "voices"
        self._known: dict[Case, Samples] = {}

    def __call__(self, case: Case) -> Samples:
        """What pocket-tts says, (samples,)."""
        if case not in self._known:
            voice = self._model.get_state_for_audio_prompt(self._voices / f"{case.voice}.safetensors")
            pcm = torch.cat(list(self._model.generate_audio_stream(voice, case.text)))
            self._known[case] = pcm.clamp(-1, 1).numpy()
        return self._known[case]
