"""Waiting for what another thread or process does without telling. Where there is an event, a test waits for that."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 60.0  # against hanging only
_POLL_S = 0.01


def wait_until(condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    """Ask until it is true. Raises AssertionError after timeout_s."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not true after {timeout_s} s"
        time.sleep(_POLL_S)
