"""The instrument itself: a fake CUDA graph breaks what a real one breaks."""

from __future__ import annotations

import pytest
import torch

from tests.speech.engines.kyutai.fakegraph import FakeGraphs


def test_a_replay_sees_what_is_written_in_place_and_not_what_is_rebound() -> None:
    held = {"offset": torch.tensor([1.0])}
    x, result, graphs = torch.tensor([3.0]), torch.zeros(1), FakeGraphs()
    add = graphs.part(lambda: result.copy_(x * 2 + held["offset"]))

    def run() -> float:
        graphs.do(add)
        graphs.mark()()
        return float(result)

    assert [run() for _ in range(3)] == [7, 7, 7]
    held["offset"] += 10
    assert run() == 17
    held["offset"] = torch.tensor([100.0])
    assert run() == 17, "a stale address"
    assert graphs.captured[0].replays == 5


def test_capture_runs_nothing() -> None:
    count, graphs = torch.zeros(1), FakeGraphs()
    part = graphs.part(lambda: count.add_(1))
    assert count == 1, "the run before it"
    graphs.do(part)
    graphs.mark()()
    assert count == 2


def test_what_needs_the_host_cannot_be_captured() -> None:
    x = torch.ones(2)
    with pytest.raises(RuntimeError, match="not permitted"):
        FakeGraphs().part(lambda: x.add_(x.sum().item()))


def test_nothing_runs_before_somebody_waits_for_it() -> None:
    x, graphs = torch.zeros(1), FakeGraphs()
    graphs.do(lambda: x.add_(1))
    first = graphs.mark()
    graphs.do(lambda: x.add_(10))
    assert x == 0
    first()
    assert x == 1
    graphs.mark()()
    assert x == 11
