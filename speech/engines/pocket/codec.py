"""The decoder of Pocket TTS's Mimi over many rows in one step, each with its own position and past.

The weights and the formulas are pocket-tts's. Its caches are linear and share one position; here each row has a ring of
as many positions as the attention sees, and the pasts of the convolutions lie row by row. Knows no text and no thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from speech.engines.pocket.flow import rope_frequencies, rope_rotation, rotate
from speech.engines.pocket.library import SEANetResnetBlock, StreamingConv1d, StreamingConvTranspose1d
from speech.engines.pocket.packed import pack
from speech.errors import NotSupported

FADE_S = 0.005  # as pocket-tts fades a sentence in: its first samples have a small step


@dataclass(frozen=True)
class Rows:
    """The rows that take part in one call, in ascending order."""

    numbers: tuple[int, ...]

    @property
    def index(self) -> slice | Tensor:
        """Where they lie in a tensor of all rows. Rows side by side are a slice: a view, nothing is copied."""
        first, last = self.numbers[0], self.numbers[-1]
        side_by_side = last - first + 1 == len(self.numbers)
        return slice(first, last + 1) if side_by_side else torch.tensor(self.numbers)


class CodecBatch:
    """Decodes one latent of each row into 80 ms of audio. One thread at a time may use it."""

    def __init__(self, tts: Any, rows: int) -> None:
        """tts: pocket-tts's TTSModel. Raises NotSupported for a codec that is built in another way."""
        _check_kind(tts.mimi)
        mimi, flow = tts.mimi, tts.flow_lm
        self.sample_rate: int = mimi.sample_rate
        self.frame_size: int = mimi.frame_size
        self._std, self._mean = flow.emb_std, flow.emb_mean
        self._stages: list[Stage] = [
            Plain(mimi.quantizer),
            Transposed(mimi.upsample.convtr, rows),
            Transformer(mimi.decoder_transformer, rows, steps=round(mimi.encoder_frame_rate / mimi.frame_rate)),
            *(_stage(module, rows) for module in mimi.decoder.model),
        ]
        self._fade = torch.linspace(0, 1, int(self.sample_rate * FADE_S))

    def decode(self, rows: Sequence[int], latents: Tensor, fresh: Sequence[int] = ()) -> Tensor:
        """The next frame of these rows, (rows, frame_size).

        rows: in ascending order. latents: (rows, latent dim). fresh: those of `rows` that begin a sentence; nothing of
        their past remains, and they fade in.
        """
        for row in fresh:
            for stage in self._stages:
                stage.restart(row)
        x: Tensor = (latents * self._std + self._mean)[:, :, None]
        taking_part = Rows(tuple(rows))
        for stage in self._stages:
            x = stage(x, taking_part)
        for row in fresh:
            x[rows.index(row), 0, : len(self._fade)] *= self._fade
        return x[:, 0]


class Stage(ABC):
    """Part of the decoder: (rows, channels, steps) to as many or more steps."""

    def restart(self, row: int) -> None:  # noqa: B027 - most remember nothing
        """Nothing of the row's past remains."""

    @abstractmethod
    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        """x: (taking part, channels, steps)."""


class Plain(Stage):
    """A module that remembers nothing."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        return cast(Tensor, self._module(x))


class Convolution(Stage):
    """Causal: the last steps of one call stand before the first of the next."""

    def __init__(self, module: Any, rows: int) -> None:
        self._conv = module.conv
        self._previous = module.init_state(rows, 0)["previous"]

    def restart(self, row: int) -> None:
        self._previous[row] = 0

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        if kept := self._previous.shape[-1]:
            x = torch.cat([self._previous[rows.index], x], -1)
            self._previous[rows.index] = x[..., -kept:]
        return cast(Tensor, self._conv(x))


class Transposed(Stage):
    """A transposed convolution: what sticks out at the end of one call is added to the beginning of the next."""

    def __init__(self, module: Any, rows: int) -> None:
        self._convtr = module.convtr
        self._partial = module.init_state(rows, 0)["partial"]

    def restart(self, row: int) -> None:
        self._partial[row] = 0

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        y, kept, bias = self._convtr(x), self._partial.shape[-1], self._convtr.bias
        if not kept:
            return cast(Tensor, y)
        y[..., :kept] += self._partial[rows.index]
        self._partial[rows.index] = y[..., -kept:] if bias is None else y[..., -kept:] - bias[:, None]
        return cast(Tensor, y[..., :-kept])


class Residual(Stage):
    def __init__(self, module: Any, rows: int) -> None:
        self._stages = [_stage(part, rows) for part in module.block]

    def restart(self, row: int) -> None:
        for stage in self._stages:
            stage.restart(row)

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        y = x
        for stage in self._stages:
            y = stage(y, rows)
        return x + y


class Transformer(Stage):
    """Each row writes its keys into a ring of whole frames; a mask leaves out what the ring does not hold yet."""

    def __init__(self, projected: Any, rows: int, steps: int) -> None:
        """steps: positions of one frame."""
        pack(projected)
        self._projected, self._layers, self._steps = projected, list(projected.transformer.layers), steps
        attention = self._layers[0].self_attn
        self._heads, self._dim, self._context = attention.num_heads, attention.dim_per_head, attention.context
        self._freqs = rope_frequencies(self._dim, attention.rope.max_period)
        self._frames_in_ring = -(-(self._context + steps - 1) // steps)
        shape = (len(self._layers), 2, rows, self._heads, self._frames_in_ring * steps, self._dim)
        self._ring = torch.zeros(shape)
        self._done = [0] * rows  # frames of each row's sentence
        self._masks = torch.stack([self._mask(frame) for frame in range(2 * self._frames_in_ring)])

    def restart(self, row: int) -> None:
        self._done[row] = 0
        self._ring[:, :, row] = 0  # what a mask hides must be a number all the same

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        frames = [self._done[row] for row in rows.numbers]
        x = x.transpose(1, 2)
        if self._projected.input_proj is not None:
            x = self._projected.input_proj(x)
        x = self._run(x, rows, frames)
        for row in rows.numbers:
            self._done[row] += 1
        return cast(Tensor, self._projected.output_projs[0](x).transpose(1, 2))

    def _run(self, x: Tensor, rows: Rows, frames: list[int]) -> Tensor:
        """(rows, steps, dim) through all layers."""
        positions = torch.tensor(frames)[:, None] * self._steps + torch.arange(self._steps)
        rotation = rope_rotation(self._freqs, positions.float())
        mask = self._masks[[self._mask_of(frame) for frame in frames]]
        for index, layer in enumerate(self._layers):
            attention = layer.self_attn
            heads = attention.in_proj(layer.norm1(x)).unflatten(-1, (-1, self._dim))  # queries', keys', values'
            turned, v = rotate(heads[:, :, : 2 * self._heads], rotation), heads[:, :, 2 * self._heads :]
            keys, values = self._write(index, rows, frames, turned[:, :, self._heads :], v)
            q = turned[:, :, : self._heads].transpose(1, 2)
            mixed = F.scaled_dot_product_attention(q, keys, values, mask).transpose(1, 2).flatten(2)
            x = torch.addcmul(x, layer.layer_scale_1.scale, attention.out_proj(mixed))
            update = layer.linear2(F.gelu(layer.linear1(layer.norm2(x)), approximate="tanh"))
            x = torch.addcmul(x, layer.layer_scale_2.scale, update)
        return x

    def _write(self, layer: int, rows: Rows, frames: list[int], k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Put the frame's (rows, steps, heads, dim) into the rings; what these hold, (rows, heads, ring, dim)."""
        keys, values = self._ring[layer]
        for place, (row, frame) in enumerate(zip(rows.numbers, frames, strict=True)):
            start = frame % self._frames_in_ring * self._steps
            keys[row, :, start : start + self._steps] = k[place].transpose(0, 1)
            values[row, :, start : start + self._steps] = v[place].transpose(0, 1)
        return keys[rows.index], values[rows.index]

    def _mask_of(self, frame: int) -> int:
        """All frames after the ring's first round have the masks of its second."""
        return frame if frame < self._frames_in_ring else self._frames_in_ring + frame % self._frames_in_ring

    def _mask(self, frame: int) -> Tensor:
        """(1, steps, ring): which positions the frame's steps see when it has been written."""
        places = torch.arange(self._frames_in_ring)
        there = frame - (frame - places) % self._frames_in_ring  # which frame lies in each place; below 0: none yet
        keys = (there[:, None] * self._steps + torch.arange(self._steps)).flatten()
        ages = frame * self._steps + torch.arange(self._steps)[:, None] - keys
        seen: Tensor = (keys >= 0) & (ages >= 0) & (ages < self._context)
        return seen[None]


def _stage(module: Any, rows: int) -> Stage:
    if isinstance(module, StreamingConv1d):
        return Convolution(module, rows)
    if isinstance(module, StreamingConvTranspose1d):
        return Transposed(module, rows)
    return Residual(module, rows) if isinstance(module, SEANetResnetBlock) else Plain(module)


def _check_kind(mimi: Any) -> None:
    """Raises NotSupported unless the decoder is as in the released models: 80 ms frames, padded with zeros, mono."""
    padded = [part for part in mimi.decoder.modules() if isinstance(part, StreamingConv1d)]
    if not hasattr(mimi, "upsample") or mimi.channels != 1 or any(part.pad_mode != "constant" for part in padded):
        raise NotSupported("This model's codec is built in another way than those of Pocket TTS.")
