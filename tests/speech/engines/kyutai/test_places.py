"""Which rows the slots have: small batches for few, and never two slots in one row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.engines.batch.scheduler import StepKind
from speech.engines.kyutai.places import PATIENCE, Move, Places, tiers


@pytest.mark.parametrize(
    ("slots", "sizes"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 3]),
        (8, [1, 2, 4, 8]),
        (40, [1, 2, 4, 8, 16, 32, 40]),
        (64, [1, 2, 4, 8, 16, 32, 64]),
    ],
)
def test_powers_of_two_and_all(slots: int, sizes: list[int]) -> None:
    assert tiers(slots) == sizes


def test_the_smallest_batch_that_holds_them() -> None:
    places = Places(32)
    assert places.rows([0]) == 1
    assert places.rows([0, 2]) == 4
    assert places.rows([16]) == 32


def test_a_high_row_is_moved_once_it_pays() -> None:
    places = Places(32)
    for _ in range(PATIENCE - 1):
        assert places.tidy(StepKind.FULL, (20,)) is None
    assert places.tidy(StepKind.FULL, (20,)) == Move([0], [20])
    assert (places[20], places[0]) == (0, 20)
    assert places.rows([20]) == 1
    assert places.tidy(StepKind.FULL, (20,)) is None


def test_steps_of_another_kind_do_not_count() -> None:
    places = Places(32)
    for _ in range(PATIENCE):
        places.tidy(StepKind.TEXT_ONLY, (20,))
        assert places.tidy(StepKind.FULL, tuple(range(21))) is None


@given(st.lists(st.sets(st.integers(0, 15), min_size=1).map(sorted).map(tuple), max_size=40))
def test_every_slot_keeps_a_row_of_its_own(steps: list[tuple[int, ...]]) -> None:
    """And what is moved is what the model is told to move."""
    places, contents = Places(16), list(range(16))  # by row: whose state lies there
    for slots in steps:
        move = places.tidy(StepKind.FULL, slots)
        if move is not None:
            for low, high in zip(move.low, move.high, strict=True):
                contents[low], contents[high] = contents[high], contents[low]
            assert places.rows(slots) == next(size for size in places.tiers if size >= len(slots))
        assert [contents[places[slot]] for slot in range(16)] == list(range(16))
