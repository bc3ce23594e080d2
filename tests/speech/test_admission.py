"""Who may come in, who gives way, and whether what is promised is kept: on a clock of the test's own."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import count

import pytest

from speech.admission import Admission
from speech.engines.batch.line import Line
from speech.errors import QueueFull, Unavailable
from speech.request import SpeechRequest


@dataclass(eq=False)
class Guest:
    request: SpeechRequest
    begun_at: float | None = None
    error: QueueFull | None = None

    def give_way(self, error: QueueFull) -> bool:
        if self.begun_at is not None or self.error:
            return False
        self.error = error
        return True


def guest(caller: str = "a", text: str = "One.", begun_at: float | None = None) -> Guest:
    return Guest(SpeechRequest(text, caller=caller), begun_at)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(clock: Clock) -> Admission:
    return Admission(lambda: 2, lambda: 4, clock)


def refused(admission: Admission, one: Guest, channel: bool = False) -> float:
    with pytest.raises(QueueFull) as error:
        admission.admit(one, channel)
    assert error.value.retry_after_s is not None
    return error.value.retry_after_s


def test_one_caller_alone_fills_everything(admission: Admission) -> None:
    everyone = [guest() for _ in range(4)]
    for one in everyone:
        admission.admit(one)
    refused(admission, guest())
    assert admission.open == 4
    assert not any(one.error for one in everyone)


def test_a_caller_with_fewer_gets_the_place_of_the_youngest_that_waits(admission: Admission) -> None:
    greedy = [guest("a", begun_at=0.0), guest("a", begun_at=0.0), guest("a"), guest("a")]
    for one in greedy:
        admission.admit(one)
    admission.admit(guest("b"))
    assert [one.error is not None for one in greedy] == [False, False, False, True]
    admission.admit(guest("b"))
    assert [one.error is not None for one in greedy] == [False, False, True, True]
    refused(admission, guest("b"))  # two each


def test_who_speaks_gives_no_way(admission: Admission) -> None:
    for _ in range(4):
        admission.admit(guest("a", begun_at=0.0))
    refused(admission, guest("b"))


def test_one_that_gave_way_is_open_until_it_leaves(admission: Admission) -> None:
    greedy = [guest("a") for _ in range(4)]
    for one in greedy:
        admission.admit(one)
    admission.admit(guest("b"))
    assert admission.open == 5
    admission.leave(greedy[-1])
    assert admission.open == 4


def test_there_are_as_many_channels_as_slots(admission: Admission) -> None:
    for _ in range(2):
        admission.admit(guest(), channel=True)
    refused(admission, guest(), channel=True)
    admission.admit(guest())


def test_nobody_comes_in_while_it_drains(admission: Admission) -> None:
    admission.draining = True
    with pytest.raises(Unavailable) as error:
        admission.admit(guest())
    assert error.value.code == "draining"


def test_each_that_is_refused_is_told_a_later_time(admission: Admission) -> None:
    for _ in range(4):
        admission.admit(guest())
    told = [refused(admission, guest(text=str(number))) for number in range(6)]
    assert told == sorted(set(told))
    assert all(wait_s == int(wait_s) >= 1 for wait_s in told)


def test_the_time_told_follows_the_pace(clock: Clock, admission: Admission) -> None:
    def told() -> float:
        everyone = [guest(begun_at=clock.now) for _ in range(4)]
        for one in everyone:
            admission.admit(one)
        wait_s = refused(admission, guest())
        clock.now += held_s
        for one in everyone:
            admission.leave(one)
        clock.now += 1000  # no promise is left
        return wait_s

    held_s = 20.0
    slow = [told() for _ in range(20)][-1]
    held_s = 0.5
    quick = [told() for _ in range(20)][-1]
    assert (slow, quick) == (13, 1)  # 20 s on 2 slots are 10 s for a place, and a quarter more


def test_a_place_that_is_promised_is_kept_for_the_one_who_was_told(clock: Clock, admission: Admission) -> None:
    everyone = [guest(begun_at=0.0) for _ in range(4)]
    for one in everyone:
        admission.admit(one)
    told = refused(admission, guest("b", "mine"))
    clock.now = told
    admission.leave(everyone[0])
    refused(admission, guest("c", "a newcomer"))
    admission.admit(guest("b", "mine"))


def test_a_place_is_not_kept_for_ever(clock: Clock, admission: Admission) -> None:
    everyone = [guest(begun_at=0.0) for _ in range(4)]
    for one in everyone:
        admission.admit(one)
    clock.now = refused(admission, guest("b", "mine")) + 10
    admission.leave(everyone[0])
    admission.admit(guest("c", "a newcomer"))


def test_a_flood_of_one_caller_does_not_put_others_off(admission: Admission) -> None:
    for _ in range(4):
        admission.admit(guest("a", begun_at=0.0))
    for number in range(500):
        refused(admission, guest("a", str(number)))
    assert refused(admission, guest("b")) <= 10


# -- a busy day, simulated ------------------------------------------------------------------------------------------


@dataclass
class Day:
    """Requests at so many a second on slots and a queue; each that is refused comes back once, when it was told to."""

    slots: int
    queue: int
    rate: float
    callers: int
    seed: int = 1
    seconds: float = 200.0
    mean_s: float = 4.0
    clock: Clock = field(default_factory=Clock)
    again: list[bool] = field(default_factory=list)  # of those who came back: taken or not

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.admission = Admission(lambda: self.slots, lambda: self.slots + self.queue, self.clock)
        self.line: Line[Guest] = Line()
        self.speaking = 0
        self.order = count()
        self.events: list[tuple[float, int, str, Guest, bool]] = []

    def run(self) -> None:
        at = 0.0
        while (at := at + self.draw.expovariate(self.rate)) < self.seconds:
            self._later(at, "come", guest(str(self.draw.randrange(self.callers)), str(next(self.order))))
        while self.events and self.events[0][0] < self.seconds:
            self.clock.now, _, what, one, obeys = heapq.heappop(self.events)
            if what == "come":
                self._come(one, obeys)
            else:
                self.speaking -= 1
                self.admission.leave(one)
            self._seat()

    def _later(self, at: float, what: str, one: Guest, obeys: bool = False) -> None:
        heapq.heappush(self.events, (at, next(self.order), what, one, obeys))

    def _come(self, one: Guest, obeys: bool) -> None:
        taken = True
        try:
            self.admission.admit(one)
            self.line.add(one.request.caller, one)
        except QueueFull as error:
            taken = False
            if not obeys:
                at = self.clock.now + (error.retry_after_s or 0) + self.draw.uniform(0.005, 0.1)
                self._later(at, "come", one, obeys=True)
        if obeys:
            self.again.append(taken)

    def _seat(self) -> None:
        self.line.keep(lambda one: one.error is None)
        while self.speaking < self.slots and len(self.line):
            one = self.line.take()
            one.begun_at = self.clock.now
            self.speaking += 1
            self._later(self.clock.now + self.draw.expovariate(1 / self.mean_s), "end", one)


@pytest.mark.parametrize("load", [1.2, 2.0, 4.0])
@pytest.mark.parametrize("callers", [1, 10**9])
def test_of_those_who_come_back_as_told_four_of_five_are_taken(load: float, callers: int) -> None:
    """With a queue, and no matter how much more comes than can be spoken. Four days together."""
    days = [Day(slots=4, queue=16, rate=load, callers=callers, seed=seed) for seed in range(1, 5)]
    for day in days:
        day.run()
    again = [taken for day in days for taken in day.again]
    assert len(again) > 100
    assert sum(again) / len(again) >= 0.8


def test_a_caller_with_single_requests_beside_one_with_fifty() -> None:
    """It is never refused, and waits for about one speech of the other."""
    day = Day(slots=4, queue=16, rate=20.0, callers=1, seconds=100.0)
    waits = []
    for at in range(10, 90, 4):
        day._later(float(at), "come", single := guest("single", str(at)))
        waits.append((at, single))
    day.run()
    assert all(one.begun_at is not None for _, one in waits)
    assert sorted(one.begun_at - at for at, one in waits if one.begun_at is not None)[len(waits) // 2] <= day.mean_s
