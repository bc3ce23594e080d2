"""moshi's transformers, all rows a step at a time: its weights, and a state of our own that takes fewer kernels.

What is the same in every layer (the rotation by position, the place in the past to write to, what may be heard of it)
is worked out once a step. The past and the voices of all layers lie in two tensors, so that a row joins and rests by
one write. Knows no text, no codes, no audio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from moshi.modules.streaming import State, StreamingModule
from moshi.modules.transformer import RMSNorm, StreamingTransformer

from speech.engines.kyutai import fused
from speech.engines.kyutai.memory import SPEAKERS, VOICE_FRAMES, VOICE_KEYS
from speech.errors import NotSupported


@dataclass
class StepState(State):
    """What one transformer remembers. Written in place only: CUDA graphs read it at these addresses."""

    offset: torch.Tensor  # (slots,): steps made
    past: torch.Tensor  # (layers, keys and values, slots, heads, context, head_dim), a ring by step
    voices: torch.Tensor | None  # (layers, keys and values, slots, heads, VOICE_KEYS, head_dim)

    def reset(self, reset_mask: torch.Tensor) -> None:
        super().reset(reset_mask)
        self.offset.masked_fill_(reset_mask, 0)


@dataclass(frozen=True)
class Moment:
    """What one step is for all layers alike."""

    turn: torch.Tensor  # (slots, steps, 1, 1, head_dim / 2), complex: the rotation of queries and keys
    place: torch.Tensor  # (1, slots, 1, steps, 1): where in the past the new keys and values go
    audible: torch.Tensor  # (slots, 1, steps, places): 0, or minus infinity for what is not to be heard


class StepTransformer(StreamingModule[StepState]):
    """Stands in for a StreamingTransformer of which it takes hold. Only for streaming; respects the exec mask.

    whole_past: each step reads all places of the past, with one shape for ever, as a CUDA graph needs it. Else it asks
    how far the rows are, and reads the places that were written.
    """

    whole_past = True

    def __init__(self, transformer: Any) -> None:
        """Raises NotSupported for a transformer that is built in another way than those of Kyutai TTS and Mimi."""
        super().__init__()
        _check_kind(transformer)
        transformer.set_streaming_detached(True)  # its own state is not needed
        self.transformer = transformer
        attention = transformer.layers[0].self_attn
        self._heads, self._head_dim = attention.num_heads, attention.embed_dim // attention.num_heads
        self._context = attention.context
        # torch's memory-efficient attention copies a mask, in every layer, unless its rows begin at multiples of 8.
        self._row = math.ceil(self._context / 8) * 8
        weight = attention.in_projs[0].weight
        device = weight.device
        self._crowding = crowding(weight.dtype).to(device)
        self._count = torch.arange(self._row, device=device)
        self._zero, self._one = weight.new_zeros(()), torch.ones((), device=device)
        half = torch.arange(self._head_dim // 2, device=device, dtype=torch.float32)
        self._frequencies = torch.exp(half * (-2 * math.log(transformer.rope.max_period) / self._head_dim))

    def _init_streaming_state(self, batch_size: int) -> StepState:
        layers, weight = self.transformer.layers, self.transformer.layers[0].self_attn.in_projs[0].weight
        shape = (len(layers), 2, batch_size, self._heads)
        crossed = layers[0].cross_attention is not None
        return StepState(
            batch_size,
            weight.device,
            offset=torch.zeros(batch_size, dtype=torch.int64, device=weight.device),
            past=weight.new_zeros(*shape, self._context, self._head_dim),
            voices=weight.new_zeros(*shape, VOICE_KEYS, self._head_dim) if crossed else None,
        )

    @property
    def state(self) -> StepState:
        """While it streams."""
        assert self._streaming_state is not None
        return self._streaming_state

    def write_voices(self, voices_of_layers: torch.Tensor, slots: torch.Tensor, sources: torch.Tensor) -> None:
        """Give slots, (joins,), the voices to hear: sources (joins, VOICE_KEYS, width), see Conditions.voice.

        voices_of_layers: the whole of StepState.voices.
        """
        for layer, voices in zip(self.transformer.layers, voices_of_layers, strict=True):
            attention = layer.cross_attention
            keys_and_values = F.linear(sources, attention.in_projs[0].weight[attention.embed_dim :])
            split = keys_and_values.view(*sources.shape[:2], 2, self._heads, self._head_dim)
            voices.index_copy_(1, slots, split.permute(2, 0, 3, 1, 4))

    def forward(self, x: torch.Tensor, cross_attention_src: None = None) -> torch.Tensor:
        """(slots, steps, width) -> the same."""
        state, steps = self.state, x.shape[1]
        moment = self._moment(state.offset, steps)
        given, past = x, state.past[..., : moment.audible.shape[-1], :]
        for number, layer in enumerate(self.transformer.layers):
            heard = _attend(layer.self_attn, past[number], moment, norm(layer.norm1, x))
            x = _add(x, layer.layer_scale_1, heard, layer.self_attn.out_projs[0], keep=x is given)
            if state.voices is not None:
                query = layer.norm_cross(x)
                heard = _hear_voice(layer.cross_attention, state.voices[number], self._crowding, query)
                x = _add(x, layer.layer_scale_cross, heard, layer.cross_attention.out_projs[0])
            x = _add(x, layer.layer_scale_2, *_hidden(layer, norm(layer.norm2, x)))
        state.offset.add_(state.exec_mask, alpha=steps)
        return x

    def _moment(self, offset: torch.Tensor, steps: int) -> Moment:
        now = offset[:, None] + self._count[:steps]  # (slots, steps)
        angles = now[:, :, None] * self._frequencies
        places, last = self._places(offset, steps), now[:, -1:]
        # (slots, places): how many steps ago each place of the past was written to, if ever
        age = (last - self._count[: math.ceil(places / 8) * 8]) % self._context
        unheard = (age > last)[:, None]
        if steps > 1:
            unheard = unheard | (age[:, None] < (last - now)[:, :, None])
        return Moment(
            turn=torch.polar(self._one.expand_as(angles), angles)[:, :, None, None],
            place=(now % self._context)[None, :, None, :, None],
            audible=torch.where(unheard, -math.inf, self._zero)[:, None, :, :places],
        )

    def _places(self, offset: torch.Tensor, steps: int) -> int:
        """So many places of the past are read, from the first on."""
        context: int = self._context
        return context if self.whole_past else min(context, int(offset.max()) + steps)


def crowding(dtype: torch.dtype) -> torch.Tensor:
    """(1, VOICE_KEYS): what is added to the scores of a voice's keys.

    moshi pads a voice to SPEAKERS times VOICE_FRAMES keys and lets all be heard. The padded ones are all alike, so a
    few stand for the lot: a key with the score s + log(n) weighs as much as n keys with the score s. Where log(n) is
    rounded, as in bfloat16, it is rounded down, and the next key weighs what is missing.
    """
    scores, missing = torch.zeros(1, VOICE_KEYS, dtype=dtype), float((SPEAKERS - 1) * VOICE_FRAMES)
    for key in range(VOICE_FRAMES, VOICE_KEYS):
        score = torch.tensor(math.log(missing) if missing > 0 else -math.inf, dtype=dtype)
        if math.exp(score) > missing:
            score = torch.nextafter(score, torch.tensor(-math.inf, dtype=dtype))
        scores[0, key] = score
        missing -= math.exp(score)
    return scores


def norm(module: Any, x: torch.Tensor) -> torch.Tensor:
    """What the module gives; moshi's RMSNorm in one kernel."""
    if not isinstance(module, RMSNorm):
        result: torch.Tensor = module(x)
        return result
    alpha: Any = module.alpha.view(-1)
    return fused.rms_norm(x.to(alpha.dtype).contiguous(), alpha, module.eps).to(x.dtype)


def _attend(attention: Any, past: torch.Tensor, moment: Moment, x: torch.Tensor) -> torch.Tensor:
    """Self-attention over the past, (2, slots, heads, context, head_dim), to which this step is added; before the
    projection of its output."""
    slots, steps, width = x.shape
    projected = attention.in_projs[0](x).view(slots, steps, 3, attention.num_heads, -1)
    _turn(projected[:, :, :2].unflatten(-1, (-1, 2)), moment.turn)
    new = projected[:, :, 1:].permute(2, 0, 3, 1, 4)
    past.scatter_(3, moment.place.expand_as(new), new)
    query = projected[:, :, 0].transpose(1, 2)
    heard = F.scaled_dot_product_attention(query, past[0], past[1], moment.audible)
    return heard.transpose(1, 2).reshape(slots, steps, width)


def _turn(pairs: torch.Tensor, turn: torch.Tensor) -> None:
    """Rotate pairs, (..., 2), in place; torch has complex numbers of float32, none of bfloat16."""
    turned = torch.view_as_complex(pairs.float()).mul_(turn)
    if pairs.dtype is not torch.float32:
        pairs.copy_(torch.view_as_real(turned))


def _hear_voice(attention: Any, voices: torch.Tensor, crowding: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Cross attention to each row's voice, (2, slots, heads, VOICE_KEYS, head_dim), before its output's projection."""
    slots, steps, width = x.shape
    query = F.linear(x, attention.in_projs[0].weight[:width]).view(slots, steps, attention.num_heads, -1)
    heard = F.scaled_dot_product_attention(query.transpose(1, 2), voices[0], voices[1], crowding)
    return heard.transpose(1, 2).reshape(slots, steps, width)


def _hidden(layer: Any, x: torch.Tensor) -> tuple[torch.Tensor, Any]:
    """What the feed-forward part of a layer hands to its last projection, and that projection."""
    if layer.gating is not None:
        return gated(layer.gating, x), layer.gating.linear_out
    return layer.activation(layer.linear1(x)), layer.linear2


def gated(gating: Any, x: torch.Tensor) -> torch.Tensor:
    """moshi's ActivationGating, with SiLU, before its last projection."""
    return fused.silu_mul(F.linear(x, gating.linear_in.weight))


def _add(x: torch.Tensor, scale: Any, heard: torch.Tensor, project: Any, keep: bool = False) -> torch.Tensor:
    """x + scale(project(heard)), where scale is moshi's LayerScale or nothing; in place of x unless it is to be kept.

    Without a scale the product adds to x as it is made.
    """
    if not isinstance(scale, torch.nn.Identity):
        return torch.addcmul(x, scale.scale, project(heard))
    flat, factors = x.flatten(0, 1), (heard.flatten(0, 1), project.weight.t())
    return (torch.addmm(flat, *factors) if keep else flat.addmm_(*factors)).view(x.shape)


def take_over(owner: Any) -> StepTransformer:
    """Have a StepTransformer stand in for the owner's transformer, and return it."""
    owner.transformer = StepTransformer(owner.transformer)
    return cast(StepTransformer, owner.transformer)


def _check_kind(transformer: Any) -> None:
    attention = transformer.layers[0].self_attn
    if (
        type(transformer) is not StreamingTransformer
        or transformer.positional_embedding != "rope"
        or not attention.causal
        or attention.context is None
        or attention.kv_repeat != 1
        or attention.weights_per_step
        or not _known_sums(transformer.layers[0])
    ):
        raise NotSupported("A transformer of this checkpoint is built in another way than those of Kyutai TTS 1.6B.")


def _known_sums(layer: Any) -> bool:
    """What _add and `gated` take as given."""
    silu = layer.gating is None or layer.gating.activation is F.silu
    return silu and layer.self_attn.out_projs[0].bias is None
