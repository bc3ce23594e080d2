"""A StepTransformer says what moshi's transformer says, with rows that move, rest and join, however long."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from moshi.modules.transformer import StreamingTransformer

from speech.engines.kyutai.backbone import StepTransformer, crowding
from speech.engines.kyutai.memory import SPEAKERS, VOICE_FRAMES, VOICE_KEYS
from speech.errors import NotSupported

SLOTS, WIDTH, CONTEXT = 3, 16, 6
COMMON = {"d_model": WIDTH, "num_heads": 2, "num_layers": 2, "causal": True, "context": CONTEXT, "dim_feedforward": 32}
LANGUAGE_MODEL = COMMON | {
    "positional_embedding": "rope",
    "norm": "rms_norm_f32",
    "gating": "silu",
    "cross_attention": True,
}
CODEC = COMMON | {"positional_embedding": "rope", "norm": "layer_norm", "layer_scale": 0.3}


def make(**kind: Any) -> StreamingTransformer:
    torch.manual_seed(0)
    transformer = StreamingTransformer(**kind).eval()
    for name, parameter in transformer.named_parameters():
        torch.nn.init.normal_(parameter, mean=1.0 if "alpha" in name else 0.0, std=0.25)
    return transformer


def voice() -> torch.Tensor:
    """(1, all frames, width): one speaker's, and padding that is the same in every frame."""
    padding = torch.randn(1, 1, WIDTH).expand(-1, (SPEAKERS - 1) * VOICE_FRAMES, -1)
    return torch.cat([torch.randn(1, VOICE_FRAMES, WIDTH), padding], dim=1)


def crossed(transformer: StreamingTransformer) -> list[Any]:
    return [layer.cross_attention for layer in transformer.layers]


@pytest.mark.parametrize("whole_past", [True, False])
@pytest.mark.parametrize(("kind", "steps"), [(LANGUAGE_MODEL, 1), (CODEC, 2)], ids=["language model", "codec"])
@torch.inference_mode()
def test_it_says_what_moshis_says(kind: dict[str, Any], steps: int, whole_past: bool) -> None:
    """Six times round the ring, at random who moves on and who begins anew with another voice."""
    theirs = make(**kind)
    ours = StepTransformer(copy.deepcopy(theirs))
    ours.whole_past = whole_past
    theirs.streaming_forever(SLOTS)
    ours.streaming_forever(SLOTS)
    source = torch.cat([voice() for _ in range(SLOTS)]) if "cross_attention" in kind else None
    seen = torch.zeros(SLOTS, dtype=torch.bool)
    if source is not None:
        ours.write_voices(ours.state.voices, torch.arange(SLOTS), source[:, :VOICE_KEYS])
    for turn in range(6 * CONTEXT):
        joins = torch.rand(SLOTS) < 0.05
        moves = torch.rand(SLOTS) < 0.7
        for transformer in (theirs, ours):
            transformer.reset_streaming(joins)
            transformer.set_exec_mask(moves)
        if source is not None and turn and joins.any():
            index = joins.nonzero()[:, 0]
            source[index] = torch.cat([voice() for _ in index])
            ours.write_voices(ours.state.voices, index, source[index, :VOICE_KEYS])
            for attention in crossed(theirs):
                attention.update_streaming_cross_attention_src(source)
        x = torch.randn(SLOTS, steps, WIDTH)
        expected, got = theirs(x, cross_attention_src=source), ours(x)
        assert torch.allclose(got[moves], expected[moves], rtol=1e-4, atol=1e-4), turn
        seen |= moves
    assert seen.all()


@torch.inference_mode()
def test_of_a_short_past_no_more_is_read_than_was_written() -> None:
    ours = StepTransformer(make(**LANGUAGE_MODEL))
    ours.whole_past = False
    with ours.streaming(1):
        ours.write_voices(ours.state.voices, torch.tensor([0]), voice()[:, :VOICE_KEYS])
        ours.state.past.fill_(math.nan)
        assert all(ours(torch.randn(1, 1, WIDTH)).isfinite().all() for _ in range(CONTEXT + 2))


@torch.inference_mode()
def test_all_of_a_voice_is_heard() -> None:
    """Else the comparison above would not notice a voice left out, or its padding."""
    ours = StepTransformer(make(**LANGUAGE_MODEL))
    x, source = torch.randn(1, 1, WIDTH), voice()[:, :VOICE_KEYS]
    said = []
    for change in (None, VOICE_FRAMES - 1, VOICE_FRAMES):
        heard = source.clone()
        if change is not None:
            heard[:, change] += 1.0
        with ours.streaming(1):
            ours.write_voices(ours.state.voices, torch.tensor([0]), heard)
            said.append(ours(x))
    assert not torch.allclose(said[0], said[1], atol=1e-5)
    assert not torch.allclose(said[0], said[2], atol=1e-5)


@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-4), (torch.float16, 1e-5)])
def test_a_few_keys_weigh_as_much_as_all_the_padding(dtype: torch.dtype, within: float) -> None:
    scores = crowding(dtype).double()[0]
    assert scores.shape == (VOICE_KEYS,)
    assert not scores[:VOICE_FRAMES].any()
    assert scores[VOICE_FRAMES:].exp().sum().item() == pytest.approx((SPEAKERS - 1) * VOICE_FRAMES, rel=within)
    assert math.isfinite(scores[VOICE_FRAMES])


@pytest.mark.parametrize(
    "other", [{"positional_embedding": "sin"}, {"positional_embedding": "rope_concat"}, {"causal": False}]
)
def test_another_kind_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(NotSupported, match="another way"):
        StepTransformer(make(**CODEC | other))
