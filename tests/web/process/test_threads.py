"""The pool whose idle threads end."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait

import pytest

from tests.waiting import wait_until
from web.process.threads import Threads

LONG_S = 60.0  # against hanging only


@pytest.fixture
def quiet() -> threading.Event:
    return threading.Event()


@pytest.fixture
def brief(quiet: threading.Event) -> Iterator[Threads]:
    """Its threads end at once when there is nothing to do."""
    pool = Threads(8, "brief", idle_s=0.01, on_quiet=quiet.set)
    yield pool
    pool.shutdown()


@pytest.fixture
def patient() -> Iterator[Threads]:
    """Its threads never end by themselves here."""
    pool = Threads(2, "patient", idle_s=LONG_S)
    yield pool
    pool.shutdown()


def test_a_crowd_has_a_thread_each_and_all_of_them_end(brief: Threads, quiet: threading.Event) -> None:
    together = threading.Barrier(8)
    futures = [brief.submit(together.wait, LONG_S) for _ in range(8)]
    assert sorted(future.result(LONG_S) for future in futures) == list(range(8))
    wait_until(lambda: brief.alive == 0, LONG_S)
    assert quiet.wait(LONG_S)
    assert brief.submit(lambda: "again").result(LONG_S) == "again"


def test_nothing_is_lost_while_threads_end(brief: Threads) -> None:
    """Tasks that come just as the idle time ends."""
    pause = threading.Event()
    for number in range(200):
        pause.wait(0.01 * (number % 3) / 2)
        assert brief.submit(abs, number).result(LONG_S) == number


def test_what_finds_no_thread_waits(patient: Threads) -> None:
    release = threading.Event()
    held = [patient.submit(release.wait, LONG_S) for _ in range(2)]
    waiting = [patient.submit(abs, number) for number in range(5)]
    assert patient.alive == 2
    assert not any(future.done() for future in waiting)
    release.set()
    assert [future.result(LONG_S) for future in waiting] == list(range(5))
    assert all(future.result(LONG_S) for future in held)


def test_one_thread_serves_those_who_come_one_by_one(patient: Threads) -> None:
    seen = set()
    for _ in range(20):
        seen.add(patient.submit(threading.get_ident).result(LONG_S))
        wait_until(lambda: patient.idle == patient.alive, LONG_S)
    assert len(seen) == 1


def test_an_error_is_the_futures(patient: Threads) -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        patient.submit(fail).result(LONG_S)
    assert patient.submit(lambda: 1).result(LONG_S) == 1


def test_an_idle_thread_holds_nothing(patient: Threads) -> None:
    class Thing:
        def use(self) -> None:
            pass

    thing = Thing()
    gone = weakref.ref(thing)
    patient.submit(thing.use).result(LONG_S)
    wait_until(lambda: patient.idle == 1, LONG_S)
    del thing
    assert gone() is None


@pytest.mark.parametrize("cancel", [False, True])
def test_the_end(cancel: bool) -> None:
    pool = Threads(1, "ending", idle_s=LONG_S)
    release = threading.Event()
    first = pool.submit(release.wait, LONG_S)
    second = pool.submit(lambda: "said")
    pool.shutdown(wait=False, cancel_futures=cancel)
    release.set()
    pool.shutdown()
    assert pool.alive == 0
    assert first.result(LONG_S)
    if cancel:
        with pytest.raises(CancelledError):
            second.result(LONG_S)
    else:
        assert second.result(LONG_S) == "said"
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(print)


def test_a_cancelled_task_is_not_run(patient: Threads) -> None:
    release, ran = threading.Event(), threading.Event()
    held = [patient.submit(release.wait, LONG_S) for _ in range(2)]
    late = patient.submit(ran.set)
    assert late.cancel()
    release.set()
    wait(held, LONG_S)
    wait_until(lambda: patient.idle == 2, LONG_S)
    assert not ran.is_set()
