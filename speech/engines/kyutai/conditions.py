"""What makes a row its own: its voice, for the cross attention, and its cfg_coef, for the sum. Made once, kept a while.

Knows moshi's conditioners and the device, no slot, no step.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from moshi.conditioners.base import ConditionAttributes, TensorCondition

from speech.engines.kyutai.memory import SPEAKERS, VOICE_FRAMES, VOICE_KEYS
from speech.errors import InvalidRequest, NotSupported
from speech.request import Samples

VOICES_KEPT = 16  # 0.5 MB each at full size, on the device


class Conditions:
    def __init__(self, tts: Any, voices_kept: int = VOICES_KEPT) -> None:
        """tts: moshi's TTSModel. Raises NotSupported if the padding of its voices is not the same in every frame."""
        self._lm = tts.lm
        self._voices_kept = voices_kept
        self._width = tts.lm.condition_provider.conditioners["speaker_wavs"].dim
        self.silence: Samples = np.zeros((1, self._width, VOICE_FRAMES), np.float32)
        self.cfg_coefs: tuple[float, ...] = tuple(sorted(tts.valid_cfg_conditionings))
        self._voices: OrderedDict[int, tuple[Samples, torch.Tensor]] = OrderedDict()  # by the id of the array kept here
        self._sums: dict[float, torch.Tensor] = {}
        self._check_padding()

    def check(self, embedding: Samples, cfg_coef: float) -> None:
        """Raises InvalidRequest unless a row can be given this voice and this cfg_coef."""
        if embedding.shape != (1, self._width, VOICE_FRAMES):
            raise InvalidRequest(
                f"This voice has the shape {embedding.shape}; the model takes (1, {self._width}, {VOICE_FRAMES}).",
                param="voice",
            )
        if cfg_coef not in self.cfg_coefs:
            known = ", ".join(f"{value:g}" for value in self.cfg_coefs)
            raise InvalidRequest(f"cfg_coef must be one of {known}.", param="cfg_coef")

    def voice(self, embedding: Samples) -> torch.Tensor:
        """The source of the cross attention, (1, VOICE_KEYS, dim): the voice's frames, and of the padding behind them,
        which is all alike, a few. The same array is prepared only once."""
        if id(embedding) not in self._voices:
            cross, _ = self._provide(embedding, self.cfg_coefs[0])
            self._voices[id(embedding)] = embedding, cross[:, :VOICE_KEYS].clone()
        if len(self._voices) > self._voices_kept:
            self._voices.popitem(last=False)
        self._voices.move_to_end(id(embedding))
        return self._voices[id(embedding)][1]

    def sum(self, cfg_coef: float) -> torch.Tensor:
        """What is added to every step's input, (1, dim)."""
        if cfg_coef not in self._sums:
            self._sums[cfg_coef] = self._provide(self.silence, cfg_coef)[1][:, 0]
        return self._sums[cfg_coef]

    def _check_padding(self) -> None:
        cross, _ = self._provide(self.silence, self.cfg_coefs[0])
        padding = cross[:, VOICE_FRAMES:]
        alike = torch.equal(padding, padding[:, :1].expand_as(padding))
        if padding.shape[1] != (SPEAKERS - 1) * VOICE_FRAMES or not alike:
            raise NotSupported("This checkpoint pads its voices in another way than Kyutai TTS 1.6B.")

    def _provide(self, embedding: Samples, cfg_coef: float) -> tuple[torch.Tensor, torch.Tensor]:
        lm = self._lm
        conditions = lm.condition_provider.prepare_and_provide([self._attributes(embedding, cfg_coef)])
        return lm.fuser.get_cross(conditions).to(lm.dtype), lm.fuser.get_sum(conditions).to(lm.dtype)

    def _attributes(self, embedding: Samples, cfg_coef: float) -> ConditionAttributes:
        """As TTSModel.make_condition_attributes makes them of one voice: the other speakers' frames are masked."""
        voices = torch.zeros(1, SPEAKERS, VOICE_FRAMES, self._width)
        voices[:, 0] = torch.tensor(embedding).transpose(1, 2)
        mask = torch.zeros(1, SPEAKERS, VOICE_FRAMES, dtype=torch.bool)
        mask[:, 0] = True
        speaker = TensorCondition(voices.flatten(1, 2), mask.flatten(1, 2))
        return ConditionAttributes(
            text={"control": "ok", "cfg": format(cfg_coef, ".1f")}, tensor={"speaker_wavs": speaker}
        )
