"""Which utterance sits in which slot, and which slots run in the next step. Knows no model, no thread, no clock.

Free slots are dealt by caller (line.py), those who have fewest first, the lowest slot first. A bounded queue: one more
is refused. Not thread safe; its owner brings the lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from speech.engines.base import Utterance
from speech.engines.batch.line import Line


@dataclass(frozen=True, eq=False)
class Slot:
    """A row of the batch and the utterance in it."""

    index: int
    utterance: Utterance


class Scheduler:
    def __init__(self, slots: int, max_queue: int) -> None:
        """slots: how many speak at once, 1 or more. max_queue: how many may wait, 0 or more."""
        self.slots_total = slots
        self.max_queue = max_queue
        self._seated: dict[int, Slot] = {}  # in the order in which they sat down
        self._waiting: Line[Utterance] = Line()

    def admit(self, utterance: Utterance) -> bool:
        """Let it wait for a slot. False if the queue is full: neither seated nor waiting, as if it had never come."""
        if not self.has_room:
            return False
        self._waiting.add(utterance.request.caller, utterance)
        return True

    @property
    def has_room(self) -> bool:
        """One more utterance can be admitted."""
        self._drop_dead()
        return len(self._waiting) < self.max_queue + self.slots_total - len(self._seated)

    def schedule(self) -> list[Slot]:
        """Seat as many as there are free slots; the slots newly taken, lowest first."""
        self._drop_dead()
        taken = []
        for index in range(self.slots_total):
            if not self._waiting:
                break
            if index not in self._seated:
                slot = Slot(index, self._waiting.take(self._seats_of()))
                self._seated[index] = slot
                taken.append(slot)
        return taken

    def rest(self, may_rest: Callable[[Slot], bool]) -> Slot | None:
        """Let one who sits wait again, ahead of its caller's others, so that another caller's can sit; its old slot.

        may_rest: whether it can go on later. Of the caller with most seats the one that has sat longest rests, if the
        next to sit is of a caller with at least two seats fewer: so nothing goes to and fro, and `schedule` seats the
        other. None: none needs to rest, or can.
        """
        self._drop_dead()
        if not self._waiting or len(self._seated) < self.slots_total:
            return None
        seats = self._seats_of()
        fewest = seats(self._waiting.next_caller(seats))
        rich = [slot for slot in self._seated.values() if seats(slot.utterance.request.caller) >= fewest + 2]
        able = [slot for slot in rich if may_rest(slot)]
        slot = max(able, key=lambda slot: seats(slot.utterance.request.caller), default=None)
        if slot is not None:
            del self._seated[slot.index]
            self._waiting.put_back(slot.utterance.request.caller, slot.utterance)
        return slot

    def _seats_of(self) -> Callable[[str], int]:
        """How many seats a caller has now."""
        return Counter(slot.utterance.request.caller for slot in self._seated.values()).__getitem__

    def release(self, slot: Slot) -> None:
        """The slot is free again. Does nothing if another utterance sits there by now."""
        if self._seated.get(slot.index) is slot:
            del self._seated[slot.index]

    @property
    def seated(self) -> list[Slot]:
        """Taken slots by index."""
        return [self._seated[index] for index in sorted(self._seated)]

    def position(self, utterance: Utterance) -> int | None:
        """Its place in the queue, 1 for the next; None if it does not wait, or could be seated now."""
        self._drop_dead()
        free = self.slots_total - len(self._seated)
        place = next((place for place, waiting in enumerate(self._waiting, 1) if waiting is utterance), 0)
        return place - free if place > free else None

    @property
    def queue_depth(self) -> int:
        """How many wait although they could not be seated now."""
        self._drop_dead()
        return max(0, len(self._waiting) - (self.slots_total - len(self._seated)))

    def clear(self) -> list[Utterance]:
        """Forget all utterances; those that sat or waited, in order."""
        everyone = [slot.utterance for slot in self.seated] + list(self._waiting)
        self._seated.clear()
        self._waiting.clear()
        return everyone

    def _drop_dead(self) -> None:
        """A cancelled utterance gives its place in the queue back without ever having had a slot."""
        if any(utterance.over for utterance in self._waiting):
            self._waiting.keep(lambda utterance: not utterance.over)


class StepKind(Enum):
    """What one step of the model computes."""

    TEXT_ONLY = (
        "text only"  # the text runs ahead of the audio: cheap, silent, only for those who have not begun to sound
    )
    FULL = "full"


@dataclass(frozen=True)
class Step:
    """One step of the batch: these rows move on, all others stand still."""

    kind: StepKind
    rows: tuple[int, ...]


class Interleaver:
    """Which rows run in the next step.

    A newcomer has a run of text-only steps before it sounds. It takes part in every step; between two full steps of
    those who sound already there are at most `most_between` text-only ones. So the newcomer starts after as many steps
    as if it were alone, and no other row waits longer for a frame than most_between + 1 steps. A patient newcomer, for
    whose sound no one waits, takes part in the full steps of the others, and holds up none.
    """

    def __init__(self, most_between: int = 2) -> None:
        self.most_between = most_between
        self._between = 0  # text-only steps since a row that sounds had to stand by

    def plan(self, needs: Mapping[int, StepKind], patient: Collection[int] = ()) -> Step | None:
        """The next step, or None if no row can move. needs: what each row that can move now needs. patient: rows."""
        if not needs:
            return None
        quiet = tuple(row for row, kind in needs.items() if kind is StepKind.TEXT_ONLY)
        if len(quiet) == len(needs):
            self._between = 0
            return Step(StepKind.TEXT_ONLY, quiet)
        if self._between < self.most_between and any(row not in patient for row in quiet):
            self._between += 1
            return Step(StepKind.TEXT_ONLY, quiet)
        self._between = 0
        return Step(StepKind.FULL, tuple(needs))
