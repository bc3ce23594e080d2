"""Mimi's decoder, one frame of all rows: codes in, samples out. moshi's modules; the codebooks as one table.

Knows no text, no language model. What the encoder and the codebooks held is given up.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from speech.engines.kyutai.backbone import take_over
from speech.engines.kyutai.rows import RowStates


class Decoder:
    rows: RowStates

    def __init__(self, mimi: Any, codebooks: int) -> None:
        """Takes hold of mimi. codebooks: how many are decoded."""
        self._mimi = mimi
        self._semantic = mimi.quantizer.n_q_semantic
        self._table, self._starts, self._out = _join_codebooks(mimi.quantizer, codebooks)
        _drop_the_rest(mimi)
        self._transformer = take_over(mimi.decoder_transformer)

    def open(self, sounds: torch.Tensor, whole_past: bool) -> None:
        """Before the first call. sounds: (slots,), bool: the rows that move on. whole_past: see StepTransformer."""
        mimi, self._transformer.whole_past = self._mimi, whole_past
        upsample = [mimi.upsample.convtr] if hasattr(mimi, "upsample") else []
        self.rows = RowStates([*upsample, mimi.decoder_transformer, mimi.decoder], sounds)

    def __call__(self, codes: torch.Tensor) -> torch.Tensor:
        """(rows, codebooks), not negative -> (rows, samples); for the rows that are shown."""
        found = F.embedding(codes + self._starts, self._table)
        split = torch.cat([found[:, : self._semantic].sum(1), found[:, self._semantic :].sum(1)], dim=1)
        latent = self._mimi._to_encoder_framerate(F.linear(split, self._out)[..., None])
        (latent,) = self._mimi.decoder_transformer(latent)
        pcm: torch.Tensor = self._mimi.decoder(latent)
        return pcm[:, 0]


def _join_codebooks(quantizer: Any, codebooks: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All codebooks in one table, (codebooks * bins, dim), where each begins, (codebooks,), and the projection of the
    sum of the semantic ones and the sum of the others, (width, 2 * dim)."""
    layers = [*quantizer.rvq_first.vq.layers, *quantizer.rvq_rest.vq.layers][:codebooks]
    table = torch.cat([layer.embedding for layer in layers])
    starts = torch.arange(len(layers), device=table.device) * quantizer.cardinality
    halves = [half.output_proj.weight[..., 0] for half in (quantizer.rvq_first, quantizer.rvq_rest)]
    return table, starts, torch.cat(halves, dim=1)


def _drop_the_rest(mimi: Any) -> None:
    """The encoder, 155 MB of weights and 8 MB of caches a row, is never used; the codebooks are in the table."""
    mimi.encoder_transformer, mimi.encoder, mimi.quantizer = None, torch.nn.Identity(), torch.nn.Identity()
    if hasattr(mimi, "downsample"):
        del mimi.downsample
