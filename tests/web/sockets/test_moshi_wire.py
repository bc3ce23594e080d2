"""moshi-server's messages, byte by byte."""

from __future__ import annotations

import math
import struct

import msgpack
import numpy as np
import pytest

from speech.errors import InvalidRequest
from speech.request import Word
from web.sockets.moshi_wire import EosMessage, TextMessage, VoiceMessage, read, wire

TYPE = b"\xa4type"
TONE = (0.5 * np.sin(np.arange(1920) / 20)).astype(np.float32)


def test_ready() -> None:
    assert list(wire("PcmMessagePack").ready()) == [bytes.fromhex("81a474797065a55265616479")]


def test_busy() -> None:
    expected = bytes.fromhex("82a474797065a54572726f72a76d657373616765b06e6f2066726565206368616e6e656c73")
    assert list(wire("PcmMessagePack").error("no free channels")) == [expected]


def test_audio_is_9619_bytes_of_single_floats() -> None:
    (frame,) = wire("PcmMessagePack").sound(TONE)
    assert len(frame) == 9619
    assert frame.startswith(b"\x82" + TYPE + b"\xa5Audio" + b"\xa3pcm" + b"\xdc\x07\x80")
    numbers = frame[19:]
    assert numbers[::5] == b"\xca" * 1920
    assert np.array_equal(np.frombuffer(numbers, [("mark", "u1"), ("value", ">f4")])["value"], TONE)


def test_text_has_double_floats() -> None:
    (frame,) = wire("PcmMessagePack").word(Word("né", 0.08, 1.6))
    assert frame == (
        b"\x84" + TYPE + b"\xa4Text" + b"\xa4text" + b"\xa3n\xc3\xa9"
        b"\xa7start_s" + b"\xcb" + struct.pack(">d", 0.08) + b"\xa6stop_s" + b"\xcb" + struct.pack(">d", 1.6)
    )


def test_a_raw_format_sends_audio_only() -> None:
    pcm = wire("Pcm")
    assert [*pcm.ready(), *pcm.word(Word("a", 0.0, 1.0)), *pcm.error("no free channels")] == []
    (frame,) = pcm.sound(TONE)
    assert frame == TONE.astype("<f4").tobytes()
    assert len(frame) == 7680


def test_loud_samples_are_clipped() -> None:
    (frame,) = wire("Pcm").sound(np.array([2.0, -2.0] * 960, np.float32))
    assert set(np.frombuffer(frame, "<f4").tolist()) == {np.float32(0.99).item(), np.float32(-0.99).item()}


@pytest.mark.parametrize("name", ["Pcm", "PcmMessagePack"])
def test_samples_in_any_portions_make_whole_frames(name: str) -> None:
    samples = np.linspace(-0.9, 0.9, 5000, dtype=np.float32)
    wires = wire(name)
    frames = [f for part in np.array_split(samples, 7) for f in wires.sound(part)] + list(wires.last_sound())
    if name == "Pcm":
        got = np.frombuffer(b"".join(frames), "<f4")
    else:
        got = np.array([number for frame in frames for number in msgpack.unpackb(frame)["pcm"]], np.float32)
    assert len(frames) == 3
    assert np.array_equal(got[:5000], samples)
    assert not got[5000:].any()


def test_no_audio_makes_no_frame() -> None:
    assert list(wire("PcmMessagePack").last_sound()) == []


# -- from the client ------------------------------------------------------------------------------------------------


def test_text_in_all_its_ways() -> None:
    said = TextMessage(type="Text", text="hi")
    assert read("hi") == said
    assert read(msgpack.packb({"type": "Text", "text": "hi"})) == said
    assert read(msgpack.packb({"more": [1, {}], "text": "hi", "type": "Text"})) == said


def test_the_end_in_both_ways() -> None:
    assert isinstance(read(msgpack.packb({"type": "Eos"})), EosMessage)
    assert isinstance(read(b"\0"), EosMessage)


@pytest.mark.parametrize("shape", [[1, 4, 3], [4, 3]])
def test_a_voice_may_have_whole_numbers_and_few_dimensions(shape: list[int]) -> None:
    heard = read(msgpack.packb({"type": "Voice", "embeddings": list(range(12)), "shape": shape}))
    assert isinstance(heard, VoiceMessage)
    embedding = heard.embedding()
    assert embedding is not None
    assert embedding.dtype == np.float32
    assert np.array_equal(embedding, np.arange(12).reshape(1, 4, 3))


@pytest.mark.parametrize(
    ("numbers", "shape"),
    [([1.0, 2.0], [1, 3]), ([math.nan], [1]), ([1e300], [1]), ([], [0]), ([1.0], [2**70]), ([1.0, 2.0], [-3])],
)
def test_a_voice_that_is_none(numbers: list[float], shape: list[int]) -> None:
    assert VoiceMessage(type="Voice", embeddings=numbers, shape=shape).embedding() is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\1",
        b"\0\0",
        b"\xc1",
        b"{}",
        msgpack.packb(None),
        msgpack.packb({}),
        msgpack.packb({"type": "Stop"}),
        msgpack.packb({"type": "Text"}),
        msgpack.packb({"type": "Text", "text": b"\xff"}),
        msgpack.packb({"type": "Text", "text": 5}),
        msgpack.packb({"type": "Voice", "embeddings": ["a"], "shape": [1]}),
        msgpack.packb({"type": "Voice", "embeddings": [1.0], "shape": []}),
        msgpack.packb({"type": "Eos"}) + b"\0",
        msgpack.packb({1: 2}),
        b"\x91" * 5000,
        b"\xdd\xff\xff\xff\xff",
    ],
)
def test_nonsense(message: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read(message)
