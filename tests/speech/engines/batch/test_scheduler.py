"""Who sits where, who waits, and which rows run: all without a model."""

from __future__ import annotations

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
    """While two callers wait, neither gets two slots more than the other; the places told are those that come."""
    scheduler, waiting = Scheduler(slots=2, max_queue=100), []
    dealt: dict[str, int] = {}  # since they wait together
    for event in events:
        if isinstance(event, str):
            one = Utterance(SpeechRequest(caller=event))
            assert scheduler.admit(one)
            waiting.append(one)
        for slot in scheduler.seated:
            if slot.index == event:
                scheduler.release(slot)
        foreseen = sorted(waiting, key=lambda one: scheduler.position(one) or 0)
        taken = [slot.utterance for slot in scheduler.schedule()]
        assert set(taken) <= set(foreseen[: 2 + len(taken)])
        waiting = [one for one in waiting if one not in taken]
        assert sorted(scheduler.position(one) or 0 for one in waiting) == list(range(1, len(waiting) + 1))
        callers = {one.request.caller for one in waiting}
        if set(dealt) != callers:
            dealt = dict.fromkeys(callers, 0)
        for one in taken:
            if one.request.caller in dealt:
                dealt[one.request.caller] += 1
        assert not dealt or max(dealt.values()) - min(dealt.values()) <= 1


def test_one_caller_alone_fills_everything() -> None:
    scheduler = Scheduler(slots=3, max_queue=2)
    people = [Utterance(SpeechRequest(caller="a")) for _ in range(6)]
    assert [scheduler.admit(one) for one in people] == [True] * 5 + [False]
    assert [slot.utterance for slot in scheduler.schedule()] == people[:3]
