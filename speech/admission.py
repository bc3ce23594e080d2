"""Who may come in, and when to come back (Admission): the one bound, the one refusal, the one Retry-After.

There are as many places as slots and seats in the queue. Places are dealt by caller: when none is free, a caller with
fewer gets one from the caller with most, whose youngest request that still waits is refused after all. (Routers drop
from the longest queue in the same way.) One caller alone fills everything.

Each refusal is a promise: the request that comes again after Retry-After seconds gets a place. Promises fall due one
after the other, at the pace at which places become free, and a newcomer is refused while its place is promised.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from speech.errors import ErrorCode, QueueFull, Unavailable
from speech.request import SpeechRequest

HELD_S = 5.0  # how long speech holds a slot: the first guess
HELD_WEIGHT = 0.1  # how much each one changes it; the first ones more, as in a mean
MARGIN = 1.25  # speech is not equally long: so much later than the mean says
CUSHION = 0.1  # of all places: so many stay free for promises, as no forecast is exact
EARLY_S, LATE_S = 0.5, 2.0  # who comes so long before or after the time told has obeyed
MOST_PROMISES = 4096  # more are told a time, but no place is kept for them


class Guest(Protocol):
    """One that was let in, or asks to be; Speech."""

    request: SpeechRequest

    @property
    def begun_at(self) -> float | None:
        """When it got its slot, on the admission's clock; None: not yet."""

    def give_way(self, error: QueueFull) -> bool:
        """End with the error if it still waits for a slot; False: it does not."""


@dataclass(frozen=True)
class _Promise:
    """A place for one request of a caller, which is told by its content when it comes again."""

    caller: str
    request: int  # its hash: a text may be long
    due: float


class Admission:
    """Every method may be called from any thread."""

    def __init__(
        self, slots: Callable[[], int], places: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """slots: how many speak at once, 1 or more. places: how many may speak or wait. Both may change."""
        self._slots, self._places, self._clock = slots, places, clock
        self._changed = threading.Condition()  # guards all below
        self._open: set[Guest] = set()
        self._held: dict[Guest, bool] = {}  # who has a place, oldest first; whether it takes a channel
        self._promises: list[_Promise] = []
        self._held_s, self._ended = HELD_S, 0
        self.draining = False  # nothing is let in any more; set without the lock

    @property
    def open(self) -> int:
        """How many came in and have not left."""
        return len(self._open)

    def admit(self, guest: Guest, channel: bool = False) -> None:
        """Let it in until it leaves.

        channel: it takes one of as many channels as there are slots, and is refused where none is free.
        Raises QueueFull, Unavailable while draining.
        """
        slots, places = self._slots(), self._places()
        with self._changed:
            if self.draining:
                raise Unavailable("The service is shutting down.", code=ErrorCode.DRAINING, retry_after_s=5)
            if channel and sum(self._held.values()) >= slots:
                raise QueueFull(retry_after_s=self._told_s(guest.request.caller, slots))
            if not self._has_place(guest.request, slots, places):
                raise self._refusal(guest.request, slots)
            self._open.add(guest)
            self._held[guest] = channel

    def leave(self, guest: Guest) -> None:
        """It is over, however it went."""
        with self._changed:
            self._open.discard(guest)
            self._held.pop(guest, None)
            self._changed.notify_all()
            if guest.begun_at is not None:
                self._ended += 1
                self._held_s += max(HELD_WEIGHT, 1 / (self._ended + 2)) * (
                    self._clock() - guest.begun_at - self._held_s
                )

    def refusal(self, request: SpeechRequest) -> QueueFull:
        """For one that was let in and has to go after all."""
        slots = self._slots()
        with self._changed:
            return self._refusal(request, slots)

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until all have left; False if some have not after timeout_s."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, timeout_s)

    # -- places (the lock is held) --------------------------------------------------------------------------------

    def _has_place(self, request: SpeechRequest, slots: int, places: int) -> bool:
        promised = self._redeem(request)
        free = places - len(self._held)
        if free > 0 and (promised or self._is_spare(request.caller, free, slots)):
            return True
        return self._make_room(request.caller, slots)

    def _make_room(self, caller: str, slots: int) -> bool:
        """Let the caller who has most places give one up, if it then still has as many as this one."""
        has = Counter(guest.request.caller for guest in self._held)
        most = max(has, key=has.__getitem__, default=caller)
        if has[most] < has[caller] + 2:
            return False
        for guest in reversed([guest for guest in self._held if guest.request.caller == most]):
            error = QueueFull(retry_after_s=self._told_s(most, slots))
            if guest.give_way(error):
                del self._held[guest]
                self._promise(guest.request, error)
                return True
        return False

    # -- promises (the lock is held) ------------------------------------------------------------------------------

    def _refusal(self, request: SpeechRequest, slots: int) -> QueueFull:
        error = QueueFull(retry_after_s=self._told_s(request.caller, slots))
        self._promise(request, error)
        return error

    def _promise(self, request: SpeechRequest, error: QueueFull) -> None:
        if error.retry_after_s is not None and len(self._promises) < MOST_PROMISES:
            self._promises.append(_Promise(request.caller, hash(request), self._clock() + error.retry_after_s))

    def _told_s(self, caller: str, slots: int) -> float:
        """Whole seconds, as Retry-After has them, until the place after those that are promised is free."""
        before = len(self._ahead_of(caller))
        return float(math.ceil(MARGIN * (before + 1) / self._pace(slots)))

    def _pace(self, slots: int) -> float:
        """Places that become free in a second: as of the speech that ended, and of that which still speaks."""
        now = self._clock()
        ages = [now - guest.begun_at for guest in self._held if guest.begun_at is not None]
        return slots / max(self._held_s, fmean(ages) if ages else 0.0, 1e-3)

    def _ahead_of(self, caller: str) -> list[float]:
        """When the promises are due that come before one more to this caller: callers take turns here as well."""
        now = self._clock()
        self._promises = [promise for promise in self._promises if promise.due > now - LATE_S]
        turn = 1 + sum(promise.caller == caller for promise in self._promises)
        seen: Counter[str] = Counter()
        ahead = []
        for promise in self._promises:
            seen[promise.caller] += 1
            if seen[promise.caller] <= turn:
                ahead.append(promise.due)
        return ahead

    def _redeem(self, request: SpeechRequest) -> bool:
        """Whether this one was told to come about now. A promise is good for one time."""
        now, key = self._clock(), (request.caller, hash(request))
        for promise in self._promises:
            if (promise.caller, promise.request) == key and now - LATE_S < promise.due < now + EARLY_S:
                self._promises.remove(promise)
                return True
        return False

    def _is_spare(self, caller: str, free: int, slots: int) -> bool:
        """With one place less, every promise to a caller who has no more places than this one can still be kept."""
        now, pace, cushion = self._clock(), self._pace(slots), CUSHION * (free + len(self._held))
        return all(
            free - 1 - cushion + max(0.0, due - now) * pace >= number
            for number, due in enumerate(sorted(self._ahead_of(caller)), 1)
        )
