"""How those who build or fetch something tell how far they are. Plain types."""

from __future__ import annotations

from collections.abc import Callable

# What is being done, how much of it is done, how much there is (bytes), and how many seconds it will take, if known.
Progress = Callable[[str, float, float, float | None], None]


def silent(_doing: str, _done: float, _total: float, _seconds_left: float | None) -> None:
    """A Progress for callers that show nothing."""
