"""Lists of words in the code, written as text: short to read, and a formatter leaves them as they are."""

from __future__ import annotations


def wordset(text: str) -> frozenset[str]:
    """
    >>> sorted(wordset("two words"))
    ['two', 'words']
    """
    return frozenset(text.split())


def wordrow(text: str) -> tuple[str, ...]:
    """
    >>> wordrow("in order")
    ('in', 'order')
    """
    return tuple(text.split())
