"""Every format in the table: complete, decodable by other programs, without a gap, and early."""

from __future__ import annotations

import io
import re
import subprocess
from contextlib import closing
from errno import ENOSPC
from functools import cache
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech.encoders import ENCODERS, make_encoder, rate_of
from speech.encoders.base import Encoder
from speech.encoders.pcm import to_int16
from speech.engines.hibari.voice import HibariVoice
from tests.ear import heard, words_of

RATE = 24_000
FRAME = 1_920
PADDING_S = {"mp3": 0.048, "aac": 0.048}  # the codec's own: a stream has no place to say how much of it to cut off
DELAY_S = {"mp3": 0.047, "aac": 0.043}  # how much of the padding lies before the first sample
SLACK_S = 0.030
LOSSLESS = ("wav", "pcm", "flac")
TELEPHONE = ("mulaw", "alaw")
HEADLESS = {"pcm": "s16le", "mulaw": "mulaw", "alaw": "alaw"}  # as FFmpeg names them
SENTENCE = "The train leaves at seven in the morning from the old station."
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, RATE).astype(np.float32)
every_format = pytest.mark.parametrize("name", ENCODERS)


def frames(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [samples[i : i + FRAME] for i in range(0, len(samples), FRAME)]


def encode(name: str, samples: NDArray[np.float32], *, whole: bool = False, bitrate_kbps: int | None = None) -> bytes:
    file = io.BytesIO()
    with closing(make_encoder(name, RATE, bitrate_kbps=bitrate_kbps, file=file if whole else None)) as encoder:
        streamed = b"".join([*map(encoder.encode, frames(samples)), encoder.flush()])
    return file.getvalue() + streamed


def how_to_read(name: str) -> list[str]:
    return ["-f", HEADLESS[name], "-ar", str(rate_of(name, RATE)), "-ac", "1"] if name in HEADLESS else []


def decode(name: str, data: bytes) -> NDArray[np.float32]:
    """By the ffmpeg program, from a pipe: another build than the one inside PyAV, and it cannot seek."""
    given = how_to_read(name)
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        *given,
        "-i",
        "pipe:0",
        "-f",
        "f32le",
        "-ar",
        str(RATE),
        "-ac",
        "1",
        "pipe:1",
    ]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    # A last Opus packet of padding alone decodes to no samples; ffmpeg 9 tells its own muxer of that. Not our bytes.
    complaints = [line for line in done.stderr.splitlines() if b"increasing dts to muxer" not in line]
    assert complaints == []
    return np.frombuffer(done.stdout, "<f4")


@cache
def glide(seconds: float = 2.0) -> NDArray[np.float32]:
    """A tone that rises evenly: smooth everywhere, and no two moments are alike."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * (200 * t + 150 * t * t))).astype(np.float32)


@pytest.fixture(scope="module")
def speech(voice: HibariVoice) -> NDArray[np.float32]:
    return voice.speak(SENTENCE, seed=1).samples


@every_format
@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
def test_duration_and_last_word(name: str, whole: bool, speech: NDArray[np.float32]) -> None:
    decoded = decode(name, encode(name, speech, whole=whole))
    longer_s = (len(decoded) - len(speech)) / RATE
    assert -0.001 <= longer_s <= PADDING_S.get(name, 0.0) + SLACK_S
    if name not in TELEPHONE:  # what lies above 4 kHz is missing there; test_resampling.py listens to them
        assert words_of(heard(decoded, RATE))[-1:] == words_of(heard(speech, RATE))[-1:] == ["station"]


@every_format
def test_no_click_and_no_silence_where_frames_meet(name: str) -> None:
    """Frame by frame gives what one big frame gives; and the steps between samples are no larger at the seams."""
    samples = glide()
    decoded = decode(name, encode(name, samples))
    start = round(DELAY_S.get(name, 0.0) * RATE)
    ours = decoded[start : start + len(samples)]
    steps = np.abs(np.diff(ours))[FRAME:-FRAME]  # the codecs may fade in and out
    largest = np.abs(np.diff(samples)).max()
    assert steps.max() < 1.3 * largest
    loudness = np.sqrt(np.convolve(ours**2, np.ones(240) / 240, "valid"))[FRAME:-FRAME]  # over 10 ms
    assert loudness.min() > 0.15  # 0.4 / sqrt(2) is 0.28


@every_format
def test_bytes_come_with_every_frame(name: str, speech: NDArray[np.float32]) -> None:
    """The first two frames can already be heard: what is decoded lags by less than two frames, all the way."""
    encoder = make_encoder(name, RATE)
    sent = b""
    for count, frame in enumerate(frames(speech)[:12], 1):
        sent += encoder.encode(frame)
        if count in (2, 6, 12):
            lag_s = count * FRAME / RATE - len(decode_cut(name, sent)) / RATE
            assert lag_s < 0.16
    encoder.close()


def decode_cut(name: str, data: bytes) -> NDArray[np.float32]:
    given = how_to_read(name)
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "quiet",
        *given,
        "-i",
        "pipe:0",
        "-f",
        "f32le",
        "-ar",
        str(RATE),
        "-ac",
        "1",
        "pipe:1",
    ]
    return np.frombuffer(subprocess.run(command, input=data, capture_output=True, check=False).stdout, "<f4")


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_is_exact(name: str, speech: NDArray[np.float32]) -> None:
    assert to_int16(decode(name, encode(name, speech))) == to_int16(np.frombuffer(to_int16(speech), "<i2") / 32768)


@every_format
def test_too_loud_is_clipped_not_wrapped(name: str) -> None:
    decoded = decode(name, encode(name, 3 * glide()))
    assert np.sqrt(np.mean(decoded[FRAME:-FRAME] ** 2)) > 0.6


@every_format
@settings(max_examples=6)
@given(lengths=st.lists(st.integers(0, 5_000), max_size=5), whole=st.booleans())
def test_any_lengths_of_frames_make_a_file(name: str, lengths: list[int], whole: bool) -> None:
    samples = glide()[: sum(lengths)]
    file = io.BytesIO()
    encoder = make_encoder(name, RATE, file=file if whole else None)
    data, begin = b"", 0
    for length in lengths:
        data += encoder.encode(samples[begin : begin + length])
        begin += length
    data += encoder.flush()
    data += file.getvalue()
    encoder.close()
    if len(samples) >= FRAME:
        rounded = 3 if name in TELEPHONE else 0  # the last of their samples lasts as long as three of ours
        assert len(decode(name, data)) > len(samples) - 1 - rounded


@every_format
def test_closing_twice_or_unflushed_does_nothing(name: str) -> None:
    encoder = make_encoder(name, RATE)
    encoder.encode(glide()[:FRAME])
    encoder.close()
    encoder.close()


class FullDisk(io.BytesIO):
    """A file on a disk with room for some bytes. What was not written yet fails where it is sought, too."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room, self._full = room, False

    def write(self, data: Any) -> int:
        self._full = self._full or self.tell() + len(data) > self._room
        self._refuse()
        return super().write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._refuse()
        return super().seek(offset, whence)

    def _refuse(self) -> None:
        if self._full:
            raise OSError(ENOSPC, "No space left on device")


@every_format
@pytest.mark.parametrize("room", [10, 1_000, 5_000])
def test_a_full_disk_is_told_once(name: str, room: int, capfd: pytest.CaptureFixture[str]) -> None:
    """By `encode` or `flush`; FFmpeg, which ends the file all the same, does not tell it again in its own words."""
    file = FullDisk(room)
    with closing(make_encoder(name, RATE, file=file)) as encoder, pytest.raises(OSError, match="No space left"):
        file.writelines([*map(encoder.encode, frames(NOISE)), encoder.flush()])
    assert capfd.readouterr().err == ""


@every_format
@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
def test_files_say_nothing_of_who_made_them(name: str, whole: bool) -> None:
    data = encode(name, glide(), whole=whole)
    assert not re.search(rb"Lav[cf]\d|ID3|TSSE|encoder=", data)


def lossy() -> list[str]:
    return [name for name, encoder in ENCODERS.items() if encoder.bitrates]


@pytest.mark.parametrize("name", lossy())
@pytest.mark.parametrize("end", ["lowest", "highest"])
def test_the_bit_rate_is_kept(name: str, end: str, speech: NDArray[np.float32]) -> None:
    bitrates = ENCODERS[name].bitrates
    assert bitrates is not None
    asked = getattr(bitrates, end)
    data = encode(name, np.tile(speech, 2), bitrate_kbps=asked)
    got = 8 * len(data) / (2 * len(speech) / RATE) / 1000
    container = 12 if name == "opus" else 2  # an Ogg page every 20 ms costs 11 kbit/s
    assert 0.4 * asked < got < 1.1 * asked + container
    assert len(decode(name, data)) >= 2 * len(speech)


def test_formats_without_a_bit_rate_ignore_none() -> None:
    assert {name for name, encoder in ENCODERS.items() if encoder.bitrates is None} == {*LOSSLESS, *TELEPHONE}
    assert all(issubclass(encoder, Encoder) for encoder in ENCODERS.values())
