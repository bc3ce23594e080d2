"""What takes several kernels in torch and one of ours: each in both ways. Which one is taken is seen here only.

Ours (kernels.py) are for CUDA; where they cannot be compiled, and on a CPU, torch's own operations do it.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F

from speech.engines.kyutai import kernels, sampling


class Draws(Protocol):
    """Something that draws one candidate a row."""

    def draw(self, stream: int, logits: torch.Tensor) -> torch.Tensor: ...


class Streams:
    """As sampling.Streams."""

    def __init__(self, first: int, number: int, card: int, most: int, device: torch.device) -> None:
        self._first, self._most = first, most
        self._torchs = sampling.Streams(first, number, card, most, device)

    def odds(self, control: torch.Tensor) -> Draws:
        if kernels.ready(control):
            return kernels.Odds(control, self._first, self._most)
        return self._torchs.odds(control)


def silu_mul(x: torch.Tensor) -> torch.Tensor:
    """The gate of a feed-forward layer: (rows, 2 * width), contiguous -> silu of the first half times the second."""
    if kernels.ready(x):
        return kernels.silu_mul(x)
    gate, value = x.chunk(2, dim=-1)
    return F.silu(gate) * value


def rms_norm(x: torch.Tensor, alpha: torch.Tensor, eps: float) -> torch.Tensor:
    """(..., width), contiguous, and (width,) of the same type -> the same shape."""
    if kernels.ready(x) and _in_packs(x, x.shape[-1]):
        return kernels.rms_norm(x, alpha, eps)
    return F.rms_norm(x, alpha.shape, alpha, eps)


def add_row(x: torch.Tensor, table: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """x + table[index]: (rows, width), (any, width), (rows,) -> (rows, width), a new tensor."""
    if kernels.ready(x):
        return kernels.add_row(x, table, index)
    return F.embedding(index, table).add_(x)


def attend(past: torch.Tensor, heads: int) -> torch.Tensor:
    """The last one's query over all keys: past (keys, rows, 3 * width), contiguous -> (rows, width).

    At most 32 keys. In `past` lie queries, keys and values, each by head.
    """
    if kernels.ready(past) and _in_packs(past, past.shape[-1] // 3 // heads):
        return kernels.attend(past, heads)
    keys, rows, width = past.shape
    query, key, value = past.view(keys, rows, 3, heads, -1).unbind(2)  # each (keys, rows, heads, head_dim)
    if keys == 1:
        return value.reshape(rows, width // 3)
    q, k, v = (part.permute(1, 2, 0, 3) for part in (query[-1:], key, value))
    return F.scaled_dot_product_attention(q, k, v).reshape(rows, width // 3)


def _in_packs(x: torch.Tensor, width: int) -> bool:
    """So many numbers of x can be read 16 bytes at a time."""
    return width * x.itemsize % 16 == 0 and x.data_ptr() % 16 == 0
