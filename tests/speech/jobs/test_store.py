"""The store of jobs: figures that agree with the passages, whatever happens to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from speech.errors import Unavailable
from speech.jobs.job import Flaw, NewJob, Said, State
from speech.jobs.store import NewPart, Store
from speech.request import Word
from speech.text.passages import Passage, passages
from speech.text.pipe import read

TEXT = "The keeper walks along the shore before the sun comes up. " * 12
WORDS = (Word("The", 0.0, 0.5, 0, 3),)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "jobs.sqlite3")
    yield found
    found.close()


def passage() -> Passage:
    return passages(read(TEXT))[0]


def add(store: Store, job_id: str = "one", owner: str = "me") -> None:
    """Two chapters of two passages each, every pause half a second."""
    parts = [NewPart(chapter, passage(), 0.5, 10.0) for chapter in (0, 0, 1, 1)]
    store.add(NewJob(job_id, owner, "", {"speed": 1.0}, "hibari"), ["First", "Second"], parts)


def finish(store: Store, number: int, said: Said | None = None) -> bool:
    part = store.part("one", number)
    assert part is not None
    return store.finish("one", part, said or Said(2.0, WORDS))


def test_a_passage_is_finished_once(store: Store) -> None:
    add(store)
    part = store.part("one", 1)
    assert part is not None
    assert part.passage == passage()
    assert [store.finish("one", part, Said(seconds, ())) for seconds in (1.0, 2.0)] == [True, False]
    job = store.job("one")
    assert job is not None
    assert (job.done, job.total, job.seconds, job.left_s) == (1, 4, 1.5, 30.0)
    assert store.missing("one", 10) == [0, 2, 3]


def test_chapters_know_where_they_begin_as_soon_as_that_is_certain(store: Store) -> None:
    add(store)
    finish(store, 3)
    assert [(c.first, c.done, c.seconds, c.start_s) for c in store.chapters("one")] == [
        (0, 0, 0.0, 0.5),
        (2, 1, 2.0, None),
    ]
    for number in (0, 1):
        finish(store, number)
    assert [(c.seconds, c.start_s) for c in store.chapters("one")] == [(4.5, 0.5), (2.0, 5.5)]
    assert [part.start_s for part in store.parts("one", 10)] == [0.5, 3.0, 5.5, None]
    assert [part.start_s for part in store.parts("one", 1, 2)] == [5.5]


def test_the_last_passage_ends_the_job(store: Store) -> None:
    add(store)
    assert [finish(store, number) for number in range(4)] == [True] * 4
    job = store.job("one")
    assert job is not None
    assert (job.state, job.left_s) == (State.DONE, 0.0)
    assert [words for _, words in store.finished("one", 1, 3)] == [list(WORDS)] * 2


def test_an_altered_passage_is_missing_and_the_old_one_cannot_be_finished_any_more(store: Store) -> None:
    add(store)
    for number in range(4):
        finish(store, number, Said(2.0, WORDS, retried=True, flaws=(Flaw.SILENT,)))
    old = store.part("one", 2)
    assert old is not None
    assert (old.retried, old.flaws, old.spoken) == (True, (Flaw.SILENT,), 1)
    store.alter("one", replace(old, seed=7), 5.0)
    job, new = store.job("one"), store.part("one", 2)
    assert job is not None
    assert new is not None
    assert (job.state, job.done, job.seconds, job.flawed, job.left_s, job.version) == (State.QUEUED, 3, 7.5, 3, 5.0, 1)
    assert (new.seed, new.seconds, new.flaws, new.spoken) == (7, None, (), None)
    assert not store.finish("one", old, Said(1.0, ()))
    assert store.finish("one", new, Said(1.0, ()))


def test_changes_are_told_in_their_order(store: Store) -> None:
    add(store)
    for number in (2, 0):
        finish(store, number)
    found = store.changed_since("one", 0, 10)
    assert [part.number for part in found] == [2, 0]
    assert [part.number for part in store.changed_since("one", found[0].change, 10)] == [0]


def test_a_change_that_fails_changes_nothing(store: Store) -> None:
    add(store)
    with pytest.raises(sqlite3.IntegrityError):
        add(store)
    finish(store, 0)
    assert store.count("me") == 1


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as database:
        database.execute("CREATE TABLE jobs (id TEXT)")
    database.close()
    with pytest.raises(Unavailable, match=r"jobs\.sqlite3 in OUTPUT_DIR, was written by another version"):
        Store(tmp_path / "jobs.sqlite3")


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"SQLite format 3\0" + b"\7" * 5000])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(content)
    with pytest.raises(Unavailable, match="is damaged"):
        Store(tmp_path / "jobs.sqlite3")
    assert (tmp_path / "jobs.sqlite3").read_bytes() == content


def test_a_database_that_was_damaged_is_told(tmp_path: Path) -> None:
    """All but its first page was lost."""
    file = tmp_path / "jobs.sqlite3"
    store = Store(file)
    add(store)
    store.close()
    size = file.stat().st_size
    with file.open("r+b") as content:
        content.seek(4096)
        content.write(b"\xff" * (size - 4096))
    store = Store(file)
    try:
        with pytest.raises(Unavailable, match="is damaged"):
            store.job("one")
    finally:
        store.close()
