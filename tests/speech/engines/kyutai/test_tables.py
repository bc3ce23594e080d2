"""What is looked up at once is what moshi's embeddings give one by one."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from moshi.models.lm_utils import ScaledEmbedding

from speech.engines.kyutai.tables import full_rank, join_codes, text_adder

CARD, WIDTH = 7, 6


@torch.inference_mode()
def test_codes_of_all_codebooks() -> None:
    embeddings = [ScaledEmbedding(CARD + number, WIDTH) for number in range(3)]
    theirs = copy.deepcopy(embeddings)
    table, starts = join_codes(embeddings)
    codes = torch.tensor([[0, 3, -1], [CARD - 1, CARD, CARD + 1], [-1, -1, -1]])
    right = torch.stack([embedding(codes[:, number]) for number, embedding in enumerate(theirs)], dim=1)
    assert torch.equal(F.embedding(codes + starts, table), right)
    assert not right[2].any()


@torch.inference_mode()
@pytest.mark.parametrize("low_rank", [None, 4])
@pytest.mark.parametrize("two_words", [True, False])
def test_text(two_words: bool, low_rank: int | None) -> None:
    ours = ScaledEmbedding(CARD, WIDTH, demux_second_stream=two_words, low_rank=low_rank)
    theirs = copy.deepcopy(ours)
    add = text_adder(ours)
    tokens = torch.arange(CARD * (CARD + 1) if two_words else CARD)
    x = torch.randn(len(tokens), WIDTH)
    assert torch.allclose(add(x, tokens), x + theirs(tokens), atol=1e-5)
    assert torch.allclose(ours(tokens), theirs(tokens), atol=1e-5), "moshi's module still gives the same"
    assert theirs(tokens).unique(dim=0).shape[0] == len(tokens), "else any token would do"


@torch.inference_mode()
def test_the_factors_of_a_low_rank_multiplied_out() -> None:
    embedding = ScaledEmbedding(CARD, WIDTH, low_rank=2)
    assert torch.allclose(full_rank(embedding), embedding(torch.arange(CARD)), atol=1e-6)
