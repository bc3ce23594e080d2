"""Pocket TTS's flow language model over many takes in one step, each with its own position.

The weights and the formulas are pocket-tts's; its attention keeps one position for the whole batch, this one a
`Memory` for each take. All that is linear is computed for all takes together, so that the weights are read once;
the attention of each take reads its own keys, and only those. Knows no text, no codec and no thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from speech.engines.pocket.library import DECODERS
from speech.engines.pocket.packed import pack, with_gelu


@dataclass(eq=False)
class Memory:
    """The keys and values of one take."""

    cache: Tensor  # (layers, 2, key heads, capacity, head dim); what lies behind `length` is not initialised
    length: int  # positions that are filled

    def write(self, layer: int, position: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put (positions, key heads, head dim) of each there; all up to their end, (1, key heads, length, head dim)."""
        end = position + keys.shape[0]
        cache = self.cache[layer]
        cache[0, :, position:end] = keys.transpose(0, 1)
        cache[1, :, position:end] = values.transpose(0, 1)
        return cache[None, 0, :, :end], cache[None, 1, :, :end]


class Next:
    """The next position of a memory in each layer, as views that are made once a step: many takes have many layers."""

    def __init__(self, memory: Memory, position: int) -> None:
        cache = memory.cache[:, :, None, :, : position + 1]  # (layers, 2, 1, key heads, positions, head dim)
        self.places = cache[:, :, 0, :, position].unbind()  # of each layer (2, key heads, head dim)
        self.keys, self.values = cache[:, 0].unbind(), cache[:, 1].unbind()


@dataclass(frozen=True)
class Stretch:
    """Consecutive positions of one take, and where they lie in the step's input."""

    memory: Memory
    position: int  # of the first, in the memory
    start: int  # of the first, in the input
    count: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.count)


class FlowBatch:
    """Steps takes of one model. Inputs and states are float32 on the CPU."""

    def __init__(self, tts: Any) -> None:
        """tts: pocket-tts's TTSModel, quantised or not."""
        self._flow, self._threshold, self._steps = tts.flow_lm, tts.eos_threshold, tts.sampler_decode_steps
        pack(self._flow)
        self._layers = list(self._flow.transformer.layers)
        attention = self._layers[0].self_attn
        self._heads, self._key_heads, self._dim = attention.num_heads, attention.num_kv_heads, attention.dim_per_head
        self._freqs = rope_frequencies(self._dim, attention.rope.max_period)
        self._decode = DECODERS[self._flow.flow_type]
        self.latent_dim: int = self._flow.ldim

    @property
    def cache_shape(self) -> tuple[int, int, int]:
        """(layers, key heads, head dim) of its memories."""
        return len(self._layers), self._key_heads, self._dim

    def remember(self, voice: Tensor, more: int) -> Memory:
        """A memory that begins with a copy of a voice's state and has room for `more` positions.

        voice: (layers, 2, key heads, positions, head dim).
        """
        layers, two, heads, length, dim = voice.shape
        cache = torch.empty(layers, two, heads, length + more, dim)
        cache[:, :, :, :length] = voice
        return Memory(cache, length)

    def step(
        self, texts: Sequence[tuple[Memory, Tensor]], takes: Sequence[Memory], latents: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Give text tokens to some memories, then one latent to each of `takes`; a memory may be in both.

        texts: each with its token ids, (tokens,). latents: (takes, latent dim), of each take the one made last, NaN at
        its beginning. noise: (takes, latent dim), scaled by the temperature.
        Returns the next latents, (takes, latent dim), and which takes say that they end, (takes,).
        """
        stretches = _stretches([(memory, len(tokens)) for memory, tokens in texts] + [(memory, 1) for memory in takes])
        x = self._embed([tokens for _, tokens in texts], latents)
        angles = torch.cat([torch.arange(s.position, s.position + s.count, dtype=torch.float32) for s in stretches])
        rotation = rope_rotation(self._freqs, angles)
        read, nexts = stretches[: len(texts)], [Next(s.memory, s.position) for s in stretches[len(texts) :]]
        for index, layer in enumerate(self._layers):
            attention = layer.self_attn
            q, k, v = self._heads_of(attention.in_proj(layer.norm1(x)), rotation)
            mixed = [self._read_text(index, stretch, q, k, v) for stretch in read]
            if nexts:
                start = len(x) - len(nexts)
                mixed.append(self._attend_next(index, nexts, q[start:], k[start:], v[start:]))
            x = x + attention.out_proj(torch.cat(mixed))
            x = x + layer.linear2(with_gelu(layer.linear1, layer.norm2(x)))
        for stretch in stretches:
            stretch.memory.length += stretch.count
        return self._read(x[x.shape[0] - len(takes) :], noise)

    def _embed(self, texts: Sequence[Tensor], latents: Tensor) -> Tensor:
        """(positions, dim): all tokens, then all latents."""
        sequence = torch.where(torch.isnan(latents), self._flow.bos_emb, latents)
        parts = [self._flow.conditioner(torch.cat(list(texts)))] if texts else []
        return torch.cat([*parts, self._flow.input_linear(sequence)])

    def _read(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The heads: the next latents, and who ends."""
        if not len(noise):
            return noise, torch.zeros(0, dtype=torch.bool)
        x = self._flow.out_norm(x)
        if self._flow.z_proj is not None:
            x = self._flow.z_proj(x)
        ends = (self._flow.out_eos(x) > self._threshold)[:, 0]
        return self._decode(partial(self._flow.flow_net, x), noise, self._steps), ends

    def _heads_of(self, projected: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (positions, its heads, head dim)."""
        heads = projected.view(projected.shape[0], -1, self._dim)  # first the queries', then the keys', the values'
        turned, v = rotate(heads[:, : -self._key_heads], rotation), heads[:, -self._key_heads :]
        return turned[:, : self._heads], turned[:, self._heads :], v

    def _attend_next(self, index: int, nexts: Sequence[Next], q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(takes, heads * head dim): one position of each take.

        The heads that share a key head stand side by side as if they were positions: no key is copied for them.
        """
        torch._foreach_copy_([one.places[index] for one in nexts], torch.stack([k, v], 1).unbind())
        queries = q.view(len(nexts), 1, self._key_heads, -1, self._dim).unbind()
        mixed = [
            F.scaled_dot_product_attention(query, one.keys[index], one.values[index])
            for query, one in zip(queries, nexts, strict=True)
        ]
        return torch.cat(mixed).view(len(nexts), -1)

    def _read_text(self, index: int, stretch: Stretch, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(count, heads * head dim) of a stretch: the last of all positions of its memory."""
        rows, count = stretch.rows, stretch.count
        keys, values = stretch.memory.write(index, stretch.position, k[rows], v[rows])
        shared = self._heads // self._key_heads
        grouped = q[rows].view(count, self._key_heads, shared, self._dim).permute(1, 2, 0, 3)
        grouped = grouped.reshape(1, self._key_heads, shared * count, self._dim)
        mask = causal_mask(count, keys.shape[2]).repeat(shared, 1)
        x = F.scaled_dot_product_attention(grouped, keys, values, mask)
        return x.view(self._key_heads, shared, count, self._dim).permute(2, 0, 1, 3).reshape(count, -1)


def rope_frequencies(dim: int, max_period: float) -> Tensor:
    """As pocket-tts's apply_rope computes them, (dim / 2,)."""
    return torch.exp(torch.arange(dim // 2, dtype=torch.float32) * (-math.log(max_period) * 2 / dim))


def rope_rotation(freqs: Tensor, positions: Tensor) -> Tensor:
    """Each position's rotations as complex numbers, (*positions, 1, dim / 2): the same for every layer and head."""
    angles = freqs * positions[..., None, None]
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """x: (*positions, heads, dim). The real and the imaginary parts alternate."""
    pairs = x.view(*x.shape[:-1], -1, 2)
    return torch.view_as_real(torch.view_as_complex(pairs) * rotation).flatten(-2)


def causal_mask(queries: int, keys: int) -> Tensor:
    """(queries, keys): the last query sees every key, each one before it one key less."""
    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)


def _stretches(counts: Sequence[tuple[Memory, int]]) -> list[Stretch]:
    """One after another in the input; of one memory the second begins where the first ends."""
    start, ends, stretches = 0, dict[Memory, int](), []
    for memory, count in counts:
        position = ends.get(memory, memory.length)
        stretches.append(Stretch(memory, position, start, count))
        start, ends[memory] = start + count, position + count
    return stretches
