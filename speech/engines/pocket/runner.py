"""Pocket TTS as a batch: one flow language model and one codec that step all rows together, on the CPU.

A row's voice, temperature and seed are its own; with temperature 0 and in float32 it sounds as pocket-tts's
generate_audio_stream for its text alone. The codec works on its own thread, one frame behind the model, which decodes
some rows itself where it is done sooner. Knows no queue, no HTTP, and no file but through `voice`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from speech.engines.batch.runner import Frame, ModelRunner, Row
from speech.engines.batch.scheduler import Step
from speech.engines.pocket.balance import Balance
from speech.engines.pocket.codec import CodecBatch
from speech.engines.pocket.flow import FlowBatch, Memory
from speech.engines.pocket.library import compute_with
from speech.engines.pocket.noise import noise
from speech.engines.pocket.script import LONGEST_PAUSE_S, Script, Sound, Take
from speech.engines.pocket.text import Cutter, Passage
from speech.request import FRAME_S, Samples, SpeechRequest

PREFILL_TOKENS = 8  # of the next passage that a step reads beside the frames of this one
VoiceState = Callable[[str | None], Tensor]  # a voice's id, None for the default -> see FlowBatch.remember; cached
Draw = Callable[[int, int, int, float, float | None], Samples]  # see noise.noise
Heard = dict[int, Samples]  # row -> one frame
END = Frame(np.zeros(0, np.float32), last=True)  # the end of the text came after the last sound


@dataclass(frozen=True, eq=False)
class Speaker:
    """How one row is to speak."""

    voice: Tensor  # (layers, 2, key heads, positions, head dim)
    temperature: float
    seed: int  # 64 bits


class PocketRunner(ModelRunner):
    def __init__(self, tts: Any, voice: VoiceState, slots: int, threads: int = 1, draw: Draw = noise) -> None:
        """Takes hold of pocket-tts's TTSModel for good. To be made on the thread that steps it.

        threads: of the model and again of the codec. Requests that name no temperature get the model's own.
        Raises NotSupported for a model of another kind.
        """
        self.slots, self.sample_rate = slots, int(tts.sample_rate)
        self._voice, self._draw = voice, draw
        self._temperature = float(tts.temp)
        self._clamp: float | None = tts.noise_clamp
        self._flow, self._codec, self._cutter = FlowBatch(tts), CodecBatch(tts, slots), Cutter(tts)
        self._rows: dict[int, Script] = {}
        compute_with(threads)
        self._decoding = ThreadPoolExecutor(1, "codec", initializer=compute_with, initargs=(threads,))
        self._balance = Balance()

    # -- seating --------------------------------------------------------------------------------------------------

    def prepare(self, request: SpeechRequest) -> Speaker:
        return Speaker(
            self._voice(request.voice),
            self._temperature if request.temperature is None else request.temperature,
            random.getrandbits(64) if request.seed is None else request.seed & 0xFFFF_FFFF_FFFF_FFFF,
        )

    def reset(self, joins: Mapping[int, Speaker]) -> Mapping[int, Row]:
        for slot, speaker in joins.items():
            self._rows[slot] = Script(self._cutter, speaker.voice, speaker.temperature, speaker.seed)
        return {slot: self._rows[slot] for slot in joins}

    # -- stepping -------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def step(self, step: Step) -> Mapping[int, Frame]:
        """The codec decodes what the model made in the step before, beside the model.

        What a row says first is decoded in the same step, so that its listener hears it a step earlier.
        """
        rows = {slot: self._rows[slot] for slot in step.rows}
        sounds = {slot: row.sounds.popleft() for slot, row in rows.items() if row.sounds}
        heard = self._decode_beside(sounds, lambda: self._make(rows))
        first = {slot: row.sounds.popleft() for slot, row in rows.items() if row.silent and row.sounds}
        heard |= self._decode(first)
        sounds |= first
        frames = {slot: _frame(rows[slot], sound, heard[slot]) for slot, sound in sounds.items()}
        return frames | {slot: END for slot, row in rows.items() if row.over and slot not in frames}

    # -- the model ------------------------------------------------------------------------------------------------

    def _make(self, rows: Mapping[int, Script]) -> None:
        """One latent for each row that can take one; the text of what comes next is read beside it."""
        for row in rows.values():
            self._begin(row)
        makers = [row for row in rows.values() if row.take and row.can_make]
        takes = [row.take for row in makers if row.take]
        texts = [(take, take.rest(len(take.passage.tokens))) for take in takes]
        texts += [(row.upcoming, row.upcoming.rest(PREFILL_TOKENS)) for row in rows.values() if row.upcoming]
        given = [(take, tokens) for take, tokens in texts if tokens]
        if not takes and not given:
            return
        latents, ends = self._flow.step(
            [(take.memory, torch.tensor(tokens)) for take, tokens in given],
            [take.memory for take in takes],
            self._last_latents(takes),
            self._noise(makers),
        )
        for take, tokens in given:
            take.given += len(tokens)
        for row, latent, wants_to_end in zip(makers, latents, ends.tolist(), strict=True):
            _hand_on(row, latent, wants_to_end)

    def _begin(self, row: Script) -> None:
        """See to it that the row has a take to go on with, and one that comes next, as far as its text is known."""
        if row.take is None:
            row.take, row.upcoming = row.upcoming, None
        while row.upcoming is None and (item := row.next_item()) is not None:
            if isinstance(item, Passage):
                take = Take(item, self._remember(row, item))
                row.tokens += len(item.tokens)
                row.take, row.upcoming = (take, None) if row.take is None else (row.take, take)
            elif row.take is None:
                row.sounds.extend([Sound()] * round(min(item.seconds, LONGEST_PAUSE_S) / FRAME_S))
            else:
                return  # the pause comes when the take is over
            row.took()

    def _remember(self, row: Script, passage: Passage) -> Memory:
        return self._flow.remember(row.voice, len(passage.tokens) + passage.most_frames)

    def _last_latents(self, takes: Sequence[Take]) -> Tensor:
        blank = torch.full((self._flow.latent_dim,), torch.nan)
        latents = [blank if take.latent is None else take.latent for take in takes]
        return torch.stack(latents) if latents else blank[None, :][:0]

    def _noise(self, rows: Sequence[Script]) -> Tensor:
        size = self._flow.latent_dim
        drawn = [self._draw(row.seed, row.frames, size, row.temperature, self._clamp) for row in rows]
        return torch.from_numpy(np.stack(drawn) if drawn else np.zeros((0, size), np.float32))

    # -- the codec ------------------------------------------------------------------------------------------------

    def _decode_beside(self, sounds: Mapping[int, Sound], make: Callable[[], None]) -> Heard:
        """Decode on the codec's thread, and make meanwhile; what this thread then has time for, it decodes itself."""
        slots = sorted(sounds)
        beside = slots[: len(slots) - self._balance.share(len(slots))]
        decoding = self._decoding.submit(self._timed_decode, {slot: sounds[slot] for slot in beside})
        try:
            make()
            here = self._decode({slot: sounds[slot] for slot in slots[len(beside) :]})
        finally:
            ended_at = time.perf_counter()
            there, began_at, there_ended_at = decoding.result()
        self._balance.tell(there_ended_at - ended_at, there_ended_at - began_at, len(beside))
        return here | there

    def _timed_decode(self, sounds: Mapping[int, Sound]) -> tuple[Heard, float, float]:
        """And when it began and ended."""
        began_at = time.perf_counter()
        return self._decode(sounds), began_at, time.perf_counter()

    @torch.inference_mode()
    def _decode(self, sounds: Mapping[int, Sound]) -> Heard:
        silence = np.zeros(self._codec.frame_size, np.float32)
        heard: Heard = {slot: silence for slot, sound in sounds.items() if sound.latent is None}
        latents = {slot: sound.latent for slot, sound in sounds.items() if sound.latent is not None}
        if latents:
            slots = sorted(latents)
            fresh = [slot for slot in slots if sounds[slot].fresh]
            pcm = self._codec.decode(slots, torch.stack([latents[slot] for slot in slots]), fresh)
            heard |= dict(zip(slots, pcm.clamp(-1.0, 1.0).numpy(), strict=True))
        return heard

    # -- release --------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """On a CPU there is nothing to give back."""

    def close(self) -> None:
        self._decoding.shutdown()
        self.__dict__.clear()


def _frame(row: Script, sound: Sound, samples: Samples) -> Frame:
    row.silent = False
    return Frame(samples, row.heard(sound, samples), last=row.over)


def _hand_on(row: Script, latent: Tensor, wants_to_end: bool) -> None:
    """A latent was made for the row's take."""
    take = row.take
    if take is None:
        return
    fresh = take.frames == 0
    spoken, last = take.advance(wants_to_end)
    row.frames += 1
    take.latent = latent
    if spoken:
        row.sounds.append(Sound(latent, take, fresh))
    if last:
        row.take = None
