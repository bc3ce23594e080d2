"""Plain English: the words of tests/prose.py stand at most once in a thousand lines."""

from __future__ import annotations

import pytest

from tests.prose import HARD, ROOMS, count, hard_lines

MOST_IN_A_THOUSAND = 1


@pytest.mark.parametrize("room", ROOMS)
def test_hard_words_are_rare(room: str) -> None:
    hard, lines = count(room)
    allowed = MOST_IN_A_THOUSAND * lines // 1000
    told = [f"{path.name}:{number}: {line}" for path, number, line in hard_lines(room)]
    assert hard <= allowed, "python -m tests.prose\n" + "\n".join(told)
    assert lines > 1000


@pytest.mark.parametrize("line", ["Whoever waits", "of late it fails", "for nobody else", "asked in vain"])
def test_they_are_seen(line: str) -> None:
    assert HARD.search(line)


@pytest.mark.parametrize("line", ["def test_whoever_waits(): ...", '{"voice": "nobody"}', "nobody/here.wav"])
def test_names_are_not_prose(line: str) -> None:
    assert not HARD.search(line)
