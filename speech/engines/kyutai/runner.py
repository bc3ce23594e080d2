"""Kyutai TTS on moshi: one language model and one codec that step all slots together.

A row's voice, cfg_coef, temperature, top_k and seed are its own; greedy and in float32 its codes are those that
TTSModel.generate gives for its text alone. Reaches into moshi's streaming state where moshi's own server does.
Knows no queue, no thread, no HTTP.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from moshi.modules.transformer import RMSNorm
from moshi.utils.compile import CUDAGraphed

from speech.engines.batch.runner import Frame, ModelRunner, OutOfMemory, Row
from speech.engines.batch.scheduler import Step, StepKind
from speech.engines.kyutai.backbone import StepTransformer
from speech.engines.kyutai.conditions import Conditions
from speech.engines.kyutai.lean import TOP_K, Control, LeanLMGen
from speech.engines.kyutai.script import Script, ScriptRules
from speech.errors import NotSupported
from speech.request import Samples, SpeechRequest

WARM_UP_STEPS = 3  # eager, capture, replay: one less, and a capture happens amid traffic
Embedding = Callable[[str | None], Samples]  # a voice's id, None for the default -> (1, 512, 125), read only, cached


@dataclass(frozen=True, eq=False)
class Speaker:
    """How one row is to speak."""

    embedding: Samples  # (1, width, frames)
    cfg_coef: float
    temperature: float
    top_k: int
    seed: int  # 32 bits


class KyutaiRunner(ModelRunner):
    @torch.inference_mode()
    def __init__(
        self, tts: Any, embedding: Embedding, slots: int, temperature: float = 0.6, cfg_coef: float = 2.0
    ) -> None:
        """Takes hold of moshi's TTSModel for good and warms it up.

        temperature, cfg_coef: of requests that name none. Raises NotSupported for a model of another kind, OutOfMemory.
        """
        _check_kind(tts)
        self.slots, self.sample_rate = slots, int(tts.mimi.sample_rate)
        self._embedding, self._temperature, self._cfg_coef = embedding, temperature, cfg_coef
        self._tts, self._lm, self._mimi = tts, tts.lm, tts.mimi
        self._device = tts.lm.device
        self._lm.dep_q = tts.n_q  # without this n_q does nothing
        self._transformers = [_take_over(owner) for owner in (self._lm, self._mimi.decoder_transformer)]
        self._rows: dict[int, Script] = {}
        self._running: tuple[int, ...] | None = None  # whom the masks of the language model and the codec let through
        self._sounding: tuple[int, ...] | None = None
        self._conditions = Conditions(tts)
        self._gen: Any = LeanLMGen(
            self._lm,
            self._conditions.blank(slots),
            slots,
            delay_steps=tts.delay_steps,
            new_word=tts.machine.token_ids.new_word,
        )
        self._rules = ScriptRules(
            tts.tokenizer,
            tts.machine,
            tts.mimi.frame_rate,
            tts.delay_steps,
            self._gen.max_delay,
            tts.final_padding,
        )
        self._open()
        self._warm_up()

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
        with out_of_memory():
            self._write_voices(joins)
            self._clear(list(joins))
        for slot, speaker in joins.items():
            self._rows[slot] = Script(self._rules)
            self._columns[Control.SEED, slot] = speaker.seed
            self._columns[Control.TOP_K, slot] = speaker.top_k
            self._columns[Control.TEMPERATURE].view(np.float64)[slot] = speaker.temperature
        return {slot: self._rows[slot] for slot in joins}

    def _write_voices(self, joins: Mapping[int, Speaker]) -> None:
        """In place, so that CUDA graphs find them: what the cross attentions hear, and the row's sum."""
        index = torch.tensor(list(joins), device=self._lm.device)
        source = torch.cat([self._conditions.voice(speaker.embedding) for speaker in joins.values()])
        sums = torch.cat([self._conditions.sum(speaker.cfg_coef) for speaker in joins.values()])
        self._lm.transformer.write_voices(index, source)
        self._gen_state.condition_sum.index_copy_(0, index, sums)

    def _clear(self, slots: list[int]) -> None:
        """Nothing of these slots' past remains."""
        index = torch.tensor(slots, device=self._lm.device)
        mask = torch.zeros(self.slots, dtype=torch.bool, device=self._lm.device).index_fill_(0, index, True)
        for transformer in self._transformers:
            transformer.clear(index)
        self._gen.reset_streaming(mask)
        self._mimi.reset_streaming(mask)
        self._running = self._sounding = None  # a reset sets the masks of its rows

    # -- stepping -------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def step(self, step: Step) -> Mapping[int, Frame]:
        rows = {slot: self._rows[slot] for slot in step.rows}
        sounding = tuple(slot for slot, row in rows.items() if row.sounds)
        with out_of_memory():
            self._ask(rows, sounding)
            self._compute(step.kind, step.rows, sounding)
            pcm, wants_word = self._hear()
        for slot, row in rows.items():
            row.advance(bool(wants_word[slot]))
        return {slot: Frame(pcm[slot].clip(-1.0, 1.0), rows[slot].take_words(), rows[slot].over) for slot in sounding}

    def _ask(self, rows: Mapping[int, Script], sounding: tuple[int, ...]) -> None:
        """The one transfer to the device: masks, and both answers to what the model is about to wish for."""
        self._columns[: Control.SEED] = 0
        for slot, row in rows.items():
            self._columns[: Control.SEED, slot] = (1, slot in sounding, *row.answers(), row.step_index)
        self._gen.control.copy_(self._host_control, non_blocking=True)

    def _compute(self, kind: StepKind, running: tuple[int, ...], sounding: tuple[int, ...]) -> None:
        control = self._gen.control
        if running != self._running:
            self._gen.set_exec_mask(control[Control.RUNS].bool())
            self._running = running
        codes = self._gen.step(self._inputs, self._no_codes if kind is StepKind.TEXT_ONLY else None)
        if not sounding:
            return
        if sounding != self._sounding:
            self._mimi.set_exec_mask(control[Control.SOUNDS].bool())
            self._sounding = sounding
        pcm = self._decode(codes[:, 1:].clamp(min=0))  # rows that stand still carry -1 or -2
        self._result[:, :-1].copy_(pcm[:, 0])

    def _hear(self) -> tuple[Samples, Samples]:
        """The one transfer back, and the one wait: PCM (slots, samples), and who wished for a word (slots,)."""
        self._result[:, -1].copy_(self._gen.wants_word)
        self._host_result.copy_(self._result, non_blocking=True)
        if self._result.is_cuda:
            torch.cuda.current_stream().synchronize()
        result = self._host_result.numpy()
        return result[:, :-1], result[:, -1]

    # -- loading and release --------------------------------------------------------------------------------------

    def _open(self) -> None:
        """All state that lives as long as the runner."""
        tts, lm, mimi, device = self._tts, self._lm, self._mimi, self._lm.device
        _drop_encoder(mimi)
        self._gen.streaming_forever(self.slots)
        self._gen_state: Any = self._gen._streaming_state
        mimi.streaming_forever(self.slots)
        self._decode = CUDAGraphed(
            mimi.decode, disable=device.type != "cuda"
        )  # one graph instead of two and 74 kernels
        zero = tts.machine.token_ids.zero
        self._inputs = torch.full((self.slots, lm.n_q - lm.dep_q, 1), zero, device=device)
        self._no_codes = torch.full((self.slots, lm.dep_q, 1), zero, device=device)
        pinned = device.type == "cuda"
        self._host_control = torch.zeros(self._gen.control.shape, dtype=torch.int64, pin_memory=pinned)
        self._columns = self._host_control.numpy()  # the same memory
        self._result = torch.zeros(self.slots, mimi.frame_size + 1, device=device)
        self._host_result = torch.zeros(self._result.shape, pin_memory=pinned)

    def _warm_up(self) -> None:
        """On CUDA capture every graph, before anybody listens."""
        everybody = tuple(range(self.slots))
        self._gen.control[: Control.IF_PAD] = 1
        for _ in range(WARM_UP_STEPS):
            self._running = self._sounding = None
            self._compute(StepKind.FULL, everybody, everybody)
        self._hear()
        self._clear(list(everybody))

    def recover(self) -> None:
        if self._lm.device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def memory_bytes(self) -> int | None:
        return torch.cuda.memory_reserved(self._device) if self._device.type == "cuda" else None

    def close(self) -> None:
        """Drop states and graphs, on the thread that made them; `free_memory` gives back what then is garbage."""
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        for module in (self._gen, self._lm, self._mimi):
            module._stop_streaming()
        self._gen.on_text_logits_hook = self._gen.on_text_hook = self._gen.on_audio_hook = None
        device = self._device
        self.__dict__.clear()
        self._device = device


@contextmanager
def out_of_memory() -> Iterator[None]:
    """torch's error in our words."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(str(error)) from None


def _check_kind(tts: Any) -> None:
    """Raises NotSupported unless this is a model as Kyutai TTS 1.6B is: voices by embedding, distilled cfg."""
    if not (tts.multi_speaker and tts.valid_cfg_conditionings) or tts.multistream:
        raise NotSupported("This checkpoint does not take its voices from embeddings; it is another kind of model.")
    layer = tts.lm.depformer.layers[0]
    own_weights = len(layer.self_attn.in_projs) > 1 and tts.lm.depformer_multi_linear
    if layer.self_attn.rope is not None or not own_weights or not isinstance(layer.norm1, RMSNorm):
        raise NotSupported("This checkpoint's depformer is built in another way than that of Kyutai TTS 1.6B.")


def _take_over(owner: Any) -> StepTransformer:
    """Have a StepTransformer stand in for the owner's transformer."""
    owner.transformer = StepTransformer(owner.transformer)
    return cast(StepTransformer, owner.transformer)


def _drop_encoder(mimi: Any) -> None:
    """The codec's encoder is never used: 155 MB of weights, and 8 MB of caches a row."""
    mimi.encoder_transformer, mimi.encoder = None, torch.nn.Identity()
    if hasattr(mimi, "downsample"):
        del mimi.downsample
