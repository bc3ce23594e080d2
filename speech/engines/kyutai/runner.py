"""Kyutai TTS on moshi: one language model and one codec that step all slots together.

A row's voice, cfg_coef, temperature, top_k and seed are its own; greedy and in float32 its codes are those that
TTSModel.generate gives for its text alone. On CUDA the device runs ahead: while it computes the codes of a step, the
host already reads what the model wished for, and hands out the sound of the step before.
Knows no queue, no thread, no HTTP.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from speech.engines.batch.runner import Frame, ModelRunner, Row
from speech.engines.batch.scheduler import Step, StepKind
from speech.engines.kyutai.conditions import Conditions
from speech.engines.kyutai.control import Control
from speech.engines.kyutai.failures import out_of_memory
from speech.engines.kyutai.graphs import Action, Launcher, launcher
from speech.engines.kyutai.model import JOINS, StepModel
from speech.engines.kyutai.places import Places
from speech.engines.kyutai.sampling import TOP_K
from speech.engines.kyutai.script import Script, ScriptRules
from speech.errors import EngineFailed, ErrorCode, NotSupported
from speech.request import Samples, SpeechRequest

Embedding = Callable[[str | None], Samples]  # a voice's id, None for the default -> (1, 512, 125), read only, cached
NO_SAMPLES: Samples = np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False)
class Speaker:
    """How one row is to speak."""

    embedding: Samples  # (1, width, frames)
    cfg_coef: float
    temperature: float
    top_k: int
    seed: int  # 32 bits


@dataclass(eq=False)
class Flight:
    """A step that the device was given: whose, and what waits for its results."""

    rows: dict[int, tuple[Script, int]]  # by slot: its script, and the row of the model that it had
    sounding: tuple[int, ...]
    wished: Action
    sounded: Action


class KyutaiRunner(ModelRunner):
    @torch.inference_mode()
    def __init__(
        self,
        tts: Any,
        embedding: Embedding,
        slots: int,
        temperature: float = 0.6,
        cfg_coef: float = 2.0,
        launch: Launcher | None = None,
    ) -> None:
        """Takes hold of moshi's TTSModel for good and warms it up.

        temperature, cfg_coef: of requests that name none. launch: how the parts of a step are run, by default as fits
        the device.
        Raises NotSupported for a model of another kind, OutOfMemory.
        """
        _check_kind(tts)
        self.sample_rate = int(tts.mimi.sample_rate)
        self._embedding, self._temperature, self._cfg_coef = embedding, temperature, cfg_coef
        self._tts, self._device = tts, tts.lm.device
        self._launcher = launch or launcher(self._device)
        self._rows: dict[int, Script] = {}
        self._asked: Flight | None = None  # its wishes were not read yet
        self._unheard: tuple[Flight, dict[int, Frame]] | None = None  # its sound was not: frames without samples
        self._conditions = Conditions(tts)
        self._model = StepModel(tts)
        self._rules = ScriptRules(
            tts.tokenizer, tts.machine, tts.mimi.frame_rate, tts.delay_steps, self._model.max_delay, tts.final_padding
        )
        self._open(slots)

    # -- seating --------------------------------------------------------------------------------------------------

    def prepare(self, request: SpeechRequest) -> Speaker:
        cfg_coef = self._cfg_coef if request.cfg_coef is None else request.cfg_coef
        embedding = self._embedding(request.voice) if request.embedding is None else request.embedding
        self._conditions.check(embedding, cfg_coef)
        seed = random.getrandbits(32) if request.seed is None else request.seed
        return Speaker(
            embedding,
            cfg_coef,
            temperature=self._temperature if request.temperature is None else request.temperature,
            top_k=min(request.top_k or TOP_K, TOP_K),
            seed=(seed ^ seed >> 32) & 0xFFFFFFFF,
        )

    @torch.inference_mode()
    def reset(self, joins: Mapping[int, Speaker]) -> Mapping[int, Row]:
        self.settle()
        self._forget(joins)
        with out_of_memory():
            self._seat(list(joins.items()))
        for slot, speaker in joins.items():
            self._rows[slot], place = Script(self._rules), self._places[slot]
            self._columns[Control.SEED, place] = speaker.seed
            self._columns[Control.TOP_K, place] = speaker.top_k
            self._columns[Control.TEMPERATURE].view(np.float64)[place] = speaker.temperature
        return {slot: self._rows[slot] for slot in joins}

    def _seat(self, joins: list[tuple[int, Speaker]]) -> None:
        """As many at once as there is a part for."""
        while joins:
            size = next(size for name, size in self._parts if name == "seat" and size <= len(joins))
            seated, joins = joins[:size], joins[size:]
            rows = self._index(self._places[slot] for slot, _ in seated)
            voices = torch.cat([self._conditions.voice(speaker.embedding) for _, speaker in seated])
            sums = torch.cat([self._conditions.sum(speaker.cfg_coef) for _, speaker in seated])
            self._launcher.do(partial(self._model.invite, rows, voices, sums))
            self._run("seat", size)

    def _forget(self, slots: Iterable[int]) -> None:
        """Drop what the slots' last users have not heard yet."""
        if self._unheard is not None:
            flight, frames = self._unheard
            self._unheard = flight, {slot: frame for slot, frame in frames.items() if slot not in slots}

    def _index(self, rows: Iterable[int]) -> torch.Tensor:
        """As a tensor on the device, without waiting for it."""
        return torch.cat([self._numbers[row : row + 1] for row in rows])

    # -- stepping -------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def step(self, step: Step) -> Mapping[int, Frame]:
        self.settle()
        with out_of_memory():
            self._tidy(step)
            rows, sounding = self._places.rows(step.rows), self._ask(step)
            self._run("text", rows)
            wished = self._launcher.mark()
            frames = self._take()  # before the next sound is computed into the same memory
            self._run("silence" if step.kind is StepKind.TEXT_ONLY else "codes", rows)
            if sounding:
                self._run("sound", rows)
            taking_part = {slot: (self._rows[slot], self._places[slot]) for slot in step.rows}
            self._asked = Flight(taking_part, sounding, wished, self._launcher.mark() if sounding else wished)
        return frames if self._launcher.ahead else self.flush()

    def settle(self) -> None:
        flight, self._asked = self._asked, None
        if flight is None:
            return
        flight.wished()
        wishes = self._host_wishes.tolist()
        for script, place in flight.rows.values():
            script.advance(wishes[place])
        if flight.sounding:
            scripts = {slot: flight.rows[slot][0] for slot in flight.sounding}
            frames = {slot: Frame(NO_SAMPLES, row.take_words(), row.over) for slot, row in scripts.items()}
            self._unheard = flight, frames

    def flush(self) -> Mapping[int, Frame]:
        self.settle()
        return self._take()

    def _take(self) -> dict[int, Frame]:
        """The frames of the last step that sounded."""
        if self._unheard is None:
            return {}
        (flight, frames), self._unheard = self._unheard, None
        flight.sounded()
        pcm = self._host_pcm.numpy()
        return {
            slot: replace(frame, samples=pcm[flight.rows[slot][1]].clip(-1.0, 1.0)) for slot, frame in frames.items()
        }

    def _tidy(self, step: Step) -> None:
        """Let as few rows be stepped as there are, if that pays."""
        move = self._places.tidy(step.kind, step.rows)
        if move is None:
            return
        self._launcher.do(partial(self._model.swap, self._index(move.low), self._index(move.high)))
        both, other = move.low + move.high, move.high + move.low
        self._columns[:, both] = self._columns[:, other]

    def _ask(self, step: Step) -> tuple[int, ...]:
        """What goes to the device: who moves, and both answers to what the model is about to wish for. Who sounds."""
        self._columns[: Control.SEED] = 0
        sounding = []
        for slot in step.rows:
            row = self._rows[slot]
            if row.sounds:
                sounding.append(slot)
            self._columns[: Control.SEED, self._places[slot]] = (1, row.sounds, *row.answers(), row.step_index)
        return tuple(sounding)

    def _run(self, part: str, rows: int) -> None:
        self._launcher.do(self._parts[part, rows])

    # -- loading and release --------------------------------------------------------------------------------------

    def _open(self, slots: int) -> None:
        """So many rows: what they remember, the host's side of what goes in and out, and all parts of a step."""
        model, pinned = self._model, self._device.type == "cuda"
        model.open(slots, whole_past=self._launcher.ahead)
        self.slots, self._places = slots, Places(slots)
        self._host_control = torch.zeros(model.control.shape, dtype=torch.int64, pin_memory=pinned)
        self._columns = self._host_control.numpy()  # the same memory
        self._host_wishes = torch.zeros(slots, dtype=torch.bool, pin_memory=pinned)
        self._host_pcm = torch.zeros(model.pcm.shape, pin_memory=pinned)
        self._numbers = torch.arange(slots, device=self._device)
        self._parts: dict[tuple[str, int], Action] = {}
        self._launcher.begin()
        for rows in reversed(self._places.tiers):
            for name, action in self._actions().items():
                self._parts[name, rows] = self._launcher.part(partial(action, rows))
        for joins in [size for size in JOINS if size <= slots]:
            self._parts["seat", joins] = self._launcher.part(partial(model.seat, joins))
        self._warm_up()

    @torch.inference_mode()
    def reopen(self, slots: int) -> None:
        """Begin anew with so many rows. No slot may be taken."""
        self._launcher.mark()()
        self._parts.clear()
        self._model.close()
        self._open(slots)

    def _warm_up(self) -> None:
        """Join, step and move once, so that the first listener pays for nothing.

        Raises EngineFailed if what comes out is no sound.
        """
        self._columns[: Control.IF_PAD] = 1
        self._columns[Control.TOP_K] = TOP_K
        self._seat_silence()
        self._launcher.do(partial(self._model.swap, self._numbers[:1], self._numbers[-1:]))
        self._full_step(self.slots)
        sizes = self._places.tiers if self._launcher.ahead else [self.slots]
        self.step_s = {rows: self._full_step(rows) for rows in sizes}  # what a full step takes, by rows
        if not self._host_pcm.isfinite().all():
            raise EngineFailed(
                "The model makes numbers that are no sound: its weights are damaged.", code=ErrorCode.NO_SOUND
            )
        self._seat_silence()

    def _seat_silence(self) -> None:
        """In every row, so that nothing of a warm-up remains."""
        silence = self._conditions.silence
        silent = Speaker(silence, self._conditions.cfg_coefs[0], temperature=0.0, top_k=TOP_K, seed=0)
        self._seat([(slot, silent) for slot in range(self.slots)])

    def _full_step(self, rows: int) -> float:
        """One step of the first rows; the seconds that it takes."""
        started = time.perf_counter()
        for part in ("text", "codes", "sound"):
            self._run(part, rows)
        self._launcher.mark()()
        return time.perf_counter() - started

    def _actions(self) -> dict[str, Callable[[int], None]]:
        return {"text": self._text, "silence": self._model.silence, "codes": self._model.codes, "sound": self._sound}

    def _text(self, rows: int) -> None:
        self._model.control.copy_(self._host_control, non_blocking=True)
        self._model.text(rows)
        self._host_wishes[:rows].copy_(self._model.wishes[:rows], non_blocking=True)

    def _sound(self, rows: int) -> None:
        self._model.sound(rows)
        self._host_pcm[:rows].copy_(self._model.pcm[:rows], non_blocking=True)

    def recover(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def memory_bytes(self) -> int | None:
        return torch.cuda.memory_reserved(self._device) if self._device.type == "cuda" else None

    def close(self) -> None:
        """Drop states and graphs, on the thread that made them; `free_memory` gives back what then is garbage."""
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        self._model.close()
        device = self._device
        self.__dict__.clear()
        self._device = device


def _check_kind(tts: Any) -> None:
    """Raises NotSupported unless this is a model as Kyutai TTS 1.6B is: voices by embedding, distilled cfg."""
    if not (tts.multi_speaker and tts.valid_cfg_conditionings) or tts.multistream:
        raise NotSupported("This checkpoint does not take its voices from embeddings; it is another kind of model.")
