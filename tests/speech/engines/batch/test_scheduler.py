"""Who sits where, who waits, and which rows run: all without a model."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from speech.engines.base import Utterance
from speech.engines.batch.scheduler import Interleaver, Scheduler, Step, StepKind
from speech.request import SpeechRequest

FULL, TEXT_ONLY = StepKind.FULL, StepKind.TEXT_ONLY
LEAD, DELAY = 16, 2  # text-only steps, then silent full ones: sound comes with step 19


def utterances(count: int) -> list[Utterance]:
    return [Utterance(SpeechRequest()) for _ in range(count)]


class TestScheduler:
    def test_first_come_first_served_lowest_slot_first(self) -> None:
        scheduler, people = Scheduler(slots=2, max_queue=2), utterances(4)
        assert all(scheduler.admit(one) for one in people)
        first, second = scheduler.schedule()
        assert [first.utterance, second.utterance] == people[:2]
        scheduler.release(second)
        scheduler.release(first)
        assert [(slot.index, slot.utterance) for slot in scheduler.schedule()] == [(0, people[2]), (1, people[3])]

    def test_one_more_than_slots_and_queue_is_refused(self) -> None:
        scheduler, people = Scheduler(slots=1, max_queue=1), utterances(3)
        assert scheduler.admit(people[0])
        assert scheduler.admit(people[1])
        assert not scheduler.has_room
        assert not scheduler.admit(people[2])
        scheduler.schedule()
        assert scheduler.queue_depth == 1
        assert not scheduler.admit(people[2])

    def test_who_cancels_while_waiting_gives_the_place_back(self) -> None:
        scheduler, people = Scheduler(slots=1, max_queue=1), utterances(3)
        scheduler.admit(people[0])
        scheduler.schedule()
        scheduler.admit(people[1])
        people[1].cancel()
        assert scheduler.has_room
        assert scheduler.admit(people[2])
        scheduler.release(scheduler.seated[0])
        assert [slot.utterance for slot in scheduler.schedule()] == [people[2]]

    def test_a_late_release_does_not_unseat_the_next(self) -> None:
        scheduler, people = Scheduler(slots=1, max_queue=1), utterances(2)
        for one in people:
            scheduler.admit(one)
        (old,) = scheduler.schedule()
        scheduler.release(old)
        (new,) = scheduler.schedule()
        scheduler.release(old)
        assert scheduler.seated == [new]

    def test_clear_names_everybody_in_order(self) -> None:
        scheduler, people = Scheduler(slots=2, max_queue=2), utterances(4)
        for one in people:
            scheduler.admit(one)
        scheduler.schedule()
        assert scheduler.clear() == people
        assert scheduler.seated == []
        assert scheduler.queue_depth == 0

    @given(st.lists(st.one_of(st.just("come"), st.integers(0, 4), st.just("cancel")), max_size=60))
    def test_none_overtakes_and_none_starves(self, events: list[str | int]) -> None:
        scheduler, came, seated = Scheduler(slots=3, max_queue=5), [], []
        for event in events:
            if event == "come":
                one = Utterance(SpeechRequest())
                if scheduler.admit(one):
                    came.append(one)
            elif event == "cancel":
                waiting = [one for one in came if one not in seated and not one.over]
                if waiting:
                    waiting[-1].cancel()
            else:
                for slot in scheduler.seated:
                    if slot.index == event:
                        scheduler.release(slot)
            seated += [slot.utterance for slot in scheduler.schedule()]
            assert len({slot.index for slot in scheduler.seated}) == len(scheduler.seated) <= 3
            assert scheduler.queue_depth == 0 or len(scheduler.seated) == 3
        assert seated == [one for one in came if one in seated], "in the order in which they came"


def asks(caller: str) -> Utterance:
    return Utterance(SpeechRequest(caller=caller))


class TestRest:
    def test_a_caller_with_many_seats_gives_one_to_a_caller_without(self) -> None:
        scheduler, many, single = Scheduler(slots=3, max_queue=9), [asks("many") for _ in range(4)], asks("single")
        for one in (*many, single):
            scheduler.admit(one)
        scheduler.schedule()
        scheduler.release(scheduler.seated[0])  # of any caller: the next seat is the single one's
        scheduler.schedule()
        assert single in [slot.utterance for slot in scheduler.seated]

    def test_who_rests_has_sat_longest_and_comes_back_before_its_callers_others(self) -> None:
        scheduler, many = Scheduler(slots=2, max_queue=9), [asks("many") for _ in range(3)]
        for one in many:
            scheduler.admit(one)
        scheduler.schedule()
        scheduler.admit(asks("single"))
        rested = scheduler.rest(lambda _: True)
        assert rested is not None
        assert rested.utterance is many[0]
        (given,) = scheduler.schedule()
        assert (given.index, given.utterance.request.caller) == (rested.index, "single")
        assert scheduler.rest(lambda _: True) is None, "one seat each is a fair share"
        scheduler.release(given)
        assert [slot.utterance for slot in scheduler.schedule()] == [many[0]]

    def test_nobody_rests_who_cannot_or_while_a_seat_is_free(self) -> None:
        scheduler = Scheduler(slots=2, max_queue=9)
        scheduler.admit(asks("many"))
        scheduler.schedule()
        scheduler.admit(asks("many"))
        assert scheduler.rest(lambda _: True) is None
        scheduler.schedule()
        scheduler.admit(asks("single"))
        assert scheduler.rest(lambda _: False) is None

    @given(st.lists(st.one_of(st.sampled_from("abc"), st.integers(0, 3)), max_size=80))
    def test_seats_are_even_and_nobody_is_lost(self, events: list[str | int]) -> None:
        """After each round of resting no caller that waits has two seats fewer than another."""
        scheduler, here = Scheduler(slots=4, max_queue=100), set()
        for event in events:
            if isinstance(event, str):
                here.add(one := asks(event))
                assert scheduler.admit(one)
            else:
                for slot in scheduler.seated:
                    if slot.index == event:
                        here.discard(slot.utterance)
                        scheduler.release(slot)
            scheduler.schedule()
            rounds = 0
            while scheduler.rest(lambda _: True):
                assert len(scheduler.schedule()) == 1
                rounds += 1
            assert rounds <= 4, "nothing goes to and fro"
            seats = Counter(slot.utterance.request.caller for slot in scheduler.seated)
            sitting = {slot.utterance for slot in scheduler.seated}
            for waiting in here - sitting:
                assert max(seats.values()) <= seats[waiting.request.caller] + 1
            assert len(sitting) == min(4, len(here))
            assert scheduler.queue_depth == len(here) - len(sitting)
        assert set(scheduler.clear()) == here


class TestInterleaver:
    def test_nobody(self) -> None:
        assert Interleaver().plan({}) is None

    def test_newcomers_alone_need_no_full_step(self) -> None:
        interleaver = Interleaver()
        assert [interleaver.plan({0: TEXT_ONLY, 2: TEXT_ONLY}) for _ in range(9)] == [Step(TEXT_ONLY, (0, 2))] * 9

    def test_at_most_two_text_only_steps_between_full_ones(self) -> None:
        interleaver = Interleaver()
        plans = [interleaver.plan({0: FULL, 1: TEXT_ONLY}) for _ in range(6)]
        assert plans == [Step(TEXT_ONLY, (1,)), Step(TEXT_ONLY, (1,)), Step(FULL, (0, 1))] * 2

    def test_speakers_alone_run_full_steps(self) -> None:
        interleaver = Interleaver()
        assert [interleaver.plan({0: FULL, 1: FULL}) for _ in range(3)] == [Step(FULL, (0, 1))] * 3

    def test_a_patient_newcomer_holds_up_no_one(self) -> None:
        interleaver = Interleaver()
        assert [interleaver.plan({0: FULL, 1: TEXT_ONLY}, {1}) for _ in range(9)] == [Step(FULL, (0, 1))] * 9

    def test_a_patient_newcomer_goes_with_one_who_is_waited_for(self) -> None:
        interleaver, needs = Interleaver(), {0: FULL, 1: TEXT_ONLY, 2: TEXT_ONLY}
        plans = [interleaver.plan(needs, {1}) for _ in range(3)]
        assert plans == [Step(TEXT_ONLY, (1, 2)), Step(TEXT_ONLY, (1, 2)), Step(FULL, (0, 1, 2))]

    def test_patient_newcomers_alone_need_no_full_step(self) -> None:
        assert Interleaver().plan({0: TEXT_ONLY, 2: TEXT_ONLY}, {0, 2}) == Step(TEXT_ONLY, (0, 2))


class Room:
    """Rows that need LEAD text-only steps and then full ones; the frames of each by turn."""

    def __init__(self) -> None:
        self.interleaver = Interleaver()
        self.steps: dict[int, int] = {}
        self.frames: dict[int, list[int]] = {}
        self.came: dict[int, int] = {}
        self.turn = 0

    def join(self, row: int) -> None:
        self.steps[row], self.frames[row], self.came[row] = 0, [], self.turn

    def run(self, resting: frozenset[int] = frozenset()) -> None:
        needs = {row: TEXT_ONLY if done < LEAD else FULL for row, done in self.steps.items() if row not in resting}
        step = self.interleaver.plan(needs)
        self.turn += 1
        for row in step.rows if step else ():
            self.steps[row] += 1
            if self.steps[row] > LEAD + DELAY:
                self.frames[row].append(self.turn)


@given(st.lists(st.sets(st.integers(0, 7), max_size=3), min_size=30, max_size=150))
def test_a_newcomer_starts_soon_and_no_row_stutters(joins: list[set[int]]) -> None:
    """A newcomer sounds within 1.5 times the steps it needs alone; frames come at least every third step."""
    room = Room()
    for newcomers in joins:
        for row in newcomers:
            room.join(row)
        room.run()
        for row, frames in room.frames.items():
            assert room.turn - (frames[-1] if frames else room.came[row] + 28 - 3) <= 3


def test_a_newcomer_beside_seven_speakers() -> None:
    room = Room()
    for row in range(7):
        room.join(row)
    for _ in range(30):
        room.run()
    room.join(7)
    while not room.frames[7]:
        room.run()
    assert room.turn - room.came[7] <= 1.5 * 19
    gaps = [
        later - sooner
        for row in range(7)
        for sooner, later in zip(room.frames[row], room.frames[row][1:], strict=False)
    ]
    assert max(gaps) == 3


@given(st.lists(st.frozensets(st.integers(0, 3)), min_size=40, max_size=120))
def test_a_row_that_rests_delays_no_other(rests: list[frozenset[int]]) -> None:
    room = Room()
    for row in range(5):
        room.join(row)
    for resting in rests:
        room.run(resting)
    assert room.steps[4] == max(room.steps.values()), "row 4 never rests"
    assert len(room.frames[4]) >= (len(rests) - 28) / 3


@given(st.lists(st.sampled_from(["a", "b", "c", 0, 1]), max_size=60))
def test_slots_are_dealt_by_caller(events: list[str | int]) -> None:
    """A slot goes to a caller that has no more of them than any other that waits, to its oldest. All have a place."""
    scheduler, waiting = Scheduler(slots=2, max_queue=100), []
    for event in events:
        if isinstance(event, str):
            one = Utterance(SpeechRequest(caller=event))
            assert scheduler.admit(one)
            waiting.append(one)
        for slot in scheduler.seated:
            if slot.index == event:
                scheduler.release(slot)
        taken = [slot.utterance for slot in scheduler.schedule()]
        seats = Counter(slot.utterance.request.caller for slot in scheduler.seated)
        for one in taken:
            assert one is next(other for other in waiting if other.request.caller == one.request.caller)
            waiting.remove(one)
        for one, other in product(taken, waiting):
            assert seats[one.request.caller] <= seats[other.request.caller] + 1
        assert sorted(scheduler.position(one) or 0 for one in waiting) == list(range(1, len(waiting) + 1))


def test_one_caller_alone_fills_everything() -> None:
    scheduler = Scheduler(slots=3, max_queue=2)
    people = [Utterance(SpeechRequest(caller="a")) for _ in range(6)]
    assert [scheduler.admit(one) for one in people] == [True] * 5 + [False]
    assert [slot.utterance for slot in scheduler.schedule()] == people[:3]
