"""M4B: AAC in MPEG-4 with a title and chapters, as players of audiobooks take it. A file only: it cannot be streamed.

FFmpeg writes the chapters twice, as QuickTime's text track and as Nero's list: players read the one or the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING

from speech.encoders.aac import AacEncoder

if TYPE_CHECKING:
    from av.container.core import Chapter  # a type for type checkers, which the module itself does not have

_MS = 1000  # chapters are told in whole milliseconds


@dataclass(frozen=True)
class Mark:
    """One chapter, in seconds of the file."""

    title: str
    start_s: float
    stop_s: float


class M4bEncoder(AacEncoder):
    """Not one of ENCODERS: it needs its chapters before the first sample, and a file that can be sought."""

    media_type = "audio/mp4"
    container = "ipod"

    def __init__(
        self, sample_rate: int, bitrate_kbps: int | None, file: IO[bytes], *, title: str, marks: list[Mark]
    ) -> None:
        super().__init__(sample_rate, bitrate_kbps, file)
        if title:
            self._container.metadata["title"] = title
        self._container.set_chapters([_chapter(number, mark) for number, mark in enumerate(marks)])


def _chapter(number: int, mark: Mark) -> Chapter:
    start, stop = round(mark.start_s * _MS), round(mark.stop_s * _MS)
    named = {"title": mark.title}
    return {"id": number, "start": start, "end": stop, "time_base": Fraction(1, _MS), "metadata": named}
