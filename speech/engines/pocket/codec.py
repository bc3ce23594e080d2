"""The decoder of Pocket TTS's Mimi over many rows in one step, each with its own position and past.

The weights and the formulas are pocket-tts's. Its caches are linear and share one position; here each row has a ring of
as many positions as the attention sees, and the pasts of the convolutions lie row by row. Knows no text and no thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from speech.engines.pocket.convolution import Convolution, Rows, Stage, other_kind, stage_of
from speech.engines.pocket.flow import rope_frequencies, rope_rotation, rotate
from speech.engines.pocket.packed import pack, with_gelu

TOGETHER = 3  # stages for all rows at once, up to the transformer; its weights are read once
FEW = 4  # rows for which the convolutions behind it keep their numbers in the processor's cache
FADE_S = 0.005  # as pocket-tts fades a sentence in: its first samples have a small step


class CodecBatch:
    """Decodes one latent of each row into 80 ms of audio. Several threads may use it at once, for different rows."""

    def __init__(self, tts: Any, rows: int) -> None:
        """tts: pocket-tts's TTSModel. Raises NotSupported for a codec that is built in another way."""
        if not hasattr(tts.mimi, "upsample") or tts.mimi.channels != 1:
            raise other_kind()
        mimi, flow = tts.mimi, tts.flow_lm
        self.sample_rate: int = mimi.sample_rate
        self.frame_size: int = mimi.frame_size
        self._std, self._mean = flow.emb_std, flow.emb_mean
        self._stages: list[Stage] = [
            Convolution(mimi.quantizer.output_proj, rows),
            stage_of(mimi.upsample.convtr, rows),
            Transformer(mimi.decoder_transformer, rows, steps=round(mimi.encoder_frame_rate / mimi.frame_rate)),
            *(stage_of(module, rows) for module in mimi.decoder.model),
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
        x: Tensor = (latents * self._std + self._mean)[:, None]
        for stage in self._stages[:TOGETHER]:
            x = stage(x, Rows(tuple(rows)))
        pcm = torch.cat([self._few(x[at : at + FEW], Rows(tuple(rows[at : at + FEW]))) for at in range(0, len(x), FEW)])
        for row in fresh:
            pcm[rows.index(row), : len(self._fade)] *= self._fade
        return pcm

    def _few(self, x: Tensor, rows: Rows) -> Tensor:
        """(rows, frame_size) of what the transformer gave."""
        for stage in self._stages[TOGETHER:]:
            x = stage(x, rows)
        return x[:, :, 0]


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
        shape = (len(self._layers), 2, rows, self._frames_in_ring * steps, self._heads, self._dim)
        self._ring = torch.zeros(shape)  # keys and values, by row and position
        self._done = [0] * rows  # frames of each row's sentence
        self._masks = torch.stack([self._mask(frame) for frame in range(2 * self._frames_in_ring)])

    def restart(self, row: int) -> None:
        self._done[row] = 0
        self._ring[:, :, row] = 0  # what a mask hides must be a number all the same

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        frames = [self._done[row] for row in rows.numbers]
        if self._projected.input_proj is not None:
            x = self._projected.input_proj(x)
        x = self._run(x, rows, frames)
        for row in rows.numbers:
            self._done[row] += 1
        return cast(Tensor, self._projected.output_projs[0](x))

    def _run(self, x: Tensor, rows: Rows, frames: list[int]) -> Tensor:
        """(rows, steps, dim) through all layers."""
        positions = torch.tensor(frames)[:, None] * self._steps + torch.arange(self._steps)
        rotation = rope_rotation(self._freqs, positions.float())
        mask = self._masks[[self._mask_of(frame) for frame in frames]]
        places = self._places(rows, frames)
        for index, layer in enumerate(self._layers):
            attention = layer.self_attn
            heads = attention.in_proj(layer.norm1(x)).unflatten(-1, (-1, self._dim))  # queries', keys', values'
            turned, v = rotate(heads[:, :, : 2 * self._heads], rotation), heads[:, :, 2 * self._heads :]
            keys, values = self._write(index, rows, places, turned[:, :, self._heads :], v)
            q = turned[:, :, : self._heads].transpose(1, 2)
            mixed = F.scaled_dot_product_attention(q, keys, values, mask).transpose(1, 2).flatten(2)
            x = torch.addcmul(x, layer.layer_scale_1.scale, attention.out_proj(mixed))
            update = layer.linear2(with_gelu(layer.linear1, layer.norm2(x)))
            x = torch.addcmul(x, layer.layer_scale_2.scale, update)
        return x

    def _places(self, rows: Rows, frames: list[int]) -> Tensor:
        """Where the frames' steps lie in the rings of all rows side by side, (rows * steps,)."""
        size = self._frames_in_ring * self._steps
        starts = [
            row * size + frame % self._frames_in_ring * self._steps
            for row, frame in zip(rows.numbers, frames, strict=True)
        ]
        return (torch.tensor(starts)[:, None] + torch.arange(self._steps)).flatten()

    def _write(self, layer: int, rows: Rows, places: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Put the frame's (rows, steps, heads, dim) into the rings; what these hold, (rows, heads, ring, dim)."""
        held = []
        for ring, new in zip(self._ring[layer], (k, v), strict=True):
            ring.view(-1, self._heads, self._dim).index_copy_(0, places, new.flatten(0, 1))
            held.append(ring[rows.index].transpose(1, 2))
        keys, values = held
        return keys, values

    def _mask_of(self, frame: int) -> int:
        """All frames after the ring's first round have the masks of its second."""
        return frame if frame < self._frames_in_ring else self._frames_in_ring + frame % self._frames_in_ring

    def _mask(self, frame: int) -> Tensor:
        """(1, steps, ring): 0 where the frame's steps see, when it has been written; elsewhere minus infinity."""
        places = torch.arange(self._frames_in_ring)
        there = frame - (frame - places) % self._frames_in_ring  # which frame lies in each place; below 0: none yet
        keys = (there[:, None] * self._steps + torch.arange(self._steps)).flatten()
        ages = frame * self._steps + torch.arange(self._steps)[:, None] - keys
        seen: Tensor = (keys >= 0) & (ages >= 0) & (ages < self._context)
        return torch.zeros(seen.shape).masked_fill_(~seen, -torch.inf)[None]
