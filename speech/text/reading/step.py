"""The step of the pipe that reads: words as written in, the same words as said out. Knows no language's rules.

Most words are said as they stand and go through at once. A word that may be read together with its neighbours (a
number, a month, an abbreviation) is held until the first word that has nothing to do with it is there; all of them are
then read as one stretch. What comes out depends on the words alone, however they were handed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from speech.request import Piece, Token
from speech.text.reading.scan import MAX_WORD_CHARS, Part, Rules, scan
from speech.text.steps import Settled

MAX_STRETCH = 16  # words; of a longer stretch only the first are read, then it goes on
LOOK_AHEAD = 4  # words at its end that are only looked at
LEFT_CONTEXT = 3  # words already read that rules may look at: "Henry" before "VIII"


@dataclass(frozen=True)
class Reader:
    """A language, ready to read. Stateless; shared by all texts."""

    rules: Rules
    opens: Callable[[str], bool]  # may this word be read otherwise than as it stands?
    joins: Callable[[str, str], bool]  # (word, the one after): may they be read together?
    named: Callable[[str], bool]  # whether a sign or a letter of another script has a reading


class Reading:
    """One text. Takes and gives tokens and pauses as a Step does (speech.text.steps)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held: deque[Token] = deque()
        self._left: deque[str] = deque(maxlen=LEFT_CONTEXT)
        self._joined = 0  # so many held words are known to be one stretch

    def feed(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Pieces in, in the order of the text; those that no later piece can change out."""
        given: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, Token) and not isinstance(piece, Settled):
                self._held.append(piece)
            else:
                given += [*self.flush(), piece]
                self._left.clear()
        return given + self._read(complete=False)

    def flush(self) -> list[Piece]:
        """What was held back: the text ends here, or its writer rests."""
        return self._read(complete=True)

    def _read(self, complete: bool) -> list[Piece]:
        given: list[Piece] = []
        while self._held:
            if not self._reader.opens(self._held[0].spoken):
                token = self._held.popleft()
                self._left.append(token.spoken)
                given.append(token)
                continue
            count = self._stretch()
            if count == len(self._held) < MAX_STRETCH and not complete:
                break
            given += self._said(count)
            self._joined = 0
        return given

    def _stretch(self) -> int:
        """How many of the held words are one stretch."""
        count, held = max(1, self._joined), self._held
        while count < min(len(held), MAX_STRETCH) and self._reader.joins(held[count - 1].spoken, held[count].spoken):
            count += 1
        self._joined = count
        return count

    def _said(self, count: int) -> list[Token]:
        """Read the first `count` held words, take them out, and give them, joined where they are one reading."""
        words = [token.spoken for token in islice(self._held, count + 1)]
        text = " ".join([*self._left, *words])
        begin = sum(len(word) + 1 for word in self._left)
        end = begin + len(" ".join(words[:count]))
        groups = _groups(text, begin, words[:count], scan_words(text, begin, end, self._reader.rules))
        if count == MAX_STRETCH:
            groups = groups[: max(1, len(groups) - LOOK_AHEAD)]
        given = []
        for length, spoken in groups:
            tokens = [self._held.popleft() for _ in range(length)]
            self._left.extend(token.spoken for token in tokens)
            given.append(_joined(tokens, spoken))
        return given


def scan_words(text: str, begin: int, end: int, rules: Rules) -> list[Part]:
    """As `scan`, but a word that is far too long is read without rules, so that nonsense costs no more than prose."""
    if end - begin <= MAX_WORD_CHARS * MAX_STRETCH and all(
        len(w) <= MAX_WORD_CHARS for w in text[begin:end].split(" ")
    ):
        return scan(text, begin, end, rules)
    return scan(text, begin, end, Rules((), rules.rest, rules.run))


def _groups(text: str, begin: int, words: list[str], parts: list[Part]) -> list[tuple[int, str]]:
    """(how many words, what is said of them): words that share a part are one group."""
    groups: list[tuple[int, str]] = []
    remaining = deque(parts)
    place, covered, count, said = begin, begin, 0, ""
    for word in words:
        place, count = place + len(word), count + 1
        while remaining and remaining[0].start < place:
            part = remaining.popleft()
            said = glue(said, part, text)
            covered = part.stop
        if covered <= place:
            groups.append((count, said.strip()))
            count, said = 0, ""
        place += 1
    return groups


def glue(said: str, part: Part, text: str) -> str:
    """`said` and what the part says, with a blank between them where the text has one or letters would touch."""
    blank = part.start > 0 and text[part.start - 1] == " "
    touching = said[-1:].isalnum() and part.spoken[:1].isalnum()
    return f"{said} {part.spoken}" if said and part.spoken and (blank or touching) else said + part.spoken


def _joined(tokens: list[Token], spoken: str) -> Token:
    spoken = " ".join(spoken.split())
    if len(tokens) == 1 and tokens[0].spoken == spoken:
        return tokens[0]
    written = " ".join(token.written for token in tokens)
    return Token(written, spoken, tokens[0].start, tokens[-1].stop)
