"""Policy of the resident engine, with a clock and a timer of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from gpu_manager import GPUManager, InUse, NotLoaded, State

WAIT_S = 10.0  # how long a test waits for another thread before it fails


class FakeEngine:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@dataclass
class FakeTime:
    """A clock that moves when told, and the timers that were set on it."""

    now: float = 0.0
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def timer(self, seconds: float, action: Callable[[], None]) -> FakeTimer:
        entry = (self.now + seconds, action)
        self.timers.append(entry)
        return FakeTimer(self, entry)

    def move(self, seconds: float) -> None:
        self.now += seconds
        for entry in [t for t in self.timers if t[0] <= self.now]:
            self.timers.remove(entry)
            entry[1]()


@dataclass
class FakeTimer:
    time: FakeTime
    entry: tuple[float, Callable[[], None]]

    def cancel(self) -> None:
        if self.entry in self.time.timers:
            self.time.timers.remove(self.entry)


@dataclass
class Builder:
    """Builds fake engines, one after the other, when it is let."""

    built: list[FakeEngine] = field(default_factory=list)
    fail_with: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)

    def __call__(self, progress: Callable[[str, float, float, float | None], None]) -> FakeEngine:
        self.started.set()
        assert self.gate.wait(WAIT_S)
        progress("weights", 1, 2, None)
        if self.fail_with is not None:
            raise self.fail_with
        self.built.append(FakeEngine())
        return self.built[-1]


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def build() -> Builder:
    builder = Builder()
    builder.gate.set()
    return builder


@pytest.fixture
def manager(time: FakeTime, build: Builder) -> Iterator[GPUManager]:
    manager = GPUManager(time.clock, time.timer)
    manager.configure(build, idle_timeout_s=60)
    yield manager
    build.gate.set()
    manager.close()


def in_thread(action: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run it on a thread; the list gets what it returned or raised."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(action())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def test_nothing_is_loaded_before_the_first_use(manager: GPUManager, build: Builder) -> None:
    assert manager.status().state is State.UNLOADED
    assert manager.peek() is None
    assert not build.started.is_set()


def test_a_load_that_begins_in_the_background_is_the_one_that_users_get(manager: GPUManager, build: Builder) -> None:
    build.gate.clear()
    manager.begin_load()
    manager.begin_load()
    assert build.started.wait(WAIT_S)
    assert manager.status().state is State.LOADING
    build.gate.set()
    with manager.use(WAIT_S) as engine:
        assert [engine] == build.built
    manager.begin_load()
    assert manager.status().loads == 1


def test_a_background_load_is_not_tried_again_after_a_failure_nor_begun_at_the_end(
    manager: GPUManager, build: Builder
) -> None:
    build.fail_with = RuntimeError("no")
    with pytest.raises(RuntimeError):
        manager.load(WAIT_S)
    build.fail_with = None
    manager.begin_load()
    assert manager.status().state is State.FAILED
    manager.close()
    manager.begin_load()
    assert build.built == []


def test_ten_first_users_share_one_load(manager: GPUManager, build: Builder) -> None:
    build.gate.clear()
    got = []

    def use() -> None:
        with manager.use(WAIT_S) as engine:
            got.append(engine)

    threads = [in_thread(use)[0] for _ in range(10)]
    assert build.started.wait(WAIT_S)
    assert manager.status().state is State.LOADING
    build.gate.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(build.built) == 1
    assert got == build.built * 10
    assert manager.status().loads == 1


def test_the_idle_engine_is_released_after_its_time(manager: GPUManager, build: Builder, time: FakeTime) -> None:
    with manager.use():
        pass
    assert manager.status().seconds_until_release == 60
    time.move(59)
    assert manager.status().state is State.READY
    time.move(1)
    assert manager.status().state is State.UNLOADED
    assert build.built[0].closed == 1


def test_speech_starts_the_idle_time_anew_and_asking_does_not(manager: GPUManager, time: FakeTime) -> None:
    with manager.use():
        pass
    time.move(50)
    manager.status()
    manager.peek()
    assert manager.status().seconds_until_release == 10
    with manager.use():
        assert manager.status().seconds_until_release is None
        time.move(1000)
        assert manager.status().state is State.READY
    assert manager.status().seconds_until_release == 60


def test_never_released_under_one_of_two_users(manager: GPUManager, build: Builder, time: FakeTime) -> None:
    with manager.use():
        with manager.use():
            pass
        time.move(1000)
        assert build.built[0].closed == 0
    time.move(60)
    assert build.built[0].closed == 1


def test_timeout_zero_releases_at_once_and_minus_one_never(time: FakeTime, build: Builder) -> None:
    manager = GPUManager(time.clock, time.timer)
    manager.configure(build, idle_timeout_s=0)
    with manager.use():
        time.move(0)
        assert manager.status().state is State.READY
    time.move(0)
    assert manager.status().state is State.UNLOADED
    manager.configure(build, idle_timeout_s=-1)
    with manager.use():
        pass
    assert time.timers == []
    assert manager.status().seconds_until_release is None
    manager.close()


def test_a_release_is_announced_by_hand_too_but_not_the_end(time: FakeTime, build: Builder) -> None:
    announced = []
    manager = GPUManager(time.clock, time.timer)
    manager.configure(build, 60, on_release=lambda: announced.append(manager.status().state))
    manager.load()
    manager.release()
    assert announced == [State.UNLOADED]
    assert manager.release() is False
    manager.load()
    time.move(60)
    assert announced == [State.UNLOADED] * 2
    manager.load()
    manager.close()
    assert announced == [State.UNLOADED] * 2


def test_release_by_hand(manager: GPUManager, build: Builder) -> None:
    assert manager.release() is False
    manager.load()
    assert manager.release() is True
    assert manager.status().state is State.UNLOADED
    assert build.built[0].closed == 1
    with manager.use() as engine:
        assert engine is build.built[1]


def test_release_refuses_under_a_user_unless_forced(manager: GPUManager, build: Builder) -> None:
    with manager.use():
        with pytest.raises(InUse, match="1 streams"):
            manager.release()
        assert manager.release(force=True) is True
        assert build.built[0].closed == 1
        with manager.use() as second:
            assert second is build.built[1]
    assert manager.status().users == 0
    assert build.built[1].closed == 0


def test_release_refuses_while_loading(manager: GPUManager, build: Builder) -> None:
    build.gate.clear()
    thread, _ = in_thread(manager.load)
    assert build.started.wait(WAIT_S)
    with pytest.raises(InUse, match="being loaded"):
        manager.release(force=True)
    build.gate.set()
    thread.join(WAIT_S)


def test_a_failed_load_fails_all_who_wait_and_is_tried_again(manager: GPUManager, build: Builder) -> None:
    build.fail_with = RuntimeError("no memory")
    build.gate.clear()
    waiting = [in_thread(manager.load) for _ in range(3)]
    assert build.started.wait(WAIT_S)
    build.gate.set()
    for thread, _ in waiting:
        thread.join(WAIT_S)
    assert [str(outcome[0]) for _, outcome in waiting] == ["no memory"] * 3
    assert manager.status().state is State.FAILED
    assert manager.status().last_error == "no memory"
    build.fail_with = None
    manager.load()
    assert manager.status().state is State.READY
    assert manager.status().last_error is None


def test_waiting_for_the_load_has_a_limit_and_the_load_goes_on(build: Builder) -> None:
    manager = GPUManager()
    manager.configure(build, -1)
    build.gate.clear()
    with pytest.raises(NotLoaded, match=r"within 0\.01 s"):
        manager.load(0.01)
    build.gate.set()
    manager.load(WAIT_S)
    assert len(build.built) == 1
    manager.close()


def test_a_caller_that_waits_can_give_up(manager: GPUManager, build: Builder) -> None:
    build.gate.clear()
    gone = threading.Event()

    def use() -> None:
        with manager.use(given_up=gone.is_set):
            pass

    thread, outcome = in_thread(use)
    assert build.started.wait(WAIT_S)
    gone.set()
    manager.wake()
    thread.join(WAIT_S)
    assert isinstance(outcome[0], NotLoaded)


def test_an_engine_nobody_waited_for_in_the_end_is_released_too(
    manager: GPUManager, build: Builder, time: FakeTime
) -> None:
    build.gate.clear()
    with pytest.raises(NotLoaded):
        manager.load(0)
    build.gate.set()
    ready = threading.Event()
    while manager.status().state is not State.READY:
        ready.wait(0.001)
    time.move(60)
    assert build.built[0].closed == 1


def test_a_broken_engine_is_discarded_once(time: FakeTime, build: Builder) -> None:
    broken = []
    manager = GPUManager(time.clock, time.timer)
    manager.configure(build, -1, on_broken=lambda: broken.append(True))
    with manager.use() as engine:
        manager.discard(engine, RuntimeError("CUDA error"))
        manager.discard(engine, RuntimeError("CUDA error"))
    assert engine.closed == 1
    assert broken == [True]
    assert manager.status().state is State.FAILED
    assert manager.status().last_error == "CUDA error"


def test_close_releases_and_refuses(manager: GPUManager, build: Builder) -> None:
    with ExitStack() as held:
        held.enter_context(manager.use())
        manager.close()
        assert build.built[0].closed == 1
    with pytest.raises(NotLoaded, match="shutting down"):
        manager.load()


def test_an_engine_that_fails_to_close_does_not_block_the_next(manager: GPUManager) -> None:
    class Stuck(FakeEngine):
        def close(self) -> None:
            raise RuntimeError("stuck")

    manager.configure(lambda _: Stuck(), -1)
    manager.load()
    assert manager.release() is True
    manager.load()
    assert manager.status().loads == 2


def test_progress_is_shown_while_loading(time: FakeTime) -> None:
    reported, go_on = threading.Event(), threading.Event()

    def build(progress: Callable[[str, float, float, float | None], None]) -> FakeEngine:
        progress("downloading", 10, 30, 7.5)
        reported.set()
        assert go_on.wait(WAIT_S)
        return FakeEngine()

    manager = GPUManager(time.clock, time.timer)
    manager.configure(build, -1)
    thread, _ = in_thread(manager.load)
    assert reported.wait(WAIT_S)
    time.now += 5
    loading = manager.status().loading
    assert loading is not None
    assert (loading.doing, loading.done, loading.total, loading.seconds) == ("downloading", 10, 30, 5)
    assert loading.seconds_left == 7.5
    go_on.set()
    thread.join(WAIT_S)
    assert manager.status().loading is None
    assert manager.status().load_seconds == 5


def test_twenty_cycles_lose_nothing(manager: GPUManager, build: Builder, time: FakeTime) -> None:
    for _ in range(20):
        with manager.use():
            pass
        time.move(60)
    assert [engine.closed for engine in build.built] == [1] * 20
    assert manager.status().releases == 20
