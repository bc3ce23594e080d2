"""Who comes next among those who wait, by caller (Line). Knows no utterance, no slot, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Line(Generic[Item]):
    """Items of several callers. The callers take turns, one item each; of one caller's items the oldest comes first.

    A caller who had nothing here joins behind those who wait, but ahead of the one who was served last. So a caller
    with single items waits for at most one item of each other caller. Not thread safe. Every operation takes at most
    as long as the line.
    """

    def __init__(self) -> None:
        self._items: dict[str, deque[Item]] = {}  # caller -> its items, never none; the callers as their turns come
        self._served: str | None = None  # the caller who had the last turn

    def add(self, caller: str, item: Item) -> None:
        if caller in self._items:
            self._items[caller].append(item)
            return
        last = next(reversed(self._items), None)
        self._items[caller] = deque([item])
        if last is not None and last == self._served:
            self._items[last] = self._items.pop(last)  # to the end again

    def put_back(self, caller: str, item: Item) -> None:
        """One that was taken before: it comes first of its caller's, whose turn it is last."""
        self._items.setdefault(caller, deque()).appendleft(item)

    def next_caller(self, busy: Callable[[str], int] = lambda _: 0) -> str:
        """Whose item `take` would give. Raises ValueError when nothing waits."""
        return min(self._items, key=busy)

    def take(self, busy: Callable[[str], int] = lambda _: 0) -> Item:
        """The next item, which leaves the line. Raises ValueError when nothing waits.

        busy: how much of what is dealt a caller has now; those who have least come first, and take turns.
        """
        caller = self.next_caller(busy)
        items = self._items.pop(caller)
        item = items.popleft()
        if items:
            self._items[caller] = items
        self._served = caller
        return item

    def keep(self, wanted: Callable[[Item], bool]) -> None:
        """Drop every item that is not wanted; the order stays."""
        kept = {caller: deque(filter(wanted, items)) for caller, items in self._items.items()}
        self._items = {caller: items for caller, items in kept.items() if items}

    def clear(self) -> None:
        self._items.clear()

    def __iter__(self) -> Iterator[Item]:
        """All items as they would be taken if nothing more came and no caller was busy."""
        rounds = [iter(items) for items in self._items.values()]
        end = object()
        while rounds:
            turn = [(items, next(items, end)) for items in rounds]
            rounds = [items for items, item in turn if item is not end]
            yield from (item for _, item in turn if item is not end)  # type: ignore[misc]

    def __len__(self) -> int:
        return sum(map(len, self._items.values()))
