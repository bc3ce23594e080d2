"""Both threads end together, whatever the model and the codec take."""

from __future__ import annotations

import pytest

from speech.engines.pocket.balance import Balance


def settle(balance: Balance, rows: int, make: float, row: float, steps: int = 40) -> int:
    """Steps in which the model takes `make` seconds and each row of the codec `row`; the share that comes of it."""
    for _ in range(steps):
        here = balance.share(rows)
        there = rows - here
        balance.tell(there * row - (make + here * row), there * row, there)
    return balance.share(rows)


@pytest.mark.parametrize(
    ("rows", "make", "row", "share"),
    [(16, 10.0, 2.5, 6), (16, 0.1, 2.5, 8), (16, 100.0, 2.5, 0), (4, 5.0, 5.0, 1), (1, 0.1, 9.0, 0), (2, 0.1, 9.0, 1)],
)
def test_it_settles_where_both_end_together(rows: int, make: float, row: float, share: int) -> None:
    assert abs(settle(Balance(), rows, make, row) - share) <= 1 if share else settle(Balance(), rows, make, row) == 0


def test_it_stays_there() -> None:
    balance = Balance()
    assert settle(balance, 16, 10.0, 2.5) == settle(balance, 16, 10.0, 2.5, steps=1)


def test_fewer_rows_do_not_make_it_grow() -> None:
    balance = Balance()
    settle(balance, 16, 0.1, 2.5, steps=400)
    assert settle(balance, 16, 100.0, 2.5, steps=12) == 0


def test_a_step_without_sound_says_nothing() -> None:
    balance = Balance()
    balance.tell(-5.0, 0.0, 0)
    assert balance.share(16) == 0
