"""An utterance's place in the queue."""

from __future__ import annotations

from speech.engines.base import Utterance
from speech.engines.batch.scheduler import Scheduler
from speech.request import SpeechRequest


def utterances(count: int) -> list[Utterance]:
    return [Utterance(SpeechRequest()) for _ in range(count)]


def test_places_count_from_the_next_one() -> None:
    scheduler = Scheduler(slots=1, max_queue=3)
    everyone = utterances(4)
    for utterance in everyone:
        scheduler.admit(utterance)
    assert [scheduler.position(u) for u in everyone] == [None, 1, 2, 3]  # the first could be seated now
    scheduler.schedule()
    assert [scheduler.position(u) for u in everyone] == [None, 1, 2, 3]


def test_those_behind_move_up_when_one_leaves() -> None:
    scheduler = Scheduler(slots=1, max_queue=3)
    everyone = utterances(4)
    for utterance in everyone:
        scheduler.admit(utterance)
    (slot,) = scheduler.schedule()
    everyone[1].cancel()
    assert [scheduler.position(u) for u in everyone] == [None, None, 1, 2]
    scheduler.release(slot)
    scheduler.schedule()
    assert [scheduler.position(u) for u in everyone] == [None, None, None, 1]


def test_a_stranger_has_no_place() -> None:
    assert Scheduler(slots=1, max_queue=1).position(utterances(1)[0]) is None
