"""A recording that a client sent -> mono samples (decode). In memory alone; knows no file, no engine, no model.

FFmpeg is told which container it reads, never asked to guess: some of those it knows name other files and addresses.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import cast

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from speech.errors import ErrorCode, InvalidRequest
from speech.request import Samples

SECONDS = (3.0, 30.0)  # how long a recording may be
SLACK_S = 0.2  # MP3 and Opus fill their last packet up
FORMATS = "wav, mp3, flac, or opus in Ogg or WebM"
# How a file of each container begins -> FFmpeg's name of it, and the codecs that are taken out of it.
_PCM = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"})
_MP3 = frozenset({"mp3", "mp3float"})
_OPUS = frozenset({"opus", "libopus"})
_CONTAINERS = {
    b"RIFF": ("wav", _PCM),
    b"fLaC": ("flac", frozenset({"flac"})),
    b"ID3": ("mp3", _MP3),
    b"OggS": ("ogg", _OPUS),
    b"\x1a\x45\xdf\xa3": ("matroska", _OPUS),
}
_MP3_SYNC = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2")  # an MP3 without a tag


def decode(data: bytes, sample_rate: int) -> Samples:
    """(samples,) in [-1, 1] at that rate, channels averaged.

    Raises InvalidRequest, which names the field `file`, for another format, a damaged file, or one that is too short or
    too long.
    """
    container, codecs = _container_of(data)
    try:
        with av.open(io.BytesIO(data), "r", format=container) as source:
            samples = _samples(source, codecs, sample_rate)
    except (av.FFmpegError, ValueError) as error:
        raise _refused(f"the recording cannot be read: {' '.join(str(error).split())[:200]}") from None
    seconds, (shortest, longest) = len(samples) / sample_rate, SECONDS
    if seconds > longest + SLACK_S:
        raise _refused(f"the recording is longer than {longest:g} s; {shortest:g} to {longest:g} s are taken")
    if seconds < shortest:
        raise _refused(f"the recording has {seconds:.1f} s; {shortest:g} to {longest:g} s are taken")
    return samples


def _container_of(data: bytes) -> tuple[str, frozenset[str]]:
    if data.startswith(_MP3_SYNC):
        return "mp3", _MP3
    for head, found in _CONTAINERS.items():
        if data.startswith(head):
            return found
    raise _refused(f"the recording must be {FORMATS}")


def _samples(source: InputContainer, codecs: frozenset[str], sample_rate: int) -> Samples:
    """All of it, or somewhat more than may be."""
    if not source.streams.audio:
        raise _refused("there is no sound in the file")
    stream = source.streams.audio[0]
    if stream.codec_context.name not in codecs:
        raise _refused(f"the sound is {stream.codec_context.name}; the recording must be {FORMATS}")
    parts: list[Samples] = [np.zeros(0, np.float32)]
    length = 0
    for part in _resampled(source, sample_rate):
        parts.append(part)
        length += len(part)
        if length > (SECONDS[1] + SLACK_S) * sample_rate:
            break
    samples = np.concatenate(parts)
    if not np.isfinite(samples).all():
        raise _refused("the recording has samples that are no numbers")
    return samples


def _resampled(source: InputContainer, sample_rate: int) -> Iterator[Samples]:
    resampler = AudioResampler("flt", "mono", sample_rate)
    for frame in source.decode(audio=0):
        for resampled in resampler.resample(frame):
            yield cast(Samples, resampled.to_ndarray()[0])
    for resampled in resampler.resample(None):
        yield cast(Samples, resampled.to_ndarray()[0])


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"file: {why}.", param="file", code=ErrorCode.INVALID_AUDIO)
