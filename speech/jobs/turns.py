"""Whose turn it is among the jobs (Turns), and when they will be done. Knows no store and no thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from speech.jobs.job import Job

REMEMBERED = 32  # passages from which the pace is told


class Turns:
    """Owners take turns, and so do the jobs of one owner. Called under its user's lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: in seconds."""
        self._clock = clock
        self._count = 0
        self._owners: dict[str, int] = {}  # when each had its last turn
        self._jobs: dict[str, int] = {}
        self._made: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)  # when a passage was done, and its seconds

    def in_order(self, jobs: Sequence[Job]) -> list[Job]:
        """Those whose turn comes first, first. jobs: all that have something to say, the oldest first."""
        self._jobs = {job.id: self._jobs[job.id] for job in jobs if job.id in self._jobs}
        return sorted(jobs, key=lambda job: (self._owners.get(job.owner, 0), self._jobs.get(job.id, 0)))

    def took(self, job: Job) -> None:
        """A passage of it was begun."""
        self._count += 1
        self._owners[job.owner] = self._jobs[job.id] = self._count

    def made(self, seconds: float) -> None:
        """A passage is done; seconds: of its audio."""
        self._made.append((self._clock(), seconds))

    def seconds_left(self, job: Job, jobs: Sequence[Job]) -> float | None:
        """Until it is done, at the pace of the last passages; None where that is not known.

        jobs: all that have something to say.
        """
        if len(self._made) < 2:
            return None
        passed_s = max(1e-3, self._clock() - self._made[0][0])
        pace = sum(seconds for _, seconds in list(self._made)[1:]) / passed_s
        return sum(min(each.left_s, job.left_s) for each in jobs) / pace if pace else None
