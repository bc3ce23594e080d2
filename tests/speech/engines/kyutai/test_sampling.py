"""Sampling by row: the right distribution, and noise that belongs to seed and step."""

from __future__ import annotations

import torch
from moshi.utils.sampling import sample_token

from speech.engines.kyutai.control import Control
from speech.engines.kyutai.sampling import Streams

DRAWS = 100_000
LOGITS = torch.randn(64, generator=torch.Generator().manual_seed(0)) * 2


def draw(temperature: float, top_k: int) -> torch.Tensor:
    """How often each of 64 candidates comes, as a share."""
    control = torch.zeros(len(Control), DRAWS, dtype=torch.int64)
    control[Control.STEP] = torch.arange(DRAWS)
    control[Control.TOP_K] = top_k
    control[Control.TEMPERATURE].view(torch.float64).fill_(temperature)
    tokens = Streams(3, 1, 64, 50).odds(control).draw(0, LOGITS.expand(DRAWS, -1))
    return torch.bincount(tokens, minlength=64) / DRAWS


def moshi_draws(temperature: float, top_k: int) -> torch.Tensor:
    torch.manual_seed(1)
    tokens = sample_token(LOGITS.expand(DRAWS, -1), True, temperature, top_k)
    return torch.bincount(tokens, minlength=64) / DRAWS


def test_the_distribution_is_moshis() -> None:
    for temperature, top_k in ((0.6, 10), (1.0, 50), (2.0, 3)):
        ours, theirs = draw(temperature, top_k), moshi_draws(temperature, top_k)
        assert (ours - theirs).abs().sum() / 2 < 0.01
        assert ours[theirs == 0].sum() < 1e-4
        assert theirs[ours == 0].sum() < 1e-4


def test_no_more_candidates_than_there_may_be() -> None:
    assert torch.equal(draw(1.0, 250), draw(1.0, 50))


def test_greedy_takes_the_best_whatever_the_noise() -> None:
    assert draw(0.0, 50)[LOGITS.argmax()] == 1.0
    assert draw(1.0, 1)[LOGITS.argmax()] == 1.0


def test_noise_belongs_to_seed_step_stream_and_candidate() -> None:
    seeds, steps = torch.tensor([5, 7, 5]), torch.tensor([11, 11, 12])
    streams = Streams(1, 8, 20, most=20)
    noise = streams.gumbel(seeds, steps)
    assert torch.equal(noise[1], streams.gumbel(torch.tensor([7]), torch.tensor([11]))[0]), "not to its row"
    assert torch.equal(noise[:, 3:], Streams(4, 5, 20, most=20).gumbel(seeds, steps)), "not to the streams beside it"
    assert not torch.isclose(noise[0], noise[1]).any()
    assert not torch.isclose(noise[0], noise[2]).any()


def test_noise_is_independent_and_well_spread() -> None:
    """The Gumbel distribution: mean 0.5772, variance pi squared over 6."""
    noise = Streams(1, 2, 500, most=50).gumbel(torch.arange(300), torch.zeros(300, dtype=torch.long)).flatten(1)
    assert abs(noise.mean() - 0.5772) < 0.01
    assert abs(noise.var() - torch.pi**2 / 6) < 0.03
    assert torch.corrcoef(noise[:60]).fill_diagonal_(0).abs().max() < 0.15
    assert torch.corrcoef(noise[:, :60].T).fill_diagonal_(0).abs().max() < 0.3
    assert torch.isfinite(noise).all()
