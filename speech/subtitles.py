"""Words with both of their times -> captions to read while one listens: SubRip, WebVTT and JSON.

A caption has one or two rows of at most 42 characters (the BBC's and Netflix's guides say as much). It ends with a
sentence or before a silence, as behind a heading, else with a phrase where that fits. Knows no engine and no audio.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from speech.request import Word
from speech.text.marks import spoken
from speech.text.passages import ends_phrase, ends_sentence

ROW_CHARS = 42
SHOWN_S = 1.0  # a shorter caption stays so long if the next one does not begin before
SILENCE_S = 0.5  # so long between two words parts them as the end of a sentence does
# What a division of a sentence costs; the cheapest is taken. An empty row costs 1, a full one nothing.
CUE, CUE_IN_PHRASE, ROW_IN_PHRASE = 1.0, 2.0, 0.3

ESTIMATED = "NOTE The times of the words are estimated.\n"

Row = tuple[Word, ...]


@dataclass(frozen=True)
class Cue:
    """One caption. Every word has both of its times; the text of a word has no marks of Markdown."""

    rows: tuple[Row, ...]  # one or two
    stop_s: float

    @property
    def start_s(self) -> float:
        return self.rows[0][0].start_s

    @property
    def words(self) -> Row:
        return tuple(word for row in self.rows for word in row)


def cues(words: Iterable[Word]) -> list[Cue]:
    """Captions in order, none over another. words: in order, with both times; one longer than a row is divided."""
    shown = [part for word in words if (bare := _bare(word)).text for part in _parts(bare)]
    found = [cue for sentence in _sentences(shown) for cue in _divided(sentence)]
    later = [cue.start_s for cue in found[1:]]
    return [
        replace(cue, stop_s=max(cue.stop_s, min(cue.start_s + SHOWN_S, after)))
        for cue, after in zip(found, [*later, float("inf")], strict=False)
    ]


def _bare(word: Word) -> Word:
    return replace(word, text=" ".join(filter(None, map(spoken, word.text.split()))))


def _parts(word: Word) -> Iterator[Word]:
    """The word, or parts of one that is longer than a row, each with its share of the time."""
    assert word.stop_s is not None
    count = -(-len(word.text) // ROW_CHARS)
    times = [word.start_s + (word.stop_s - word.start_s) * index / count for index in range(count + 1)]
    for index, (start_s, stop_s) in enumerate(pairwise(times)):
        yield replace(
            word, text=word.text[index * ROW_CHARS :][:ROW_CHARS].strip() or "-", start_s=start_s, stop_s=stop_s
        )


def _sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in words:
        if sentence and word.start_s - (sentence[-1].stop_s or 0.0) >= SILENCE_S:
            yield sentence
            sentence = []
        sentence.append(word)
        if ends_sentence(word.text):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


# -- one sentence -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """The cheapest way from a word on: what it costs, where the row ends, and whether the caption does."""

    cost: float
    stop: int = 0
    ends_cue: bool = True


def _divided(sentence: Sequence[Word]) -> Iterator[Cue]:
    """The cheapest captions of one sentence, by dynamic programming from its end."""
    plans = _plans(sentence)
    rows: list[Row] = []
    start = 0
    while start < len(sentence):
        plan = plans[start][len(rows)]
        rows.append(tuple(sentence[start : plan.stop]))
        start = plan.stop
        if plan.ends_cue:
            stop_s = rows[-1][-1].stop_s
            assert stop_s is not None
            yield Cue(tuple(rows), stop_s)
            rows = []


def _plans(sentence: Sequence[Word]) -> list[tuple[_Plan, _Plan]]:
    """For each word: the plan if it begins a caption, and the plan if it begins the second row of one."""
    nothing = _Plan(0.0)
    plans = [(nothing, nothing)] * (len(sentence) + 1)
    for start in reversed(range(len(sentence))):
        options = list(_options(sentence, start, plans))
        second = [plan for plan in options if plan.ends_cue]
        plans[start] = min(options, key=_cost), min(second, key=_cost)
    return plans


def _cost(plan: _Plan) -> float:
    return plan.cost


def _options(sentence: Sequence[Word], start: int, plans: Sequence[tuple[_Plan, _Plan]]) -> Iterator[_Plan]:
    """Every row that can begin with this word."""
    length = -1
    for stop in range(start + 1, len(sentence) + 1):
        last = sentence[stop - 1].text
        length += 1 + len(last)
        if length > ROW_CHARS:
            return
        slack = (1 - length / ROW_CHARS) ** 2
        whole = stop == len(sentence) or ends_phrase(last)
        yield _Plan(slack + CUE + CUE_IN_PHRASE * (not whole) + plans[stop][0].cost, stop)
        if stop < len(sentence):
            yield _Plan(slack + ROW_IN_PHRASE * (not whole) + plans[stop][1].cost, stop, ends_cue=False)


# -- formats ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaptionFormat:
    """media_type: of its files. write: captions -> the text of one."""

    media_type: str
    write: Callable[[Sequence[Cue]], str]


def as_srt(found: Sequence[Cue]) -> str:
    """SubRip. It has no escapes; what would read as its arrow is written as one character."""
    return "".join(
        f"{number}\n{_time(cue.start_s, ',')} --> {_time(cue.stop_s, ',')}\n{_srt_rows(cue)}\n\n"
        for number, cue in enumerate(found, 1)
    )


def _srt_rows(cue: Cue) -> str:
    return "\n".join(" ".join(word.text for word in row).replace("-->", "→") for row in cue.rows)


def as_vtt(found: Sequence[Cue]) -> str:
    """WebVTT (W3C), with the time of each word inside, so that a player can mark them."""
    blocks = (f"{_time(cue.start_s)} --> {_time(cue.stop_s)}\n{_vtt_rows(cue)}\n" for cue in found)
    estimated = any(word.estimated for cue in found for word in cue.words)
    return "\n".join(["WEBVTT\n", *([ESTIMATED] if estimated else []), *blocks])


def _vtt_rows(cue: Cue) -> str:
    begun = _time(cue.start_s)
    rows = []
    for row in cue.rows:
        texts = []
        for word in row:
            time = _time(word.start_s)
            texts.append(("" if time <= begun else f"<{time}>") + html.escape(word.text, quote=False))
            begun = max(begun, time)
        rows.append(" ".join(texts))
    return "\n".join(rows)


def as_json(found: Sequence[Cue]) -> str:
    """{"cues": [{"start_s", "stop_s", "text", "words": [{"word", "start_s", "stop_s", "from", "to"}]}]}

    A word has "estimated": true where the engine tells no times.
    """
    return json.dumps({"cues": [_plain(cue) for cue in found]}, ensure_ascii=False)


def _plain(cue: Cue) -> dict[str, Any]:
    words = [
        {
            "word": word.text,
            "start_s": round(word.start_s, 3),
            "stop_s": None if word.stop_s is None else round(word.stop_s, 3),
            "from": word.start,
            "to": word.stop,
            **({"estimated": True} if word.estimated else {}),
        }
        for word in cue.words
    ]
    text = "\n".join(" ".join(word.text for word in row) for row in cue.rows)
    return {"start_s": round(cue.start_s, 3), "stop_s": round(cue.stop_s, 3), "text": text, "words": words}


def _time(seconds: float, point: str = ".") -> str:
    """Hours, minutes, seconds, milliseconds. Two digits of hours or more: as text they sort like the times."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


CAPTIONS: dict[str, CaptionFormat] = {
    "srt": CaptionFormat("application/x-subrip", as_srt),
    "vtt": CaptionFormat("text/vtt", as_vtt),
    "json": CaptionFormat("application/json", as_json),
}
