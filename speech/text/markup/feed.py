"""Text as it arrives -> words with their places, and pauses: markup understood, lines understood (Markup).

Knows no language and no engine. A word is what stands between white space, tags, brackets and formulas. Cut anywhere, a
text gives the same pieces: each is decided from the text that stands there, and waits where that has not come yet.
"""

from __future__ import annotations

import re

from speech.request import Pause, Piece, Token
from speech.text.markup import brackets, latex, lines, tags
from speech.text.markup.constructs import Wait, find
from speech.text.markup.cut import rejoined, word_end
from speech.text.markup.held import Held
from speech.text.markup.lines import Kind
from speech.text.markup.out import Out
from speech.text.markup.skip import Skip
from speech.text.markup.tags import SENTENCE_PAUSE_S, Doing
from speech.text.markup.words import plain
from speech.text.remarks import About, Remarks

PARAGRAPH = Pause(0.0)
LINE_END = Pause(SENTENCE_PAUSE_S)

_SPACE = re.compile(r"\s+")
_ITEMS = frozenset({Kind.ITEM, Kind.NUMBERED})


class Markup:
    """A feed of words and pauses (the Feed of speech.text.pipe). remarks: told of what is not said."""

    def __init__(self, remarks: Remarks | None = None, *, read_code: bool = False) -> None:
        self.remarks = remarks or Remarks()
        self._read_code = read_code
        self._held = Held()
        self._out = Out()
        self._skip: Skip | None = None
        self._breaks = 0  # line ends in the white space that stands before the next word
        self._after_return = False  # the last character was a carriage return: a line feed behind it is no new line
        self._indent = 0  # columns of the line that begins
        self._spaced = True  # white space came since the last word
        self._kind: Kind | None = None  # of the line; None at the text's beginning
        self._line = ""  # its words, cut behind what a title may have

    @property
    def position(self) -> int:
        """Where the next text begins, in UTF-16 code units of all that was sent. May be set."""
        return self._held.position

    @position.setter
    def position(self, units: int) -> None:
        self._held.position = units

    def feed(self, text: str) -> list[Piece]:
        """The words and pauses that are complete now."""
        self._held.add(text)
        self._run(complete=False)
        return self._out.take()

    def flush(self) -> list[Piece]:
        """What was held back: the text ends here, or a word does."""
        self._run(complete=True)
        self._out.let_go()
        return self._out.take()

    def rest(self) -> list[Piece]:
        """A whole word that was held back, because what follows might have ended a sentence behind it."""
        if not self._held.text:
            self._out.let_go()
        return self._out.take()

    # -- from place to place ---------------------------------------------------------------------------------------

    def _run(self, complete: bool) -> None:
        place, end = 0, len(self._held.text)
        try:
            while place < end:
                place = self._next(place, complete)
        except Wait as wait:
            place = wait.place
        self._held.drop(place)

    def _next(self, place: int, complete: bool) -> int:
        text = self._held.text
        if self._skip is not None:
            return self._skipped(self._skip, place, complete)
        if space := _SPACE.match(text, place):
            self._gap(space[0])
            return space.end()
        if self._kind is None or self._breaks:
            begun = lines.begins(text, place, complete)
            if begun is None:
                raise Wait(place)
            place = self._begin_line(*begun, place)
            if place == len(text) or self._skip is not None or text[place].isspace():
                return place
        return self._inside(place, complete)

    def _inside(self, place: int, complete: bool) -> int:
        """A construct or a word begins here."""
        text = self._held.text
        if self._kind is Kind.ROW and text[place] == "|":
            return self._cell(place)
        if text[place] in "<[$\\":
            after = self._construct(place, complete)
            if after is not None:
                return after
        return self._word(place, complete)

    def _skipped(self, skip: Skip, place: int, complete: bool) -> int:
        place, done = skip.through(self._held.text, place, complete)
        if done:
            self._skip = None
        elif place < len(self._held.text):
            raise Wait(place)
        return place

    # -- lines -----------------------------------------------------------------------------------------------------

    def _gap(self, space: str) -> None:
        """White space. What it means is only known with what follows."""
        self._spaced = True
        text = space[1:] if self._after_return and space[0] == "\n" else space
        self._after_return = space[-1] == "\r"
        if self._kind is Kind.PLAIN and not self._breaks and space[0] not in "\r\n":
            self._out.let_go()
        breaks = text.count("\n") + text.count("\r") - text.count("\r\n")
        last_line = len(text) - 1 - max(text.rfind("\n"), text.rfind("\r"))
        self._indent = last_line + (0 if breaks else self._indent)
        self._breaks += breaks

    def _begin_line(self, kind: Kind, length: int, place: int) -> int:
        """The line that ended, and the one that begins: kind, and the length of its marker."""
        if self._kind is not None:
            self._end_line(kind, place)
        self._breaks, self._line = 0, ""
        if kind is Kind.PLAIN and self._kind in _ITEMS and self._indent > 1:
            return place  # the item goes on
        self._kind = Kind.PLAIN if kind is Kind.UNDERLINE else kind
        if kind is Kind.FENCE:
            self._fence(place, length)
            return place
        if length and kind is not Kind.ROW:
            self._marker(kind, place, length)
        return place + length if kind is not Kind.ROW else place

    def _end_line(self, following: Kind, place: int) -> None:
        character = self._held.text[place]
        if self._kind in lines.ENDS_SENTENCE and self._breaks > 1:
            self._out.end_sentence(LINE_END)
        elif self._breaks > 1:
            self._out.end_sentence(PARAGRAPH)
        elif self._ends_here(following, character):
            self._out.end_sentence(LINE_END)
        else:
            self._out.let_go()

    def _ends_here(self, following: Kind, character: str) -> bool:
        if following is Kind.QUOTE:
            return self._kind is not Kind.QUOTE
        if following is not Kind.PLAIN:
            return True
        if self._kind in _ITEMS and self._indent > 1:
            return False
        return self._kind in lines.ENDS_SENTENCE or lines.is_title(self._line, character)

    def _marker(self, kind: Kind, place: int, length: int) -> None:
        """The sign before a heading, an item or a quotation: not said, but for an item's number."""
        written = self._held.text[place : place + length]
        spoken = f"{written[:-1]}," if kind is Kind.NUMBERED else ""
        self._out.give(Token(written, spoken, *self._held.place(place, place + length)))

    def _cell(self, place: int) -> int:
        """The line between two cells of a table: a short pause."""
        self._out.close(",")
        self._out.give(Token("|", "", *self._held.place(place, place + 1)))
        return place + 1

    def _fence(self, place: int, length: int) -> None:
        mark = self._held.text[place : place + length]
        self._skip = Skip.fence(mark, whole=not self._read_code)
        if not self._read_code:
            self.remarks.add(About.CODE_UNSAID, mark)

    # -- words -----------------------------------------------------------------------------------------------------

    def _word(self, place: int, complete: bool) -> int:
        text = self._held.text
        end = word_end(text, place, complete, in_row=self._kind is Kind.ROW)
        divided = rejoined(text, place, end, complete)
        written, said, end = divided or (text[place:end], plain(text[place:end]), end)
        if self._kind is Kind.ROW and not said.strip(":-"):
            said = ""  # the line under a table's head
        if self._spaced or not self._out.attach(written, self._held.place(place, end)[1]):
            self._say(written, said, place, end)
        return end

    def _say(self, written: str, said: str, begin: int, end: int) -> None:
        if len(self._line) <= lines.MAX_TITLE_CHARS:
            self._line = f"{self._line} {written[: lines.MAX_TITLE_CHARS]}".strip()
        self._out.word(written, said, *self._held.place(begin, end))
        self._spaced = False

    # -- constructs ------------------------------------------------------------------------------------------------

    def _construct(self, place: int, complete: bool) -> int | None:
        """What begins with <, [, $ or a backslash here: dealt with, and where it ends. None: it is text."""
        found = find(self._held.text, place, complete)
        if found is None:
            return None
        match, meaning = found
        if isinstance(meaning, tags.Tag):
            self._tag(meaning, match)
        elif isinstance(meaning, brackets.Bracket):
            self._bracket(meaning, match)
        else:
            self._formula(meaning, match)
        return match.end()

    def _tag(self, tag: tags.Tag, match: re.Match[str]) -> None:
        if tag.ignored:
            self.remarks.add(About.TAG_IGNORED, match[0])
        if tag.doing is Doing.PAUSE and tag.pause is not None:
            self._out.give(tag.pause)
        elif tag.doing is Doing.END_SENTENCE:
            self._out.end_sentence(LINE_END)
        elif tag.doing is Doing.SKIP or (tag.doing is Doing.SKIP_CODE and not self._read_code):
            self._skip = Skip.tag(tag.name)
            about = About.CODE_UNSAID if tag.name == "pre" else About.THOUGHTS_UNSAID
            if tag.name in tags.THOUGHTS or tag.name == "pre":
                self.remarks.add(about, match[0])
        elif tag.doing is Doing.ALIAS:
            self._out.alias = tag.alias
        elif tag.doing is Doing.SPELL:
            self._out.spelling = True
        elif tag.doing is Doing.END_SPAN:
            self._out.alias, self._out.spelling = None, False

    def _bracket(self, bracket: brackets.Bracket, match: re.Match[str]) -> None:
        if bracket.kind is brackets.Kind.PAUSE and bracket.pause is not None:
            self._out.give(bracket.pause)
        elif bracket.kind is brackets.Kind.DIRECTION:
            self.remarks.add(About.DIRECTION_UNSAID, match[0])
        elif bracket.kind is brackets.Kind.THOUGHT:
            self._skip = Skip.bracket("THINK")
            self.remarks.add(About.THOUGHTS_UNSAID, match[0])

    def _formula(self, inner: str, match: re.Match[str]) -> None:
        said, unknown = latex.plain(inner)
        for name in unknown:
            self.remarks.add(About.FORMULA_UNSAID, f"\\{name}")
        self._say(" ".join(match[0].split()), said, match.start(), match.end())
