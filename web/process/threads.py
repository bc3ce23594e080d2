"""A pool whose idle threads end. Knows no connection and no request.

`concurrent.futures.ThreadPoolExecutor` keeps every thread that it ever started: after one crowded minute a hundred of
them would stay, each with its stack and its share of the allocator's memory. The thread that became idle last gets the
next task here, so that the others are idle long enough to end.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, ParamSpec, TypeVar

IDLE_S = 10.0  # after so long without a task a thread ends

P = ParamSpec("P")
T = TypeVar("T")
Task = Callable[[], None]
Mailbox = queue.SimpleQueue[Task | None]  # of one thread; None: end


class Threads(Executor):
    """Runs tasks on at most so many threads; those that are not needed end. Thread safe."""

    def __init__(
        self, most: int, name: str, idle_s: float = IDLE_S, on_quiet: Callable[[], object] = lambda: None
    ) -> None:
        """name: of the threads, with a number behind. idle_s: how long a thread waits for a task.

        on_quiet: called on a thread that ends from idleness and leaves one other at most.
        """
        self._most, self._name, self._idle_s, self._on_quiet = most, name, idle_s, on_quiet
        self._lock = threading.Lock()
        self._idle: list[Mailbox] = []  # the one that became idle last at the end
        self._waiting: deque[tuple[Future[Any], Task]] = deque()  # for which there is no thread
        self._alive: set[threading.Thread] = set()
        self._started = 0
        self._closed = False

    @property
    def alive(self) -> int:
        """How many threads there are."""
        return len(self._alive)

    @property
    def idle(self) -> int:
        """How many of them wait for a task."""
        return len(self._idle)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Raises RuntimeError after `shutdown`."""
        future: Future[T] = Future()
        task = partial(_run, future, partial(fn, *args, **kwargs))
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            if self._idle:
                self._idle.pop().put(task)
            elif len(self._alive) < self._most:
                self._start(task)
            else:
                self._waiting.append((future, task))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks. Those that wait are still run, unless cancel_futures."""
        with self._lock:
            self._closed = True
            dropped = list(self._waiting) if cancel_futures else []
            if cancel_futures:
                self._waiting.clear()
            for mailbox in self._idle:
                mailbox.put(None)
            threads = set(self._alive)
        for future, _ in dropped:
            future.cancel()
        if wait:
            for thread in threads:
                thread.join()

    def _start(self, task: Task) -> None:
        """Called with the lock held."""
        self._started += 1
        mailbox: Mailbox = queue.SimpleQueue()
        mailbox.put(task)
        thread = threading.Thread(target=self._live, args=(mailbox,), name=f"{self._name}_{self._started}")
        thread.start()
        self._alive.add(thread)

    def _live(self, mailbox: Mailbox) -> None:
        task = mailbox.get()
        while task is not None:
            task()
            task = None  # what it holds is let go while this thread waits
            task = self._next(mailbox)
        with self._lock:
            self._alive.discard(threading.current_thread())

    def _next(self, mailbox: Mailbox) -> Task | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()[1]
            if self._closed:
                return None
            self._idle.append(mailbox)
        try:
            return mailbox.get(timeout=self._idle_s)
        except queue.Empty:
            return self._last_chance(mailbox)

    def _last_chance(self, mailbox: Mailbox) -> Task | None:
        """The time is over; a task may have come at this moment."""
        with self._lock:
            if mailbox not in self._idle:
                return mailbox.get_nowait()
            self._idle.remove(mailbox)  # together: no task may count on a thread that ends
            self._alive.discard(threading.current_thread())
            quiet = len(self._alive) <= 1
        if quiet:
            self._on_quiet()
        return None


def _run(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # it is for those who wait for the future, as with every executor
        future.set_exception(error)
    else:
        future.set_result(result)
