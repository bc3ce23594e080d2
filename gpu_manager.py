"""One resident engine, shared by all callers: loaded on first use, released when it has been idle for a while.

`gpu_manager` is the one instance of a process. It is handed a builder and knows nothing of what it builds, save that it
can be closed. It imports nothing of ours, no torch, and knows no GPU.

    with gpu_manager.use() as engine:      # loads if need be; never released under a user
        ...
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

log = logging.getLogger("kyutai_tts.gpu")


class State(StrEnum):
    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    UNLOADING = "unloading"
    FAILED = "failed"


class ManagerError(Exception):
    """The engine cannot be had or cannot be released now."""


class InUse(ManagerError):
    """The engine is in use."""


class NotLoaded(ManagerError):
    """Loading took longer than the caller would wait, was given up, or the manager is closed."""


class Resident(Protocol):
    def close(self) -> None: ...


Held = TypeVar("Held", bound=Resident)


class Timer(Protocol):
    def cancel(self) -> None: ...


def start_timer(seconds: float, action: Callable[[], None]) -> Timer:
    """Run action once after so many seconds, on a thread that dies with the process."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.name = "gpu-idle"
    timer.start()
    return timer


@dataclass
class LoadProgress:
    """How far loading has come, for people who wait."""

    doing: str = ""
    done: float = 0.0  # bytes, where that means something
    total: float = 0.0
    started_at: float = 0.0  # on the manager's clock
    seconds: float = 0.0  # since the start
    seconds_left: float | None = None  # of what is being done; None where it cannot be told


Report = Callable[[str, float, float, float | None], None]  # doing, done, total, seconds left; see LoadProgress


@dataclass
class Status:
    """What can be asked of the manager at any time; asking never loads and never keeps the engine awake."""

    state: State
    users: int
    idle_timeout_s: float
    seconds_until_release: float | None
    load_seconds: float | None  # of the last load
    loading: LoadProgress | None
    last_error: str | None
    loads: int
    releases: int


@dataclass
class _Residency(Generic[Held]):
    """One engine from load to release, and how many use it."""

    engine: Held | None  # None: let go; a user that lingers must not keep the model
    users: int = 0

    def get(self) -> Held:
        if self.engine is None:
            raise NotLoaded("The engine was released by hand at this moment.")
        return self.engine


class GPUManager(Generic[Held]):
    """Holds one engine of the type Held. See the module's docstring. Every method may be called from any thread."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], Timer] = start_timer,
    ) -> None:
        self._clock, self._timer = clock, timer
        self._changed = threading.Condition()
        self._build: Callable[[Report], Held] | None = None
        self._on_release: Callable[[], None] = lambda: None
        self._on_broken: Callable[[], None] = lambda: None
        self._idle_timeout_s = -1.0
        self._state = State.UNLOADED
        self._residency: _Residency[Held] | None = None
        self._idle: Timer | None = None
        self._release_at: float | None = None
        self._progress = LoadProgress()
        self._attempts = 0  # how many loads have ended, well or badly
        self._waiting = 0  # how many wait in `use`
        self._load_error: Exception | None = None
        self._load_seconds: float | None = None
        self._loads = self._releases = 0
        self._closed = False

    def configure(
        self,
        build: Callable[[Report], Held],
        idle_timeout_s: float,
        on_release: Callable[[], None] = lambda: None,
        on_broken: Callable[[], None] = lambda: None,
    ) -> None:
        """Say what to load, once, before the first use.

        build(progress): makes the engine; progress, a Report, may be called while it does.
        idle_timeout_s: seconds without a user before release; 0: at once, negative: never.
        on_release: called after a release, by the timer, on its thread, or by hand.
        on_broken: called after `discard`.
        """
        with self._changed:
            self._build, self._idle_timeout_s = build, idle_timeout_s
            self._on_release, self._on_broken = on_release, on_broken
            self._closed = False

    # -- using --------------------------------------------------------------------------------------------------

    @contextmanager
    def use(self, timeout_s: float | None = None, given_up: Callable[[], bool] = lambda: False) -> Iterator[Held]:
        """Hold the engine for as long as the block runs; load it first if need be (one load, however many wait).

        timeout_s: how long to wait for it. given_up: asked again after each `wake`; True ends the wait.
        Raises NotLoaded, or what the builder raised.
        """
        residency = self._acquire(timeout_s, given_up)
        try:
            yield residency.get()  # kept by no name here: the one who uses it says how long it lives
        finally:
            self._leave(residency)

    def wake(self) -> None:
        """Let those who wait in `use` ask `given_up` again."""
        with self._changed:
            self._changed.notify_all()

    def load(self, timeout_s: float | None = None) -> None:
        """Load now, so that the next user need not wait; the idle time starts anew. Raises as `use` does."""
        with self.use(timeout_s):
            pass

    def begin_load(self) -> None:
        """Start to load and return at once. Does nothing if it is loaded or loading, has failed, or all is closing."""
        with self._changed:
            if self._state is State.UNLOADED and self._build is not None and not self._closed:
                self._start_load()

    # -- releasing ----------------------------------------------------------------------------------------------

    def release(self, force: bool = False) -> bool:
        """Let the engine go now; False if none was loaded. The next request simply loads again.

        Raises InUse while it is loading, or while it is in use unless force: that ends all speech with an error.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._state is not State.UNLOADING)
            if self._state is State.LOADING:
                raise InUse("The model is being loaded for a request.")
            residency = self._residency
            if residency is None:
                return False
            if residency.users and not force:
                raise InUse(f"{residency.users} streams are running; force stops them.")
            self._begin_release(State.UNLOADING)
        self._finish_release(residency, State.UNLOADED)
        if not self._closed:
            self._on_release()
        return True

    def discard(self, engine: Held, reason: Exception) -> None:
        """The engine said that it can never speak again: close it and say why. Does nothing if it is gone already."""
        with self._changed:
            residency = self._residency
            if residency is None or residency.engine is not engine:
                return
            self._load_error = reason.with_traceback(None)
            self._begin_release(State.UNLOADING)
        self._finish_release(residency, State.FAILED)
        self._on_broken()

    def close(self, timeout_s: float = 10.0) -> None:
        """The process ends: refuse what comes and release what there is. A load under way gets so long to end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._state not in (State.LOADING, State.UNLOADING), timeout_s)
        with suppress(InUse):
            self.release(force=True)

    # -- asking -------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        with self._changed:
            until = None if self._release_at is None else max(0.0, self._release_at - self._clock())
            return Status(
                state=self._state,
                users=self._residency.users if self._residency else 0,
                idle_timeout_s=self._idle_timeout_s,
                seconds_until_release=until,
                load_seconds=self._load_seconds,
                loading=self._loading(),
                last_error=str(self._load_error) if self._load_error else None,
                loads=self._loads,
                releases=self._releases,
            )

    def _loading(self) -> LoadProgress | None:
        if self._state is not State.LOADING:
            return None
        return replace(self._progress, seconds=self._clock() - self._progress.started_at)

    def peek(self) -> Held | None:
        """The engine if it is there, for its figures only: not held, not to be spoken with."""
        residency = self._residency
        return residency.engine if residency else None

    # -- inside -------------------------------------------------------------------------------------------------

    def _acquire(self, timeout_s: float | None, given_up: Callable[[], bool]) -> _Residency[Held]:
        """Wait until the engine is there and count one more user."""
        with self._changed:
            self._waiting += 1
            try:
                self._wait_until_ready(timeout_s, given_up)
                residency = self._residency
                assert residency is not None
                residency.users += 1
                return residency
            finally:
                self._waiting -= 1
                self._restart_idle_timer()

    def _wait_until_ready(self, timeout_s: float | None, given_up: Callable[[], bool]) -> None:
        seen = self._attempts
        deadline = None if timeout_s is None else self._clock() + timeout_s
        while self._state is not State.READY:
            if self._closed or self._build is None:
                raise NotLoaded("The service is shutting down.")
            if self._attempts != seen and self._load_error is not None:
                raise self._load_error.with_traceback(None)
            if given_up():
                raise NotLoaded("The request has ended.")
            if self._state in (State.UNLOADED, State.FAILED):
                self._start_load()
            left = None if deadline is None else deadline - self._clock()
            if left is not None and left <= 0:
                raise NotLoaded(f"The model was not loaded within {timeout_s:g} s; loading goes on.")
            self._changed.wait(left)

    def _start_load(self) -> None:
        """Called with the lock held. A thread of its own, so that a request may end before the load does."""
        self._state = State.LOADING
        self._progress = LoadProgress(started_at=self._clock())
        threading.Thread(target=self._load, name="gpu-load", daemon=True).start()

    def _load(self) -> None:
        build, engine, error = self._build, None, None
        assert build is not None
        try:
            engine = build(self._report)
        except Exception as exception:  # of any kind: the callers that wait must get it
            log.exception("loading failed")
            error = exception.with_traceback(None)
        with self._changed:
            self._attempts += 1
            self._load_error = error
            self._state = State.FAILED if engine is None else State.READY
            if engine is not None:
                self._residency = _Residency(engine)
                self._loads += 1
                self._load_seconds = self._clock() - self._progress.started_at
                self._restart_idle_timer()
                log.info("loaded in %.1f s", self._load_seconds)
            self._changed.notify_all()

    def _report(self, doing: str, done: float, total: float, seconds_left: float | None) -> None:
        self._progress = replace(self._progress, doing=doing, done=done, total=total, seconds_left=seconds_left)

    def _leave(self, residency: _Residency[Held]) -> None:
        with self._changed:
            residency.users -= 1
            if residency is self._residency:
                self._restart_idle_timer()

    def _restart_idle_timer(self) -> None:
        """Called with the lock held when the number of users changes: the timer runs while there are none."""
        self._stop_idle_timer()
        residency = self._residency
        if residency is None or residency.users or self._waiting or self._idle_timeout_s < 0:
            return
        self._release_at = self._clock() + self._idle_timeout_s
        self._idle = self._timer(self._idle_timeout_s, partial(self._release_idle, self._release_at))

    def _stop_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self._release_at = None

    def _release_idle(self, release_at: float) -> None:
        """The timer's action. It may fire just as a use begins; the time it was set for tells."""
        with self._changed:
            residency = self._residency
            if residency is None or self._release_at != release_at:
                return
            self._begin_release(State.UNLOADING)
        self._finish_release(residency, State.UNLOADED)
        self._on_release()

    def _begin_release(self, state: State) -> None:
        """Called with the lock held: from here on no other caller gets the engine."""
        self._stop_idle_timer()
        self._state, self._residency = state, None

    def _finish_release(self, residency: _Residency[Held], state: State) -> None:
        """Without the lock: closing may take seconds, and asking for the status must not."""
        started = self._clock()
        try:
            if residency.engine is not None:
                residency.engine.close()
        except Exception:
            log.exception("closing the engine failed")
        finally:
            residency.engine = None
            with self._changed:
                self._state = state
                self._releases += 1
                self._changed.notify_all()
        log.info("released in %.1f s", self._clock() - started)


gpu_manager: GPUManager[Any] = GPUManager()  # of the type that its builder makes: this file does not know it
