"""One draw a row: temperature, top_k and seed by row, the same in any row of any batch. Knows no model.

Samples as moshi does: the softmax at a temperature, its top_k, one draw.
"""

from __future__ import annotations

import torch

from speech.engines.kyutai.control import Control

TOP_K = 250  # of the audio codes; moshi's defaults, and the most that a row can ask for
TOP_K_TEXT = 25
_MASK = 0xFFFFFFFF


class Odds:
    """What decides one step's draws, made at once for all of its streams.

    The highest sum of score and Gumbel noise is a draw from a softmax. Candidates below a row's top_k never win, those
    that tie with the last one may. A greedy row has no noise.
    """

    def __init__(self, control: torch.Tensor, first_stream: int, streams: int, card: int, most: int) -> None:
        """control: (len(Control), rows). most: candidates at most, also where top_k is more."""
        temperature = control[Control.TEMPERATURE].view(torch.float64).float()
        greedy = temperature <= 0
        self._most = min(most, card)
        self._last = control[Control.TOP_K].clamp(1, self._most)[:, None] - 1  # the rank of the last candidate
        self._sharpness = (1.0 / temperature.masked_fill(greedy, 1.0).clamp(min=1e-6))[:, None]
        self._noise = gumbel(control[Control.SEED], control[Control.STEP], first_stream, streams, card)
        self._noise.masked_fill_(greedy[:, None, None], 0.0)

    def draw(self, stream: int, logits: torch.Tensor) -> torch.Tensor:
        """stream: counted from first_stream. (rows, card) -> (rows,)."""
        logits = logits.float()
        least = torch.topk(logits, self._most, dim=-1).values.gather(1, self._last)
        scores = torch.addcmul(self._noise[:, stream], logits, self._sharpness)
        return scores.masked_fill_(logits < least, float("-inf")).argmax(dim=-1)


def gumbel(seed: torch.Tensor, step: torch.Tensor, first_stream: int, streams: int, card: int) -> torch.Tensor:
    """Gumbel noise (rows, streams, card) that depends on nothing but a row's seed and step, (rows,), the stream and the
    candidate: the same in any row of any batch.

    A counter-based generator: a 32-bit integer hash (two rounds of multiply and xor-shift) of the four.
    """
    stream = torch.arange(first_stream, first_stream + streams, device=seed.device)
    candidate = torch.arange(card, device=seed.device)
    row = seed[:, None] * 0x9E3779B1 + step[:, None] * 0x85EBCA77 + stream * 0xC2B2AE3D  # (rows, streams)
    bits = _hash32(_hash32(row)[..., None] + _hash32(candidate) * 0x27D4EB2F)
    uniform = ((bits >> 8).float() + 0.5) * 2.0**-24
    return -torch.log(-torch.log(uniform))


def _hash32(x: torch.Tensor) -> torch.Tensor:
    """32 bits scrambled, in an int64."""
    x = x & _MASK
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)
