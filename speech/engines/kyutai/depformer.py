"""moshi's depformer, all codebooks of one step, in a fraction of its kernels. Greedy codes are exactly moshi's.

Knows no text, no voice, no audio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from moshi.modules.transformer import RMSNorm

from speech.engines.kyutai import fused
from speech.engines.kyutai.backbone import gated, norm
from speech.engines.kyutai.sampling import TOP_K
from speech.engines.kyutai.tables import full_rank, text_adder
from speech.errors import NotSupported


@dataclass(frozen=True)
class Layer:
    """One layer with the weights of one codebook."""

    module: Any
    into: torch.Tensor  # (3 * width, width): queries, keys and values
    out: torch.Tensor  # (width, width)
    gating: Any


class Depformer:
    """Keys and values of one frame live in one small tensor, written by the projection that makes them; codebooks that
    share weights share their projection of the transformer's output; what a code brings in is one look-up."""

    def __init__(self, lm: Any) -> None:
        """Raises NotSupported for one that is built in another way than that of Kyutai TTS 1.6B."""
        _check_kind(lm)
        self._lm = lm
        self._weights = lm.depformer_weights_per_step_schedule or list(range(lm.dep_q))
        attention = lm.depformer.layers[0].self_attn
        self._heads, self._width = attention.num_heads, attention.embed_dim
        self._layers = [
            [_layer(layer, self._weights[codebook]) for layer in lm.depformer.layers] for codebook in range(lm.dep_q)
        ]
        self._add_text = text_adder(lm.depformer_text_emb)
        self._streams = fused.Streams(1, lm.dep_q, lm.card, most=TOP_K, device=lm.device)
        self._tables = [full_rank(embedding) for embedding in lm.depformer_emb[: lm.dep_q - 1]]

    def __call__(self, text_token: torch.Tensor, heard: torch.Tensor, control: torch.Tensor) -> torch.Tensor:
        """(rows,), (rows, width of the transformer), (len(Control), rows) -> codes (rows, codebooks)."""
        lm = self._lm
        odds = self._streams.odds(control)
        cache = heard.new_empty(len(lm.depformer.layers), lm.dep_q, len(heard), 3 * self._width)
        projected: dict[int, torch.Tensor] = {}
        codes: list[torch.Tensor] = []
        for codebook in range(lm.dep_q):
            weights = self._weights[codebook]
            if weights not in projected:
                projected[weights] = lm.depformer_in[weights](heard)
            if codes:
                x = fused.add_row(projected[weights], self._tables[codebook - 1], codes[-1])
            else:
                x = self._add_text(projected[weights], text_token)
            for layer, past in zip(self._layers[codebook], cache, strict=True):
                self._apply(layer, past, codebook, x)
            logits = lm.linears[codebook](lm.depformer_norms[codebook](x))
            codes.append(odds.draw(codebook, logits))
        return torch.stack(codes, dim=1)

    def _apply(self, layer: Layer, past: torch.Tensor, codebook: int, x: torch.Tensor) -> None:
        """Change x, (rows, width), as the layer does; past, (codebooks, rows, 3 * width), is added to."""
        torch.mm(norm(layer.module.norm1, x), layer.into.t(), out=past[codebook])
        x.addmm_(fused.attend(past[: codebook + 1], self._heads), layer.out.t())
        hidden = gated(layer.gating, norm(layer.module.norm2, x))
        x.addmm_(hidden, layer.gating.linear_out.weight.t())


def _layer(layer: Any, weights: int) -> Layer:
    attention = layer.self_attn
    return Layer(layer, attention.in_projs[weights].weight, attention.out_projs[weights].weight, layer.gating[weights])


def _check_kind(lm: Any) -> None:
    layer = lm.depformer.layers[0]
    own_weights = len(layer.self_attn.in_projs) > 1 and lm.depformer_multi_linear
    plain = isinstance(layer.layer_scale_1, torch.nn.Identity) and layer.gating is not None
    known = own_weights and plain and layer.self_attn.rope is None and isinstance(layer.norm1, RMSNorm)
    if not known or lm.depformer_emb[0].norm is not None:
        raise NotSupported("This checkpoint's depformer is built in another way than that of Kyutai TTS 1.6B.")
