"""A stretch of text that is not said: thoughts, code. Where does it end? Holds no more of it than an end may need."""

from __future__ import annotations

import re

_LONGEST_END = 40


class Skip:
    """One stretch."""

    def __init__(self, end: re.Pattern[str], begun: re.Pattern[str]) -> None:
        self._end, self._begun = end, begun

    @classmethod
    def tag(cls, name: str) -> Skip:
        """Up to </name>."""
        return cls(re.compile(rf"</{re.escape(name)}\s{{0,10}}>", re.IGNORECASE), re.compile(r"<[^<>]{0,35}$"))

    @classmethod
    def bracket(cls, name: str) -> Skip:
        """Up to [/NAME]."""
        return cls(re.compile(rf"\[/{name}\]"), re.compile(r"\[[^\[\]]{0,20}$"))

    @classmethod
    def fence(cls, mark: str, whole: bool) -> Skip:
        """Up to a line of as many marks or more; whole=False: up to the end of this line."""
        if not whole:
            return cls(re.compile(r"(?=[\r\n])"), re.compile(r"(?!)"))
        sign = re.escape(mark[0])
        end = re.compile(rf"[\r\n][^\S\r\n]{{0,3}}{sign}{{{len(mark)},40}}[^\S\r\n]{{0,10}}(?=[\r\n])")
        return cls(end, re.compile(rf"[\r\n][^\S\r\n]{{0,3}}(?:{sign}{{0,40}})[^\S\r\n]{{0,10}}$"))

    def through(self, text: str, place: int, complete: bool) -> tuple[int, bool]:
        """(how far the text is used, whether the stretch has ended)."""
        if found := self._end.search(text, place):
            return found.end(), True
        if complete:
            return self._last_line(text, place)
        begun = self._begun.search(text, max(place, len(text) - 4 * _LONGEST_END))
        return (begun.start() if begun else len(text)), False

    def _last_line(self, text: str, place: int) -> tuple[int, bool]:
        """The text ends here: its last line may be the end without a line end of its own."""
        found = self._end.search(text + "\n", place)
        return len(text), found is not None
