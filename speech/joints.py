"""The edges of a passage's sound, so that passages join without a click (without_edges), and the pauses between them.

Knows no text and no engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speech.request import FRAME_S, AudioChunk, Samples, Word

QUIET = 0.004  # -48 dBFS; what stays below it at an edge is no speech
KEPT_S = 0.04  # of the quiet stays at each edge: a soft consonant begins and ends below QUIET
FADE_S = 0.005


def without_edges(chunks: Iterable[AudioChunk], sample_rate: int, keep_start: bool = False) -> Iterator[AudioChunk]:
    """A passage without the silence at its ends, faded in and out; only silence is ever held back.

    keep_start: its beginning comes as it is, at once. Times of words count from what is left.
    """
    begun = chunks if keep_start else _without_start(chunks, sample_rate)
    yield from _without_end(begun, sample_rate)


def silence(seconds: float, sample_rate: int) -> Iterator[AudioChunk]:
    """In frames, as speech comes."""
    left, frame = round(seconds * sample_rate), round(FRAME_S * sample_rate)
    while left > 0:
        yield AudioChunk(np.zeros(min(left, frame), np.float32), sample_rate)
        left -= frame


def later(chunks: Iterable[AudioChunk], seconds: float) -> Iterator[AudioChunk]:
    """The same sound; its words come so much later."""
    for chunk in chunks:
        yield replace(chunk, words=tuple(_moved(word, seconds) for word in chunk.words))


def _moved(word: Word, seconds: float) -> Word:
    stop_s = None if word.stop_s is None else max(0.0, word.stop_s + seconds)
    return replace(word, start_s=max(0.0, word.start_s + seconds), stop_s=stop_s)


def _loud(samples: Samples) -> NDArray[np.intp]:
    """Places of the samples that are no silence."""
    return np.flatnonzero(np.abs(samples) > QUIET)


def _without_start(chunks: Iterable[AudioChunk], sample_rate: int) -> Iterator[AudioChunk]:
    remaining, kept = iter(chunks), round(KEPT_S * sample_rate)
    held: Samples = np.zeros(0, np.float32)
    words: list[Word] = []
    cut = 0
    for chunk in remaining:
        words.extend(chunk.words)
        held = np.concatenate([held, chunk.samples])
        loud = _loud(held)
        start = max(0, (int(loud[0]) if len(loud) else len(held)) - kept)
        held, cut = held[start:], cut + start
        if len(loud):
            first = replace(chunk, samples=_faded_in(held, sample_rate), words=tuple(words))
            yield from later([first], -cut / sample_rate)
            yield from later(remaining, -cut / sample_rate)
            return
    if words:  # all of it is quiet
        yield from later([AudioChunk(held[:0], sample_rate, tuple(words))], -cut / sample_rate)


def _without_end(chunks: Iterable[AudioChunk], sample_rate: int) -> Iterator[AudioChunk]:
    fade = round(FADE_S * sample_rate)
    held: Samples = np.zeros(0, np.float32)
    sounded = False  # what comes before any sound is no end
    for chunk in chunks:
        held = np.concatenate([held, chunk.samples])
        loud = _loud(held)
        sounded = sounded or bool(len(loud))
        last = int(loud[-1]) + 1 if len(loud) else 0 if sounded else len(held)
        sure = max(0, min(last, len(held) - fade))
        if sure or chunk.words:
            yield replace(chunk, samples=held[:sure])
        held = held[sure:]
    loud = _loud(held)
    kept = (int(loud[-1]) + 1 if len(loud) else 0) + round(KEPT_S * sample_rate)
    if len(held):
        yield AudioChunk(_faded_out(held[:kept], sample_rate), sample_rate)


def _faded_in(samples: Samples, sample_rate: int) -> Samples:
    length = min(len(samples), round(FADE_S * sample_rate))
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    return np.concatenate([samples[:length] * ramp, samples[length:]])


def _faded_out(samples: Samples, sample_rate: int) -> Samples:
    return _faded_in(samples[::-1], sample_rate)[::-1]
