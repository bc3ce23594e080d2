"""The SQLite database of jobs (Database): its tables, transactions, and waiting for a change. Knows no job.

Each change is one transaction, written ahead and synced: a process that is killed at any moment leaves whole ones.
What the disk refuses, and a file that is damaged, is told in words: StorageFull, Unavailable.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speech.errors import StorageFull, Unavailable

DISK_IS_FULL = "The disk is full."
VERSION = 1  # of the tables
SCHEMA = f"""
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    request TEXT NOT NULL, engine TEXT NOT NULL, warnings TEXT NOT NULL, created_at REAL NOT NULL,
    changed_at REAL NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, seconds REAL NOT NULL,
    left_s REAL NOT NULL, flawed INTEGER NOT NULL, version INTEGER NOT NULL, change INTEGER NOT NULL
) STRICT;
CREATE TABLE chapters (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, title TEXT NOT NULL,
    first INTEGER NOT NULL, total INTEGER NOT NULL, PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE passages (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, chapter INTEGER NOT NULL,
    passage TEXT NOT NULL, pause_s REAL NOT NULL, left_s REAL NOT NULL, seed INTEGER, version INTEGER NOT NULL,
    change INTEGER NOT NULL, seconds REAL, words TEXT, retried INTEGER NOT NULL, flaws TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX passages_in_order ON passages (job, number, chapter, seconds, pause_s);
CREATE INDEX jobs_of_owner ON jobs (owner, created_at);
PRAGMA user_version = {VERSION};
"""
OF_THE_DISK = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY),
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LEAST_BYTES = 65_536  # with less the index of what is written ahead cannot be made, and SQLite tells another error


class Database:
    """Every method may be called from any thread, and raises StorageFull for a full disk, Unavailable for a disk that
    refuses otherwise and for a file that is damaged or of another version of the service."""

    def __init__(self, file: Path) -> None:
        """file: made if it is not there; its folder exists."""
        self._file = file
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._changes = 0
        with self._in_words():
            self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            with self._in_words():
                self._prepare()
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._in_words(), self._lock:
            return self._database.execute(sql, values).fetchall()

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. Those that wait for a change look again."""
        with self._in_words(), self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
        self.notify()

    @property
    def changes(self) -> int:
        """How many there were so far; for `wait`."""
        return self._changes

    def notify(self) -> None:
        """Let those that wait look again."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait(self, seen: int, timeout_s: float) -> bool:
        """Until there were more changes than were seen; False after timeout_s."""
        with self._changed:
            return self._changed.wait_for(lambda: self._changes > seen, timeout_s)

    def _prepare(self) -> None:
        self._database.row_factory = sqlite3.Row
        for line in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._database.execute(f"PRAGMA {line}")
        self._make_tables()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in DAMAGED:
                raise self._useless(f"is damaged ({error})") from error
            if code not in OF_THE_DISK:
                raise
            if code == sqlite3.SQLITE_FULL or shutil.disk_usage(self._file.parent).free < _LEAST_BYTES:
                raise StorageFull(DISK_IS_FULL) from error
            raise Unavailable(f"The state of jobs cannot be read or written: {error}.") from error

    def _useless(self, why: str) -> Unavailable:
        name = "/".join(self._file.parts[-2:])
        return Unavailable(
            f"The state of jobs, {name} in OUTPUT_DIR, {why}. Put another copy of it there, or move it away: then "
            "there are no jobs, and their audio stays beside it."
        )

    def _make_tables(self) -> None:
        (found,) = self._database.execute("PRAGMA user_version").fetchone()
        if not found and not self._database.execute("SELECT 1 FROM sqlite_schema").fetchone():
            self._database.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        elif found != VERSION:
            raise self._useless("was written by another version of the service")
