"""Which utterance sits in which slot. Knows no model, no thread, no clock.

First come, first served: whoever waits longest takes the next free slot, the lowest one. A bounded queue: one more is
refused. Not thread safe; whoever owns it brings the lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from speech.engines.base import Utterance


@dataclass(frozen=True, eq=False)
class Slot:
    """A row of the batch with somebody in it."""

    index: int
    utterance: Utterance


class Scheduler:
    def __init__(self, slots: int, max_queue: int) -> None:
        """slots: how many speak at once, 1 or more. max_queue: how many may wait, 0 or more."""
        self.slots_total = slots
        self.max_queue = max_queue
        self._seated: dict[int, Slot] = {}
        self._waiting: deque[Utterance] = deque()

    def admit(self, utterance: Utterance) -> bool:
        """Let it wait for a slot. False if the queue is full: neither seated nor waiting, as if it had never come."""
        self._drop_dead()
        free = self.slots_total - len(self._seated)
        if len(self._waiting) >= self.max_queue + free:
            return False
        self._waiting.append(utterance)
        return True

    def schedule(self) -> list[Slot]:
        """Seat as many as there are free slots; the slots newly taken, lowest first."""
        self._drop_dead()
        taken = []
        for index in range(self.slots_total):
            if not self._waiting:
                break
            if index not in self._seated:
                slot = Slot(index, self._waiting.popleft())
                self._seated[index] = slot
                taken.append(slot)
        return taken

    def release(self, slot: Slot) -> None:
        """The slot is free again. Does nothing if somebody else sits there by now."""
        if self._seated.get(slot.index) is slot:
            del self._seated[slot.index]

    @property
    def seated(self) -> list[Slot]:
        """Taken slots by index."""
        return [self._seated[index] for index in sorted(self._seated)]

    def position(self, utterance: Utterance) -> int | None:
        """Its place in the queue, 1 for the next; None if it does not wait, or could be seated now."""
        self._drop_dead()
        if utterance not in self._waiting:
            return None
        place = self._waiting.index(utterance) + 1 - (self.slots_total - len(self._seated))
        return place if place > 0 else None

    @property
    def queue_depth(self) -> int:
        """How many wait although they could not be seated now."""
        self._drop_dead()
        return max(0, len(self._waiting) - (self.slots_total - len(self._seated)))

    def clear(self) -> list[Utterance]:
        """Forget everybody; whoever sat or waited, in order."""
        everyone = [slot.utterance for slot in self.seated] + list(self._waiting)
        self._seated.clear()
        self._waiting.clear()
        return everyone

    def _drop_dead(self) -> None:
        """A cancelled utterance gives its place in the queue back without ever having had a slot."""
        if any(utterance.over for utterance in self._waiting):
            self._waiting = deque(u for u in self._waiting if not u.over)
