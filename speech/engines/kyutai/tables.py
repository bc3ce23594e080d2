"""What tokens bring into the model: moshi's embeddings laid out so that all of a step are looked up at once.

The embeddings keep their weights, as parts of the tables: the memory is taken once. In each table a row of zeros stands
for "nothing".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

AddText = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def join_codes(embeddings: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """One table of all codebooks, (rows, dim), and where each one's code 0 stands, (codebooks,): code -1, which is
    none, stands for the zeros before it."""
    weights = [embedding.weight for embedding in embeddings]
    table = torch.cat([part for weight in weights for part in (torch.zeros_like(weight[:1]), weight)])
    sizes = torch.tensor([1 + len(weight) for weight in weights])
    starts = sizes.cumsum(0) - sizes + 1
    for embedding, start, weight in zip(embeddings, starts.tolist(), weights, strict=True):
        embedding.weight = _part(table[start : start + len(weight)])
    return table, starts.to(table.device)


def text_adder(embedding: Any) -> AddText:
    """x, (rows, dim), and text tokens, (rows,), not negative -> x plus what moshi's embedding gives for the tokens."""
    return TwoWords(embedding) if embedding.demux_second_stream else lambda x, tokens: x + embedding(tokens)


class TwoWords:
    """Tokens that hold two words: the one to be said, and one plus the next one, or 0 for none, times the vocabulary.

    One projection does for both words side by side.
    """

    def __init__(self, embedding: Any) -> None:
        weight, width = embedding.weight, embedding.embedding_dim
        self._table = torch.cat([torch.zeros_like(weight[:1]), weight])
        self._project = torch.cat([embedding.out1.weight, embedding.out2.weight], dim=1)
        embedding.weight = _part(self._table[1:])
        embedding.out1.weight = _part(self._project[:, :width])
        embedding.out2.weight = _part(self._project[:, width:])
        words = len(weight)
        self._divide = torch.tensor([1, words], device=weight.device)
        self._wrap = torch.tensor([words, words + 1], device=weight.device)
        self._start = torch.tensor([1, 0], device=weight.device)

    def __call__(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        places = tokens[:, None] // self._divide % self._wrap + self._start
        return torch.addmm(x, F.embedding(places, self._table).flatten(1), self._project.t())


@torch.inference_mode()
def full_rank(embedding: Any) -> torch.Tensor:
    """What moshi's embedding gives for each code, (codes, dim): its low-rank factors multiplied out, once."""
    if embedding.low_rank is None:
        weight: torch.Tensor = embedding.weight.detach()
        return weight
    full: torch.Tensor = embedding.low_rank(embedding.weight)
    return full


def _part(weight: torch.Tensor) -> torch.nn.Parameter:
    return torch.nn.Parameter(weight, requires_grad=False)
