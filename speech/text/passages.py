"""A long text -> passages, each said by one slot (passages). Deterministic: the same pieces give the same passages.

A passage ends with a sentence, where a sentence is too long at a comma or the like, and in a text without either
between two words; a token is never cut. Knows no engine, no voice and no sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest

from speech.request import Pause, Piece, Token

CHARACTER_S = 0.07  # as long does a character that is no blank sound; both engines take 0.06 to 0.08 s
MAX_S = 20.0  # of one passage, as estimated
SHORT_S = 3.0  # a shorter passage joins its neighbour, which may then be so much longer than MAX_S

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_PHRASE_END = re.compile(r"[,;:–—，；：、][\"'”’»)\]]*$|\)$")
_ABBREVIATION = re.compile(
    r"^[(\"'“‘«]*(?:[^\W\d_]|[^\W\d_](?:\.[^\W\d_])+|mrs?|ms|dr|mme|mlle|st|prof|rev|gen|col|capt|sgt|jr|sr|vs|etc|"
    r"vol|fig|pp?|cf|al|approx|dept|inc|ltd|co)\.$",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6}")


class Join(StrEnum):
    """What lies between a passage and the one before it."""

    START = "start"  # nothing: it is the first
    PHRASE = "phrase"  # the middle of a sentence
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"
    HEADING = "heading"  # one of the two is a heading


@dataclass(frozen=True)
class Passage:
    """pause_s: a silence that the text asks for before it, seconds; 0: what the join says.

    voice: who says it; None: the request's. A passage has one voice.
    """

    pieces: tuple[Piece, ...]
    join: Join = Join.START
    pause_s: float = 0.0
    voice: str | None = None

    @property
    def seconds(self) -> float:
        """How long it sounds, as estimated."""
        return _seconds(self.pieces)


def passages(pieces: Iterable[Piece], max_s: float = MAX_S, short_s: float = SHORT_S) -> list[Passage]:
    """Cut what a Reader gives. Every token is in one passage, in order; one without words to say is in none alone.

    max_s: of one passage, as estimated; more only where a single token is longer, or where a short neighbour joined.
    """
    found: list[Passage] = []
    for paragraph in _paragraphs(pieces):
        heading = _is_heading(paragraph)
        cut = [paragraph] if heading and _seconds(paragraph) <= max_s else _cut(paragraph, max_s)
        join = between(found[-1].pieces if found else (), paragraph)
        for part in cut:
            found.append(Passage(tuple(part), join if part is cut[0] else _inside(found[-1].pieces)))
    return settled(_neighbours(found, max_s, short_s))


def _seconds(pieces: Iterable[Piece]) -> float:
    return sum(
        piece.seconds if isinstance(piece, Pause) else CHARACTER_S * len("".join(piece.spoken.split()))
        for piece in pieces
    )


def _anything(pieces: Iterable[Piece]) -> bool:
    return any(isinstance(piece, Token) and piece.spoken for piece in pieces)


def _paragraphs(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Each ends with the empty pause that ends it, if one does; a heading with any."""
    paragraph: list[Piece] = []
    for piece in pieces:
        paragraph.append(piece)
        if isinstance(piece, Pause) and (not piece.seconds or _is_heading(paragraph)):
            yield paragraph
            paragraph = []
    if paragraph:
        yield paragraph


def _is_heading(pieces: Sequence[Piece]) -> bool:
    """As Markdown has it: # Title. Reading leaves the mark as a token that is not said."""
    first = next(iter(pieces), None)
    return isinstance(first, Token) and not first.spoken and bool(_HEADING.fullmatch(first.written))


def between(before: Sequence[Piece], after: Sequence[Piece]) -> Join:
    """How two paragraphs are joined."""
    return Join.HEADING if _is_heading(before) or _is_heading(after) else Join.PARAGRAPH


def _inside(before: Sequence[Piece]) -> Join:
    """How two passages of one paragraph are joined."""
    last = next((piece for piece in reversed(before) if isinstance(piece, Pause) or piece.spoken), None)
    ends = last is None or isinstance(last, Pause) or bool(_SENTENCE_END.search(last.spoken))
    return Join.SENTENCE if ends else Join.PHRASE


# -- one paragraph ----------------------------------------------------------------------------------------------------


def _cut(paragraph: Sequence[Piece], max_s: float) -> list[list[Piece]]:
    """By sentences, as many in a passage as fit; a sentence that alone is too long by phrases, then by words."""
    parts: list[list[Piece]] = [[]]
    for sentence in _sentences(paragraph):
        for part in _shortened(sentence, max_s):
            if parts[-1] and _seconds([*parts[-1], *part]) > max_s:
                parts.append([])
            parts[-1].extend(part)
    return parts


def _shortened(sentence: list[Piece], max_s: float) -> Iterator[list[Piece]]:
    if _seconds(sentence) <= max_s:
        yield sentence
        return
    for phrase in _split(sentence, _ends_phrase):
        yield from [phrase] if _seconds(phrase) <= max_s else ([piece] for piece in phrase)


def _sentences(pieces: Sequence[Piece]) -> list[list[Piece]]:
    return _split(pieces, _ends_sentence)


def _split(pieces: Sequence[Piece], ends: Callable[[Piece, Piece | None], bool]) -> list[list[Piece]]:
    """ends: whether a part ends with the first of two pieces that follow each other."""
    parts: list[list[Piece]] = [[]]
    for piece, after in zip_longest(pieces, pieces[1:]):
        parts[-1].append(piece)
        if ends(piece, after):
            parts.append([])
    return [part for part in parts if part]


def ends_sentence(said: str) -> bool:
    """Whether a sentence ends with these words, as far as they alone can tell: Mr. and e.g. end none."""
    last = said.split()[-1] if said.split() else ""
    return bool(_SENTENCE_END.search(last)) and not _ABBREVIATION.match(last)


def ends_phrase(said: str) -> bool:
    """Whether there is a comma or the like behind these words."""
    return bool(_PHRASE_END.search(said))


def _ends_sentence(piece: Piece, after: Piece | None) -> bool:
    """A pause belongs to the sentence before it."""
    if isinstance(after, Pause) or (after is not None and not after.spoken):
        return False
    if isinstance(piece, Pause):
        return True
    return ends_sentence(piece.spoken) and (after is None or not after.spoken[:1].islower())


def _ends_phrase(piece: Piece, after: Piece | None) -> bool:
    return isinstance(piece, Token) and ends_phrase(piece.spoken) and not isinstance(after, Pause)


# -- neighbours -------------------------------------------------------------------------------------------------------


def _neighbours(found: Sequence[Passage], max_s: float, short_s: float) -> list[Passage]:
    """Short passages join the one before, or else the one behind; headings stay alone."""
    joined: list[Passage] = []
    for passage in found:
        if joined and _may_join(joined[-1], passage, max_s, short_s):
            joined[-1] = Passage((*joined[-1].pieces, *passage.pieces), joined[-1].join)
        else:
            joined.append(passage)
    return joined


def _may_join(one: Passage, two: Passage, max_s: float, short_s: float) -> bool:
    if not _anything(one.pieces) or not _anything(two.pieces):
        return True
    if two.join is Join.HEADING:
        return False
    return min(one.seconds, two.seconds) < short_s and one.seconds + two.seconds <= max_s + short_s


def settled(found: Iterable[Passage]) -> list[Passage]:
    """Pauses at the end of a passage become silence before the next one; the last passage keeps its own."""
    said: list[Passage] = []
    for passage in found:
        if not said:
            said.append(replace(passage, join=Join.START))
            continue
        pieces, pause_s = _without_end(said[-1].pieces)
        said[-1] = replace(said[-1], pieces=pieces)
        said.append(replace(passage, pause_s=passage.pause_s + pause_s))
    return said


def _without_end(pieces: tuple[Piece, ...]) -> tuple[tuple[Piece, ...], float]:
    """Without the pauses behind the last word, and how long they are."""
    last = max(index for index, piece in enumerate(pieces) if isinstance(piece, Token))
    pauses = [piece.seconds for piece in pieces[last + 1 :] if isinstance(piece, Pause)]
    return pieces[: last + 1], sum(pauses)
