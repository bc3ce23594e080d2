"""How many rows the model's thread decodes beside its own work, so that it and the codec's end together (Balance).

Knows no model. With many rows the codec of a small model takes several times as long as the model itself.
"""

from __future__ import annotations


class Balance:
    """Learns from step to step: a row more or less."""

    def __init__(self) -> None:
        self._rows = 0

    def share(self, rows: int) -> int:
        """Of so many rows those that the model's thread decodes: half of them at most, so none of one."""
        return min(self._rows, rows // 2)

    def tell(self, waited_s: float, took_s: float, rows: int) -> None:
        """How a step went.

        waited_s: how much later than the model's thread the codec's ended, negative where it was sooner. took_s: how
        long that one took for its rows.
        """
        if rows == 0:
            return
        row_s = took_s / rows  # moving one over brings both ends nearer by about two of these
        if waited_s > row_s:
            self._rows = min(self._rows, rows) + 1
        elif waited_s < -row_s:
            self._rows = max(0, self._rows - 1)
