"""One draw a row: temperature, top_k and seed by row, the same in any row of any batch. Knows no model.

Samples as moshi does: the softmax at a temperature, its top_k, one draw.
"""

from __future__ import annotations

import torch

from speech.engines.kyutai.control import Control

TOP_K = 250  # of the audio codes; moshi's defaults, and the most that a row can ask for
TOP_K_TEXT = 25
_MASK = 0xFFFFFFFF


class Streams:
    """Some streams of a model, each with so many candidates: what their noise has in common in all steps."""

    def __init__(self, first: int, number: int, card: int, most: int, device: torch.device | None = None) -> None:
        """first: which number the first one has. most: candidates of a draw at most, also where top_k is more."""
        self.most = min(most, card)
        self._streams = torch.arange(first, first + number, device=device) * 0xC2B2AE3D
        self._candidates = _hash32(torch.arange(card, device=device)) * 0x27D4EB2F
        self._half = torch.tensor(2.0**-25, device=device)

    def odds(self, control: torch.Tensor) -> Odds:
        """control: (len(Control), rows)."""
        return Odds(control, self.most, self.gumbel(control[Control.SEED], control[Control.STEP]))

    def gumbel(self, seed: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """Gumbel noise (rows, streams, card) that depends on nothing but a row's seed and step, (rows,), the stream and
        the candidate: the same in any row of any batch.

        A counter-based generator: a 32-bit integer hash (two rounds of multiply and xor-shift) of the four.
        """
        row = torch.add(seed * 0x9E3779B1, step, alpha=0x85EBCA77)
        bits = _hash32(_hash32(row[:, None] + self._streams)[..., None] + self._candidates)
        uniform = torch.add(self._half, bits >> 8, alpha=2.0**-24)
        return -torch.log(-torch.log(uniform))


class Odds:
    """What decides one step's draws, made at once for all of its streams.

    The highest sum of score and Gumbel noise is a draw from a softmax. Candidates below a row's top_k never win, those
    that tie with the last one may. A greedy row has no noise.
    """

    def __init__(self, control: torch.Tensor, most: int, noise: torch.Tensor) -> None:
        """control: (len(Control), rows). most: candidates of a draw at most. noise: (rows, streams, card), taken."""
        temperature = control[Control.TEMPERATURE].view(torch.float64).float()
        greedy = temperature <= 0
        self._most = most
        self._last = control[Control.TOP_K].clamp(1, most)[:, None] - 1  # the rank of the last candidate
        self._sharpness = temperature.masked_fill(greedy, 1.0).clamp_(min=1e-6).reciprocal_()[:, None]
        self._noise = noise.masked_fill_(greedy[:, None, None], 0.0)

    def draw(self, stream: int, logits: torch.Tensor) -> torch.Tensor:
        """stream: counted from the first. (rows, card) -> (rows,)."""
        logits = logits.float()
        least = torch.topk(logits, self._most, dim=-1).values.gather(1, self._last)
        scores = torch.addcmul(self._noise[:, stream], logits, self._sharpness)
        return scores.masked_fill_(logits < least, float("-inf")).argmax(dim=-1)


def _hash32(x: torch.Tensor) -> torch.Tensor:
    """32 bits scrambled, in an int64."""
    x = x & _MASK
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)
