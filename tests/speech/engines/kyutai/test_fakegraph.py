"""The instrument itself: a fake CUDA graph breaks what a real one breaks."""

from __future__ import annotations

import pytest
import torch
from moshi.utils.compile import CUDAGraphed

from tests.speech.engines.kyutai.fakegraph import fake_graphs


def test_a_replay_sees_what_is_written_in_place_and_not_what_is_rebound() -> None:
    held = {"offset": torch.tensor([1.0])}
    with fake_graphs() as captured:
        add = CUDAGraphed(lambda x: x * 2 + held["offset"])
        results = [float(add(torch.tensor([3.0]))) for _ in range(3)]
        held["offset"] += 10
        in_place = float(add(torch.tensor([4.0])))
        held["offset"] = torch.tensor([100.0])
        rebound = float(add(torch.tensor([4.0])))
    assert results == [7, 7, 7]
    assert in_place == 19
    assert rebound == 19, "a stale address"
    assert captured[0].replays == 4


def test_capture_runs_nothing() -> None:
    state = torch.zeros(1)
    with fake_graphs():
        count = CUDAGraphed(lambda: state.add_(1).clone())
        seen = [float(count()) for _ in range(3)]
    assert seen == [1, 2, 3], "once a call, captured or not"


def test_what_needs_the_host_cannot_be_captured() -> None:
    with fake_graphs():
        read = CUDAGraphed(lambda x: x + x.sum().item(), warmup_steps=0)
        with pytest.raises(RuntimeError, match="not permitted"):
            read(torch.ones(2))


def test_moshi_is_as_before_afterwards() -> None:
    with fake_graphs():
        pass
    plain = CUDAGraphed(lambda x: x, disable=True)
    assert plain.disable
