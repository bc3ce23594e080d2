"""Who comes next, by caller."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.engines.batch.line import Line

CALLERS = st.sampled_from("abcd")
EVENTS = st.lists(st.one_of(CALLERS, st.none()), max_size=80)  # an item of that caller comes; None: one is taken


def line_of(items: str) -> Line[str]:
    """Each letter is an item of the caller with that letter, numbered by arrival."""
    line: Line[str] = Line()
    for number, caller in enumerate(items):
        line.add(caller, f"{caller}{number}")
    return line


def test_callers_take_turns_and_the_oldest_of_each_comes_first() -> None:
    line = line_of("aaabbc")
    assert list(line) == ["a0", "b3", "c5", "a1", "b4", "a2"]
    assert [line.take() for _ in range(6)] == ["a0", "b3", "c5", "a1", "b4", "a2"]
    assert len(line) == 0


def test_a_newcomer_goes_ahead_of_the_one_served_last() -> None:
    line = line_of("aaa")
    line.take()
    line.add("b", "b")
    assert list(line) == ["b", "a1", "a2"]


def test_who_is_least_busy_comes_first() -> None:
    line, busy = line_of("aabc"), Counter("aac")
    assert [line.take(busy.__getitem__) for _ in range(4)] == ["b2", "c3", "a0", "a1"]


def test_one_caller_alone_is_first_come_first_served() -> None:
    assert list(line_of("aaaa")) == ["a0", "a1", "a2", "a3"]


def test_what_is_not_wanted_leaves_the_order_as_it_is() -> None:
    line = line_of("abab")
    line.keep(lambda item: item not in ("a0", "b1"))
    assert list(line) == ["a2", "b3"]


def test_nothing_waits() -> None:
    with pytest.raises(ValueError, match="empty"):
        line_of("").take()


@given(EVENTS)
def test_within_a_caller_nobody_overtakes_and_nothing_is_lost(events: list[str | None]) -> None:
    line: Line[tuple[str, int]] = Line()
    came: dict[str, list[tuple[str, int]]] = defaultdict(list)
    taken: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, event in enumerate(events):
        if event is not None:
            line.add(event, (event, number))
            came[event].append((event, number))
        elif len(line):
            foreseen = next(iter(line))
            item = line.take()
            assert item == foreseen, "the order that is shown is the order that comes"
            taken[item[0]].append(item)
    for item in line:
        taken[item[0]].append(item)
    assert taken == came


@given(EVENTS)
def test_while_a_caller_waits_no_other_is_served_twice_before_it(events: list[str | None]) -> None:
    """One turn each: a caller that waits is passed by each other caller once at most, however many there are."""
    line: Line[str] = Line()
    passed: dict[str, Counter[str]] = {}  # of each caller that waits: who was served since its last turn
    for event in events:
        if event is not None:
            passed.setdefault(event, Counter())
            line.add(event, event)
        elif len(line):
            served = line.take()
            for caller, others in passed.items():
                if caller != served:
                    others[served] += 1
                    assert others[served] <= 1, (caller, served)
            passed[served].clear()
            passed = {caller: passed[caller] for caller in set(line)}
