"""FFmpeg's filters over samples, as they come (SampleFilter). Knows neither words nor formats."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from speech.request import Samples


class SampleFilter:
    """Mono samples in, fewer or more of them out: push ... push, flush."""

    def __init__(self, sample_rate: int, filters: Iterable[tuple[str, str]]) -> None:
        """sample_rate: of what comes in, in Hz. filters: names and arguments, the first for what comes in."""
        self._rate = sample_rate
        self._position = 0
        self._graph = Graph()
        self._in = last = self._graph.add_abuffer(
            sample_rate=sample_rate, format="flt", layout="mono", time_base=Fraction(1, sample_rate)
        )
        for name, arguments in filters:
            added = self._graph.add(name, arguments)
            last.link_to(added)
            last = added
        self._out = self._graph.add("abuffersink")
        last.link_to(self._out)
        self._graph.configure()

    def push(self, samples: Samples) -> Samples:
        """What is complete with these samples; may be none."""
        if len(samples):
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="flt", layout="mono")
            frame.sample_rate, frame.time_base = self._rate, Fraction(1, self._rate)
            frame.pts = self._position
            self._position += len(samples)
            self._in.push(frame)
        return self._pull()

    def flush(self) -> Samples:
        """The rest."""
        if not self._position:
            return np.zeros(0, np.float32)
        self._in.push(None)
        return self._pull()

    def _pull(self) -> Samples:
        parts: list[Samples] = []
        while True:
            try:
                parts.append(cast(AudioFrame, self._out.pull()).to_ndarray()[0])
            except (av.BlockingIOError, av.EOFError):
                return np.concatenate([np.zeros(0, np.float32), *parts])
