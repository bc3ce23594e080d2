"""Text that comes while it is said, handed to one talk after the other (Feed)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Protocol


class Listener(Protocol):
    """What RemoteTalk and OwnTalk have in common, for text."""

    def say(self, text: str) -> None: ...
    def end(self) -> None: ...


class Feed:
    """A thread of its own reads; the rest belongs to one other thread.

    It keeps the text of the turn, so that a talk that was refused can be followed by another with the same words.
    """

    def __init__(self, turns: Iterator[tuple[str, bool]]) -> None:
        """turns: text, and whether a turn ends with it."""
        self._changed = threading.Condition()
        self._turn: list[str] = []
        self._begun = False  # the first turn was asked for
        self._ended = False  # the turn is whole
        self._exhausted = False  # no more turns will come
        self._stopped = False
        self._listener: Listener | None = None
        threading.Thread(target=self._read, args=[turns], name="text", daemon=True).start()

    def next_turn(self) -> bool:
        """Begin the next turn and wait until it has text. False: there is none."""
        with self._changed:
            if self._begun:
                self._turn, self._ended, self._listener = [], False, None
                self._changed.notify_all()
            self._begun = True
            self._changed.wait_for(lambda: self._turn or self._exhausted or self._stopped)
            return bool(self._turn) and not self._stopped

    def attach(self, listener: Listener) -> None:
        """What came of the turn is said to it, and what comes."""
        with self._changed:
            self._listener = listener
            for text in self._turn:
                listener.say(text)
            if self._ended or self._exhausted:
                listener.end()

    def stop(self) -> None:
        """Wake who waits; nothing more is handed on. Any thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _read(self, turns: Iterator[tuple[str, bool]]) -> None:
        try:
            for text, ends in turns:
                self._take(text, ends)
        finally:
            with self._changed:
                self._exhausted = True
                if self._listener is not None and not self._ended:
                    self._listener.end()
                self._changed.notify_all()

    def _take(self, text: str, ends: bool) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._ended or self._stopped)
            if not (self._turn or text.strip()):
                return  # a talk is opened for words
            self._turn.append(text)
            self._ended = ends
            if self._listener is not None:
                self._listener.say(text)
                if ends:
                    self._listener.end()
            self._changed.notify_all()
