"""Barks at what does not end, and at nothing else."""

from __future__ import annotations

import threading

from speech.engines.batch.watchdog import Watchdog

WAIT_S = 20.0


def test_it_barks_once_at_what_does_not_end() -> None:
    barked, barks = threading.Event(), []

    def bark() -> None:
        barks.append(True)
        barked.set()

    watchdog = Watchdog(0.01, bark)
    with watchdog:
        assert barked.wait(WAIT_S)
    with watchdog:
        pass
    assert watchdog.barked
    assert barks == [True]


def test_what_ends_in_time_is_left_alone() -> None:
    """Each block takes a second on the clock, all of them far longer than the limit."""
    now, barked = [0.0], threading.Event()
    watchdog = Watchdog(5.0, barked.set, clock=lambda: now[0])
    for _ in range(100):
        with watchdog:
            now[0] += 1.0
    watchdog.close()
    assert not barked.is_set()
