"""What is known of jobs, in SQLite (Store): their texts in passages, and which passages are done. Knows no engine."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from speech.jobs.database import Database
from speech.jobs.job import ACTIVE, Flaw, Job, JobChapter, NewJob, Part, Said, State
from speech.request import Pause, Piece, Token, Word
from speech.text.passages import Join, Passage

Values = tuple[object, ...]
PART_FIELDS = ("number", "chapter", "pause_s", "seed", "version", "change", "seconds", "spoken")
PARTS = "SELECT *, json_array_length(words) AS spoken FROM passages"


@dataclass(frozen=True)
class NewPart:
    """A passage of a new job. pause_s: of silence before it, at the job's pace; left_s: of sound, as estimated."""

    chapter: int
    passage: Passage
    pause_s: float
    left_s: float


class Store:
    """Every method may be called from any thread."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        """file: made if it is not there; its folder exists. Raises as every method of Database does."""
        self._clock = clock
        self.database = Database(file)

    def close(self) -> None:
        self.database.close()

    # -- jobs ---------------------------------------------------------------------------------------------------

    def add(self, job: NewJob, titles: Sequence[str], parts: Sequence[NewPart]) -> None:
        """titles: of its chapters. parts: in order, at least one of each chapter."""
        now, left_s = self._clock(), sum(part.left_s for part in parts)
        told = (json.dumps(job.request), job.engine, json.dumps(job.warnings))
        values = (job.id, job.owner, job.title, State.QUEUED, "", *told, now, now, len(parts), 0, 0.0, left_s, 0, 0, 1)
        with self.database.changing() as database:
            database.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            database.executemany("INSERT INTO chapters VALUES (?, ?, ?, ?, ?)", _chapter_rows(job.id, titles, parts))
            rows = (_part_row(job.id, number, part) for number, part in enumerate(parts))
            database.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def job(self, job_id: str) -> Job | None:
        found = self.database.rows("SELECT * FROM jobs WHERE id = ?", job_id)
        return _job(found[0]) if found else None

    def jobs(self, owner: str, limit: int, offset: int = 0) -> list[Job]:
        """Of one owner, the newest first."""
        sql = "SELECT * FROM jobs WHERE owner = ? ORDER BY created_at DESC, id LIMIT ? OFFSET ?"
        return [_job(row) for row in self.database.rows(sql, owner, limit, offset)]

    def count(self, owner: str) -> int:
        return int(self.database.rows("SELECT count(*) FROM jobs WHERE owner = ?", owner)[0][0])

    def active(self) -> list[Job]:
        """Those that have something to say, the oldest first."""
        sql = "SELECT * FROM jobs WHERE state IN (SELECT value FROM json_each(?)) ORDER BY created_at"
        return [_job(row) for row in self.database.rows(sql, json.dumps(ACTIVE))]

    def set_state(self, job_id: str, state: State, reason: str = "", only_from: Sequence[State] = ()) -> bool:
        """False if there is no such job, or it is in a state other than those in only_from, if any are given."""
        sql = (
            "UPDATE jobs SET state = ?, reason = ?, changed_at = ?, change = change + 1 "
            "WHERE id = ? AND state IN (SELECT value FROM json_each(?))"
        )
        values = (state, reason, self._clock(), job_id, json.dumps(only_from or list(State)))
        with self.database.changing() as database:
            return database.execute(sql, values).rowcount > 0

    def delete(self, job_id: str) -> None:
        with self.database.changing() as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def ended_before(self, seconds_ago: float) -> list[str]:
        """Ids of jobs that ended, and did not change since."""
        sql = "SELECT id FROM jobs WHERE state NOT IN (SELECT value FROM json_each(?)) AND changed_at < ?"
        return [row["id"] for row in self.database.rows(sql, json.dumps(ACTIVE), self._clock() - seconds_ago)]

    def chapters(self, job_id: str) -> list[JobChapter]:
        sql = (
            "SELECT c.number, c.title, c.first, c.total, count(p.seconds) AS done, total(p.seconds) AS seconds, "
            "total(p.pause_s) AS pauses_s FROM chapters c JOIN passages p ON p.job = c.job AND p.number >= c.first "
            "AND p.number < c.first + c.total WHERE c.job = ? GROUP BY c.number ORDER BY c.number"
        )
        return list(_placed(self.database.rows(sql, job_id), self._first_pauses(job_id)))

    def _first_pauses(self, job_id: str) -> list[float]:
        """Before the first passage of each chapter."""
        sql = "SELECT p.pause_s FROM chapters c JOIN passages p ON p.job = c.job AND p.number = c.first WHERE c.job = ?"
        return [row[0] for row in self.database.rows(f"{sql} ORDER BY c.number", job_id)]

    # -- passages -----------------------------------------------------------------------------------------------

    def missing(self, job_id: str, limit: int) -> list[int]:
        """Numbers of the first passages that are not done, in order."""
        sql = "SELECT number FROM passages WHERE job = ? AND seconds IS NULL ORDER BY number LIMIT ?"
        return [row["number"] for row in self.database.rows(sql, job_id, limit)]

    def part(self, job_id: str, number: int) -> Part | None:
        found = self.database.rows(f"{PARTS} WHERE job = ? AND number = ?", job_id, number)
        return _part(found[0]) if found else None

    def parts(self, job_id: str, limit: int, offset: int = 0) -> list[Part]:
        """In order, from the number `offset` on."""
        sql = f"{PARTS} WHERE job = ? AND number >= ? ORDER BY number LIMIT ?"
        found = [_part(row) for row in self.database.rows(sql, job_id, offset, limit)]
        return list(_with_starts(found, self._seconds_before(job_id, offset)))

    def changed_since(self, job_id: str, change: int, limit: int) -> list[Part]:
        """Passages that were finished or altered by a later change than that, in the order of the changes."""
        sql = f"{PARTS} WHERE job = ? AND change > ? ORDER BY change LIMIT ?"
        return [_part(row) for row in self.database.rows(sql, job_id, change, limit)]

    def finish(self, job_id: str, part: Part, said: Said) -> bool:
        """The passage is done; the job is, if it was the last one. False if it was done before, or altered since."""
        words = json.dumps([astuple(word) for word in said.words])
        with self.database.changing() as database:
            change = _next_change(database, job_id)
            sql = (
                "UPDATE passages SET seconds = ?, words = ?, retried = ?, flaws = ?, change = ? "
                "WHERE job = ? AND number = ? AND version = ? AND seconds IS NULL"
            )
            values = (said.seconds, words, said.retried, " ".join(said.flaws), change)
            if not database.execute(sql, (*values, job_id, part.number, part.version)).rowcount:
                return False
            self._count(database, job_id, part.number, 1)
            ended = "UPDATE jobs SET state = ?, reason = '' WHERE id = ? AND done = total AND state IN (?, ?, ?)"
            database.execute(ended, (State.DONE, job_id, *ACTIVE))
            return True

    def alter(self, job_id: str, part: Part, left_s: float) -> None:
        """Have a passage made again, as `part` now says it. The job goes on. left_s: of its sound, as estimated."""
        with self.database.changing() as database:
            change = _next_change(database, job_id)
            self._count(database, job_id, part.number, -1)
            longer = "left_s = left_s + ? - (SELECT left_s FROM passages WHERE job = id AND number = ?)"
            sql = f"UPDATE jobs SET version = version + 1, state = ?, reason = '', {longer} WHERE id = ?"  # noqa: S608
            database.execute(sql, (State.QUEUED, left_s, part.number, job_id))
            database.execute(
                "UPDATE passages SET passage = ?, seed = ?, left_s = ?, version = version + 1, change = ?, "
                "seconds = NULL, words = NULL, retried = 0, flaws = '' WHERE job = ? AND number = ?",
                (_written(part.passage), part.seed, left_s, change, job_id, part.number),
            )

    def finished(self, job_id: str, first: int, stop: int) -> Iterator[tuple[Part, list[Word]]]:
        """Passages from `first` to before `stop` that are done, with their words; one at a time, as a book is long."""
        sql = f"{PARTS} WHERE job = ? AND seconds IS NOT NULL AND number >= ? AND number < ?"
        while found := self.database.rows(f"{sql} ORDER BY number LIMIT 1", job_id, first, stop):
            row = found[0]
            first = row["number"] + 1
            yield _part(row), [Word(*word) for word in json.loads(row["words"])]

    # -- inside -------------------------------------------------------------------------------------------------

    def _count(self, database: sqlite3.Connection, job_id: str, number: int, sign: int) -> None:
        """Add a passage that is done to its job's figures, or take it away; one that is missing changes nothing."""
        database.execute(
            "UPDATE jobs SET done = done + ?1, seconds = max(0.0, jobs.seconds + ?1 * (p.seconds + p.pause_s)), "
            "left_s = max(0.0, jobs.left_s - ?1 * p.left_s), flawed = flawed + ?1 * (p.flaws != ''), changed_at = ?2 "
            "FROM passages p WHERE p.job = id AND id = ?3 AND p.number = ?4 AND p.seconds IS NOT NULL",
            (sign, self._clock(), job_id, number),
        )

    def _seconds_before(self, job_id: str, number: int) -> float | None:
        """Of audio before that passage; None while some of it is missing."""
        sql = "SELECT count(*) - count(seconds), total(seconds) + total(pause_s) FROM passages WHERE job = ? AND"
        missing, seconds = self.database.rows(f"{sql} number < ?", job_id, number)[0]
        return None if missing else seconds


def _next_change(database: sqlite3.Connection, job_id: str) -> int:
    sql = "UPDATE jobs SET change = change + 1 WHERE id = ? RETURNING change"
    row = database.execute(sql, (job_id,)).fetchone()
    return int(row[0]) if row else 0


def _chapter_rows(job_id: str, titles: Sequence[str], parts: Sequence[NewPart]) -> Iterator[Values]:
    first, counts = 0, Counter(part.chapter for part in parts)
    for number, title in enumerate(titles):
        yield job_id, number, title, first, counts[number]
        first += counts[number]


def _part_row(job_id: str, number: int, part: NewPart) -> Values:
    place = (job_id, number, part.chapter, _written(part.passage), part.pause_s, part.left_s)
    return *place, None, 0, 0, None, None, 0, ""


def _job(row: sqlite3.Row) -> Job:
    fields = dict(row)
    read = {name: json.loads(fields[name]) for name in ("request", "warnings")}
    return Job(**fields | read | {"state": State(fields["state"])})


def _part(row: sqlite3.Row) -> Part:
    flaws = tuple(map(Flaw, row["flaws"].split()))
    kept = {name: row[name] for name in PART_FIELDS}
    return Part(**kept, passage=_read(row["passage"]), retried=bool(row["retried"]), flaws=flaws)


def _placed(rows: Sequence[sqlite3.Row], first_pauses: Sequence[float]) -> Iterator[JobChapter]:
    """Where each begins: known while all before it are complete."""
    start_s: float | None = 0.0
    for row, pause_s in zip(rows, first_pauses, strict=True):
        complete = row["done"] == row["total"]
        inside_s = row["seconds"] + (row["pauses_s"] - pause_s if complete else 0.0)
        begin_s = None if start_s is None else start_s + pause_s
        place = (row["number"], row["title"], row["first"], row["total"], row["done"])
        yield JobChapter(*place, inside_s, begin_s)
        start_s = begin_s + inside_s if begin_s is not None and complete else None


def _with_starts(parts: Sequence[Part], before_s: float | None) -> Iterator[Part]:
    for part in parts:
        start_s = None if before_s is None else before_s + part.pause_s
        yield replace(part, start_s=start_s)
        before_s = None if start_s is None or part.seconds is None else start_s + part.seconds


def _written(passage: Passage) -> str:
    pieces = [
        piece.seconds if isinstance(piece, Pause) else [piece.written, piece.spoken, piece.start, piece.stop]
        for piece in passage.pieces
    ]
    return json.dumps([pieces, passage.join, passage.pause_s, passage.voice], ensure_ascii=False)


def _read(written: str) -> Passage:
    pieces, join, pause_s, voice = json.loads(written)
    read: list[Piece] = [Token(*piece) if isinstance(piece, list) else Pause(piece) for piece in pieces]
    return Passage(tuple(read), Join(join), pause_s, voice)
