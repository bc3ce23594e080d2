"""Text as it arrives -> words with their places, and pauses: markup understood, lines understood (Markup).

Knows no language and no engine. A word is what stands between white space, tags, brackets and formulas. Cut anywhere, a
text gives the same pieces: each is decided from the text that stands there, and waits where that has not come yet.
"""

from __future__ import annotations

import re

from speech.request import Pause, Piece, Token
from speech.text.markup import brackets, latex, lines, tags
from speech.text.markup.constructs import Wait, find
from speech.text.markup.held import Held
from speech.text.markup.lines import Kind
from speech.text.markup.skip import Skip
from speech.text.markup.tags import SENTENCE_PAUSE_S, Doing
from speech.text.markup.words import plain
from speech.text.remarks import About, Remarks
from speech.text.wordlist import wordset

PARAGRAPH = Pause(0.0)
LINE_END = Pause(SENTENCE_PAUSE_S)
MAX_WORD_CHARS = 1_000  # a longer one comes in parts; looking through it again at each piece must stay cheap

_RUN = re.compile(r"[^\s<\[$\\|]+")
_SPACE = re.compile(r"\s+")
_HYPHEN_BREAK = re.compile(r"-[^\S\r\n]{0,20}(?:\r\n|\r|\n)[^\S\r\n]{0,40}")
_COMPOUNDS = wordset(
    "well self half ex non long high low all cross anti pre post co semi mid two three peut celui celle"
)
_ITEMS = frozenset({Kind.ITEM, Kind.NUMBERED})
_CLOSING = "\"'”’»)]"


class Markup:
    """A feed of words and pauses (the Feed of speech.text.pipe). remarks: told of what is not said."""

    def __init__(self, remarks: Remarks | None = None, *, read_code: bool = False) -> None:
        self.remarks = remarks or Remarks()
        self._read_code = read_code
        self._held = Held()
        self._out: list[Piece] = []
        self._last: Token | None = None  # the newest word, while what follows may still end a sentence behind it
        self._skip: Skip | None = None
        self._breaks = 0  # line ends in the white space that stands before the next word
        self._after_return = False  # the last character was a carriage return: a line feed behind it is no new line
        self._spoke = False  # anything since the last pause
        self._indent = 0  # columns of the line that begins
        self._kind: Kind | None = None  # of the line; None at the text's beginning
        self._line = ""  # its words, cut behind what a title may have
        self._alias: str | None = None
        self._spelling = False

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
        return self._run(complete=False)

    def flush(self) -> list[Piece]:
        """What was held back: the text ends here, or a word does."""
        given = self._run(complete=True)
        if self._last is not None:
            given.append(self._last)
            self._last = None
        return given

    def rest(self) -> list[Piece]:
        """A whole word that was held back, because what follows might have ended a sentence behind it."""
        given: list[Piece] = [] if self._last is None or self._held.text else [self._last]
        if given:
            self._last = None
        return given

    # -- from place to place ---------------------------------------------------------------------------------------

    def _run(self, complete: bool) -> list[Piece]:
        place, end = 0, len(self._held.text)
        try:
            while place < end:
                place = self._next(place, complete)
        except Wait as wait:
            place = wait.place
        self._held.drop(place)
        given, self._out = self._out, []
        return given

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
        text = space[1:] if self._after_return and space[0] == "\n" else space
        self._after_return = space[-1] == "\r"
        if self._last is not None and not self._breaks and self._kind is Kind.PLAIN and space[0] not in "\r\n":
            self._let_go()
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
        if self._breaks > 1:
            self._end_sentence(PARAGRAPH)
        elif self._ends_here(following, character):
            self._end_sentence(LINE_END)
        else:
            self._let_go()

    def _ends_here(self, following: Kind, character: str) -> bool:
        if following is Kind.QUOTE:
            return self._kind is not Kind.QUOTE
        if following is not Kind.PLAIN:
            return True
        if self._kind in _ITEMS and self._indent > 1:
            return False
        return self._kind in lines.ENDS_SENTENCE or lines.is_title(self._line, character)

    def _end_sentence(self, pause: Pause) -> None:
        """End it with a full stop where the text has no sign, and with a pause if anything was said in it."""
        if self._last is not None:
            said = self._last.spoken
            if said and said.rstrip(_CLOSING)[-1:].isalnum():
                self._last = Token(self._last.written, said + ".", self._last.start, self._last.stop)
            self._let_go()
        if self._spoke:
            self._give(pause)
            self._spoke = False

    def _let_go(self) -> None:
        if self._last is not None:
            self._out.append(self._last)
            self._last = None

    def _marker(self, kind: Kind, place: int, length: int) -> None:
        """The sign before a heading, an item or a quotation: not said, but for an item's number."""
        written = self._held.text[place : place + length]
        spoken = f"{written[:-1]}," if kind is Kind.NUMBERED else ""
        self._give(Token(written, spoken, *self._held.place(place, place + length)))

    def _cell(self, place: int) -> int:
        """The line between two cells of a table: a short pause."""
        if self._last is not None and self._last.spoken[-1:].isalnum():
            self._last = Token(self._last.written, self._last.spoken + ",", self._last.start, self._last.stop)
        self._let_go()
        self._give(Token("|", "", *self._held.place(place, place + 1)))
        return place + 1

    def _fence(self, place: int, length: int) -> None:
        mark = self._held.text[place : place + length]
        self._skip = Skip.fence(mark, whole=not self._read_code)
        if not self._read_code:
            self.remarks.add(About.CODE_UNSAID, mark)

    # -- words -----------------------------------------------------------------------------------------------------

    def _word(self, place: int, complete: bool) -> int:
        end = self._word_end(place, complete)
        written, spoken = self._held.text[place:end], None
        if written[-1] == "-" and (hyphen := self._hyphen(place, end, complete)) is not None:
            written, spoken, end = hyphen
        self._say(written, spoken, *self._held.place(place, end))
        return end

    def _word_end(self, place: int, complete: bool) -> int:
        text, limit = self._held.text, place + MAX_WORD_CHARS
        end = place
        while True:
            run = _RUN.match(text, end, limit)
            end = run.end() if run else end
            if end >= limit:
                return limit
            if end == len(text):
                if complete:
                    return end
                raise Wait(place)
            if (
                text[end].isspace()
                or (text[end] == "|" and self._kind is Kind.ROW)
                or self._splits(place, end, complete)
            ):
                return end
            end += 1

    def _splits(self, place: int, end: int, complete: bool) -> bool:
        """Whether a construct begins inside a word, at `end`."""
        if end == place or self._held.text[end] == "|":
            return False
        try:
            return find(self._held.text, end, complete, self._held.text[end - 1]) is not None
        except Wait:
            raise Wait(place) from None

    def _hyphen(self, place: int, end: int, complete: bool) -> tuple[str, str, int] | None:
        """A word divided at the line's end: (written, said, where it ends)."""
        text = self._held.text
        if end - place < 3 or not text[end - 2].isalpha():
            return None
        gap = _HYPHEN_BREAK.match(text, end - 1)
        behind = gap.end() if gap else end
        if behind == len(text) and not complete and text[end:].strip(" \t") in {"", "\r", "\n", "\r\n"}:
            raise Wait(place)
        if gap is None or behind == len(text) or not text[behind].islower():
            return None
        try:
            stop = self._word_end(behind, complete)
        except Wait:
            raise Wait(place) from None
        first, second = text[place : end - 1], text[behind:stop]
        joint = "-" if first.lower() in _COMPOUNDS else ""
        return f"{first}-{second}", plain(f"{first}{joint}{second}"), stop

    def _say(self, written: str, spoken: str | None, start: int, stop: int) -> None:
        self._let_go()
        if len(self._line) <= lines.MAX_TITLE_CHARS:
            self._line = f"{self._line} {written[: lines.MAX_TITLE_CHARS]}".strip()
        said = plain(written) if spoken is None else spoken
        if self._kind is Kind.ROW and not said.strip(":-"):
            said = ""  # the line under a table's head
        if self._spelling:
            said = " ".join(said.upper())
        if self._alias is not None:
            said, self._alias = self._alias, ""
        self._spoke = self._spoke or bool(said)
        self._last = Token(written, said, start, stop)

    def _give(self, piece: Piece) -> None:
        self._let_go()
        if isinstance(piece, Token):
            self._spoke = self._spoke or bool(piece.spoken)
        self._out.append(piece)

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
            self._give(tag.pause)
        elif tag.doing is Doing.END_SENTENCE:
            self._end_sentence(LINE_END)
        elif tag.doing is Doing.SKIP or (tag.doing is Doing.SKIP_CODE and not self._read_code):
            self._skip = Skip.tag(tag.name)
            about = About.CODE_UNSAID if tag.name == "pre" else About.THOUGHTS_UNSAID
            if tag.name in tags.THOUGHTS or tag.name == "pre":
                self.remarks.add(about, match[0])
        elif tag.doing is Doing.ALIAS:
            self._alias = tag.alias
        elif tag.doing is Doing.SPELL:
            self._spelling = True
        elif tag.doing is Doing.END_SPAN:
            self._alias, self._spelling = None, False

    def _bracket(self, bracket: brackets.Bracket, match: re.Match[str]) -> None:
        if bracket.kind is brackets.Kind.PAUSE and bracket.pause is not None:
            self._give(bracket.pause)
        elif bracket.kind is brackets.Kind.DIRECTION:
            self.remarks.add(About.DIRECTION_UNSAID, match[0])
        elif bracket.kind is brackets.Kind.THOUGHT:
            self._skip = Skip.bracket("THINK")
            self.remarks.add(About.THOUGHTS_UNSAID, match[0])

    def _formula(self, inner: str, match: re.Match[str]) -> None:
        said, unknown = latex.plain(inner)
        for name in unknown:
            self.remarks.add(About.FORMULA_UNSAID, f"\\{name}")
        self._say(" ".join(match[0].split()), said, *self._held.place(match.start(), match.end()))
