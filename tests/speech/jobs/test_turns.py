"""Owners take turns, and so do the jobs of one; how long a job still takes."""

from __future__ import annotations

from speech.jobs.job import Job, State
from speech.jobs.turns import Turns


def job(name: str, owner: str, left_s: float = 10.0) -> Job:
    return Job(name, owner, "", State.QUEUED, "", {}, "hibari", [], 0, 0, 1, 0, 0.0, left_s, 0, 0, 0)


def test_owners_take_turns_and_so_do_their_jobs() -> None:
    jobs = [job("a1", "a"), job("a2", "a"), job("a3", "a"), job("b1", "b")]
    turns, order = Turns(lambda: 0.0), []
    for _ in range(8):
        first = turns.in_order(jobs)[0]
        turns.took(first)
        order.append(first.id)
    assert order == ["a1", "b1", "a2", "b1", "a3", "b1", "a1", "b1"]


def test_seconds_left_are_told_at_the_pace_of_what_was_made() -> None:
    now = [0.0]
    turns, short, long = Turns(lambda: now[0]), job("a", "a", 10), job("b", "b", 100)
    assert turns.seconds_left(short, [short]) is None
    for _ in range(3):
        turns.made(4.0)
        now[0] += 1.0
    assert turns.seconds_left(short, [short]) == 10 / (8 / 3)
    assert turns.seconds_left(short, [short, long]) == 20 / (8 / 3)
    assert turns.seconds_left(long, [short, long]) == 110 / (8 / 3)
