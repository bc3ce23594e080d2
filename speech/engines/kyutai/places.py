"""Which row of the model each slot has. Those that step are kept lowest, so that a small batch holds them.

Plain arithmetic: knows no tensor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from speech.engines.batch.scheduler import StepKind

PATIENCE = 2  # steps for which fewer rows would have done before any are moved: a move costs about what one step saves


def tiers(slots: int) -> list[int]:
    """The sizes of batch that are stepped: powers of two, and all slots."""
    return [size for size in (1 << power for power in range(slots.bit_length())) if size < slots] + [slots]


@dataclass(frozen=True)
class Move:
    """Rows that change places pair by pair: each of `low` with the one of `high` beside it."""

    low: list[int]
    high: list[int]


class Places:
    def __init__(self, slots: int) -> None:
        self.tiers = tiers(slots)
        self._place = list(range(slots))  # by slot
        self._loose = dict.fromkeys(StepKind, 0)  # steps of each kind, in a row, that fewer rows could have held

    def __getitem__(self, slot: int) -> int:
        return self._place[slot]

    def rows(self, slots: Iterable[int]) -> int:
        """How many rows to step so that all these slots are among them."""
        return self._tier(max(self._place[slot] for slot in slots) + 1)

    def tidy(self, kind: StepKind, slots: tuple[int, ...]) -> Move | None:
        """What to move before these slots step so that fewer rows hold them, if that pays. Moved, as far as is known
        here."""
        enough = self._tier(len(slots))
        if enough == self.rows(slots):
            self._loose[kind] = 0
            return None
        self._loose[kind] += 1
        if self._loose[kind] < PATIENCE:
            return None
        self._loose[kind] = 0
        return self._swap(enough, slots)

    def _swap(self, enough: int, slots: tuple[int, ...]) -> Move:
        taken = {self._place[slot] for slot in slots}
        high = sorted(place for place in taken if place >= enough)
        low = [place for place in range(enough) if place not in taken][: len(high)]
        new = dict(zip(high + low, low + high, strict=True))
        self._place = [new.get(place, place) for place in self._place]
        return Move(low, high)

    def _tier(self, rows: int) -> int:
        return next(size for size in self.tiers if size >= rows)
