"""What is known of jobs, in SQLite (Store): their texts in passages, and which passages are done. Knows no engine.

Each change is one transaction, written ahead and synced: a process that is killed at any moment leaves whole ones.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from speech.request import Pause, Piece, Token, Word
from speech.text.passages import Join, Passage

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    request TEXT NOT NULL, created_at REAL NOT NULL, changed_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS passages (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, passage TEXT NOT NULL,
    seconds REAL, words TEXT, PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_of_owner ON jobs (owner, created_at);
"""
JOBS = """
SELECT id, owner, title, state, reason, request, created_at, changed_at,
    (SELECT count(*) FROM passages WHERE job = id) AS total,
    (SELECT count(*) FROM passages WHERE job = id AND seconds IS NOT NULL) AS done,
    (SELECT coalesce(sum(seconds), 0.0) FROM passages WHERE job = id) AS seconds
FROM jobs
"""


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"  # it cannot go on now, the reason says why; it goes on by itself
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (State.QUEUED, State.RUNNING, State.PAUSED)


@dataclass(frozen=True)
class Job:
    """request: the fields of its SpeechRequest that were set. Times are seconds since 1970."""

    id: str
    owner: str
    title: str
    state: State
    reason: str
    request: dict[str, Any]
    created_at: float
    changed_at: float
    total: int  # passages
    done: int
    seconds: float  # of audio that is made, without the pauses between passages


class Store:
    """Every method may be called from any thread."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        """file: made if it is not there; its folder exists."""
        self._clock = clock
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=30)
        self._database.row_factory = sqlite3.Row
        for line in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._database.execute(f"PRAGMA {line}")
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    # -- jobs ---------------------------------------------------------------------------------------------------

    def add(self, job_id: str, owner: str, title: str, request: dict[str, Any], passages: Sequence[Passage]) -> None:
        now = self._clock()
        rows = [(job_id, number, _written(passage)) for number, passage in enumerate(passages)]
        with self._change() as database:
            values = (job_id, owner, title, State.QUEUED, "", json.dumps(request), now, now)
            database.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            database.executemany("INSERT INTO passages (job, number, passage) VALUES (?, ?, ?)", rows)

    def job(self, job_id: str) -> Job | None:
        found = self._rows(f"{JOBS} WHERE id = ?", job_id)
        return _job(found[0]) if found else None

    def jobs(self, owner: str, limit: int, offset: int = 0) -> list[Job]:
        """Of one owner, the newest first."""
        rows = self._rows(f"{JOBS} WHERE owner = ? ORDER BY created_at DESC LIMIT ? OFFSET ?", owner, limit, offset)
        return [_job(row) for row in rows]

    def active(self) -> list[Job]:
        """Those that have something to say, the oldest first."""
        marks = ", ".join("?" * len(ACTIVE))
        return [_job(row) for row in self._rows(f"{JOBS} WHERE state IN ({marks}) ORDER BY created_at", *ACTIVE)]

    def set_state(self, job_id: str, state: State, reason: str = "", *, only_from: Sequence[State] = ()) -> bool:
        """False if there is no such job, or it is in a state that is none of `only_from`."""
        marks = ", ".join("?" * len(only_from))
        within = f" AND state IN ({marks})" if only_from else ""
        with self._change() as database:
            sql = f"UPDATE jobs SET state = ?, reason = ?, changed_at = ? WHERE id = ?{within}"  # noqa: S608 - marks
            return database.execute(sql, (state, reason, self._clock(), job_id, *only_from)).rowcount > 0

    def delete(self, job_id: str) -> None:
        with self._change() as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def ended_before(self, seconds_ago: float) -> list[str]:
        """Ids of jobs that ended, and did not change since."""
        marks = ", ".join("?" * len(ACTIVE))
        sql = f"SELECT id FROM jobs WHERE state NOT IN ({marks}) AND changed_at < ?"  # noqa: S608 - marks
        return [row["id"] for row in self._rows(sql, *ACTIVE, self._clock() - seconds_ago)]

    # -- passages -----------------------------------------------------------------------------------------------

    def missing(self, job_id: str) -> list[int]:
        """Numbers of the passages that are not done, in order."""
        sql = "SELECT number FROM passages WHERE job = ? AND seconds IS NULL ORDER BY number"
        return [row["number"] for row in self._rows(sql, job_id)]

    def passage(self, job_id: str, number: int) -> Passage | None:
        found = self._rows("SELECT passage FROM passages WHERE job = ? AND number = ?", job_id, number)
        return _read(found[0]["passage"]) if found else None

    def finish(self, job_id: str, number: int, seconds: float, words: Sequence[Word]) -> None:
        """The passage is done; the job is, if it was the last one. Nothing happens if it was done before."""
        told = json.dumps([[word.text, word.start_s, word.stop_s, word.start, word.stop] for word in words])
        with self._change() as database:
            sql = "UPDATE passages SET seconds = ?, words = ? WHERE job = ? AND number = ? AND seconds IS NULL"
            database.execute(sql, (seconds, told, job_id, number))
            database.execute(
                "UPDATE jobs SET state = ?, reason = '', changed_at = ? WHERE id = ? AND state IN (?, ?, ?) AND NOT "
                "EXISTS (SELECT 1 FROM passages WHERE job = ? AND seconds IS NULL)",
                (State.DONE, self._clock(), job_id, *ACTIVE, job_id),
            )

    def finished(self, job_id: str) -> Iterator[tuple[int, Passage, list[Word]]]:
        """Number, text and words of each passage that is done, in order; one at a time, as a book may be long."""
        sql = "SELECT number, passage, words FROM passages WHERE job = ? AND seconds IS NOT NULL AND number >= ?"
        number = 0
        while found := self._rows(f"{sql} ORDER BY number LIMIT 1", job_id, number):
            row = found[0]
            number = row["number"] + 1
            yield row["number"], _read(row["passage"]), [Word(*word) for word in json.loads(row["words"])]

    # -- inside -------------------------------------------------------------------------------------------------

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _job(row: sqlite3.Row) -> Job:
    fields = dict(row)
    return Job(**fields | {"state": State(fields["state"]), "request": json.loads(fields["request"])})


def _written(passage: Passage) -> str:
    pieces = [
        piece.seconds if isinstance(piece, Pause) else [piece.written, piece.spoken, piece.start, piece.stop]
        for piece in passage.pieces
    ]
    return json.dumps([pieces, passage.join, passage.pause_s], ensure_ascii=False)


def _read(written: str) -> Passage:
    pieces, join, pause_s = json.loads(written)
    read: list[Piece] = [Token(*piece) if isinstance(piece, list) else Pause(piece) for piece in pieces]
    return Passage(tuple(read), Join(join), pause_s)
