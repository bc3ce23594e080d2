"""Samples -> bytes, without an engine: any source of chunks will do."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator

import numpy as np
import pytest

from speech.encoders import ENCODERS
from speech.request import AudioChunk, SpeechRequest, Word
from speech.sound import Sound

RATE = 24_000


class Tones(Sound):
    """A tenth of a second for each of three words."""

    def chunks(self) -> Iterator[AudioChunk]:
        for number, pitch in enumerate((220, 330, 440)):
            tone = 0.5 * np.sin(2 * np.pi * pitch * np.arange(RATE // 10) / RATE)
            self.counts.starts.append(5 * number)
            self.counts.samples += len(tone)
            self.counts.words += 1
            yield AudioChunk(tone.astype(np.float32), RATE, (Word("tone", number / 10, start=5 * number),))
        self.complete = True


def tones(format_name: str, **wishes: object) -> Tones:
    return Tones(SpeechRequest("a b c", format=format_name, **wishes), RATE)  # type: ignore[arg-type]


@pytest.mark.parametrize("format_name", ENCODERS)
def test_the_whole_begins_and_ends_as_the_stream_does(format_name: str) -> None:
    file, whole, streamed = io.BytesIO(), tones(format_name), tones(format_name)
    whole.write(file)
    assert file.getvalue()
    assert len(b"".join(streamed.encoded())) == pytest.approx(len(file.getvalue()), abs=500)  # a header
    assert whole.seconds == streamed.seconds == 0.3
    assert whole.media_type == ENCODERS[format_name].media_type


def test_another_rate_is_told_and_made() -> None:
    file, asked = io.BytesIO(), tones("wav", sample_rate=8000)
    asked.write(file)
    with wave.open(io.BytesIO(file.getvalue())) as read:
        assert (asked.encoded_rate, read.getframerate()) == (8000, 8000)
        assert read.getnframes() == pytest.approx(2400, abs=40)


def test_silence_in_place_of_speech() -> None:
    file, silent = io.BytesIO(), tones("pcm")
    silent.write_silence(file, 0.1)
    assert file.getvalue() == bytes(4800)
    assert (silent.seconds, silent.complete) == (0.1, True)


def test_what_is_counted() -> None:
    asked = tones("pcm")
    assert asked.share is None, "no word came yet"
    asked.counts.starts.append(0)
    assert asked.share == 0
    assert len(b"".join(asked.encoded())) == 3 * 4800
    assert (asked.counts.words, asked.counts.words_total, asked.share) == (3, 4, 0.75)
    assert asked.counts.index(Word("b", 0.1, start=5)) == 2
