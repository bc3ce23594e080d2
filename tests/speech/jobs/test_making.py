"""A file is made once at a time; those who ask wait for a while, and the making goes on without them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from speech.errors import ErrorCode, Unavailable
from speech.jobs.making import AT_ONCE, Making
from tests.waiting import wait_until


def test_it_is_made_once_for_all_who_ask_and_goes_on_when_they_left(tmp_path: Path) -> None:
    making, path, may_end = Making(patience_s=0), tmp_path / "book.m4b", threading.Event()
    begun: list[str] = []

    def work() -> None:
        begun.append("begun")
        assert may_end.wait(60)
        path.touch()

    for _ in range(3):
        with pytest.raises(Unavailable, match="Ask again") as refused:
            making.make(path, work)
        assert refused.value.code is ErrorCode.FILE_IN_MAKING
        assert refused.value.retry_after_s is not None
    may_end.set()
    wait_until(path.exists)
    assert begun == ["begun"]


def test_what_goes_wrong_is_told_and_the_next_one_tries_again(tmp_path: Path) -> None:
    making, path = Making(patience_s=60), tmp_path / "book.m4b"

    def fails() -> None:
        raise TimeoutError("the disk does not answer")

    with pytest.raises(TimeoutError, match="does not answer"):
        making.make(path, fails)
    making.make(path, path.touch)
    assert path.exists()


def test_only_so_many_are_made_at_once(tmp_path: Path) -> None:
    making, may_end = Making(patience_s=0), threading.Event()
    under_way: list[int] = []
    most: list[int] = []

    def work() -> None:
        under_way.append(1)
        most.append(len(under_way))
        assert may_end.wait(60)
        under_way.pop()

    for number in range(AT_ONCE + 2):
        with pytest.raises(Unavailable):
            making.make(tmp_path / str(number), work)
    wait_until(lambda: len(under_way) == AT_ONCE)
    may_end.set()
    wait_until(lambda: len(most) == AT_ONCE + 2)
    assert max(most) <= AT_ONCE
