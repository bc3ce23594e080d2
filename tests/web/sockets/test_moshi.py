"""moshi-server's protocol against the real service, with a client written from the protocol's description."""

from __future__ import annotations

import http.client
import io
import json
import urllib.error
import urllib.request
import wave
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise

import av
import msgpack
import numpy as np
import pytest
import websocket

from tests.ear import heard, word_errors
from tests.live_server import LiveServer
from tests.web.sockets.moshi_client import NO_STATUS, MoshiClient

TEXT = "Every morning she walks along the river. Then she goes to work."
FORMATS = ["Pcm", "PcmMessagePack", "OggOpus", "OggOpusMessagePack"]


def decoded(data: bytes) -> np.ndarray:
    with av.open(io.BytesIO(data)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
    return np.concatenate(frames, axis=1)[0]


@pytest.mark.parametrize("path", ["/api/tts_streaming", "/api/tts-streaming"])
def test_words_in_sound_out(server: LiveServer, path: str) -> None:
    with MoshiClient(server.url, path) as client:
        client.say(TEXT)
        got = client.hear_all()
    assert got.types[0] == "Ready"
    assert set(got.types) == {"Ready", "Audio", "Text"}
    assert got.close_code == NO_STATUS
    assert {len(frame) for frame, kind in zip(got.frames, got.types, strict=True) if kind == "Audio"} == {9619}
    samples = np.concatenate([np.array(message["pcm"], np.float32) for message in got.of("Audio")])
    assert word_errors(TEXT, heard(samples, 24_000)) <= 2


def test_word_times(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        client.say(TEXT)
        got = client.hear_all()
    assert got.words == TEXT.split()
    texts = got.of("Text")
    assert all(word["start_s"] < word["stop_s"] for word in texts)
    assert all(before["stop_s"] <= after["start_s"] for before, after in pairwise(texts))
    assert texts[0]["start_s"] < 0.6
    assert got.seconds - 1.0 < texts[-1]["stop_s"] <= got.seconds


def test_a_word_is_told_before_the_audio_of_the_next(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        client.say(TEXT)
        got = client.hear_all()
    frames = 0
    for message in got.messages:
        frames += message["type"] == "Audio"
        if message["type"] == "Text" and message is not got.of("Text")[-1]:
            assert frames * 0.08 <= message["stop_s"] + 0.08


def test_no_format_is_ogg_opus(server: LiveServer) -> None:
    address = server.url.replace("http", "ws") + "/api/tts_streaming"
    socket = websocket.create_connection(address, timeout=60)
    try:
        assert socket.recv().startswith(b"OggS")
    finally:
        socket.shutdown()


def audio_of(server: LiveServer, name: str) -> np.ndarray:
    with MoshiClient(server.url, format=name) as client:
        client.say(TEXT)
        got = client.hear_all(packed=name.endswith("Pack"))
    assert got.close_code == NO_STATUS
    if name == "Pcm":
        assert {len(frame) for frame in got.frames} == {7680}
        return np.frombuffer(b"".join(got.frames), "<f4")
    if name == "PcmMessagePack":
        return np.concatenate([np.array(message["pcm"], np.float32) for message in got.of("Audio")])
    if name == "OggOpus":
        assert b"OpusTags" in got.frames[0]
        return decoded(b"".join(got.frames))
    assert got.types[:2] == ["Ready", "OggOpus"]
    pages = [bytes(message["data"]) for message in got.of("OggOpus")]
    assert pages[0].startswith(b"OggS")
    assert b"OpusTags" in pages[0]
    return decoded(b"".join(pages))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_understood(server: LiveServer, name: str) -> None:
    samples = audio_of(server, name)
    rate = 48_000 if "Opus" in name else 24_000
    assert 3.0 < len(samples) / rate < 6.0
    assert word_errors(TEXT, heard(samples, rate)) <= 2
    server.wait_until(lambda: f"format={name} " in server.log)  # the line about it comes when all is over


# -- how text comes -------------------------------------------------------------------------------------------------


def test_audio_comes_before_the_text_has_ended(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        for word in ["Good", "morning", "to", "you", "all.", "And", "now"]:
            client.text(word)
        client.until("Audio")  # no Eos was sent
        client.eos()
        assert client.hear_all().close_code == NO_STATUS


def test_plain_text_frames_and_the_zero_byte(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        client.socket.send("Hello there")
        client.socket.send("my friend.")
        client.binary(b"\0")
        assert client.hear_all().words == ["Hello", "there", "my", "friend."]


def test_words_keep_their_spelling(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        client.say("Don’t shout: (whisper) – it’s 5 o'clock!")
        assert client.hear_all().words == ["Don’t", "shout:", "(whisper)", "–", "it’s", "5", "o'clock!"]


def pause_s(server: LiveServer, *messages: str) -> float:
    with MoshiClient(server.url) as client:
        for message in messages:
            client.text(message)
        client.eos()
        got = client.hear_all()
    assert got.words == ["Wait.", "Go."]
    return got.seconds


@pytest.mark.parametrize(
    "messages", [['<break time="1s"/>'], ["<break", 'time="1s"/>'], ["<br", 'eak time="', '1s"', "/>"]]
)
def test_a_break_is_silence(server: LiveServer, messages: list[str]) -> None:
    plain, paused = pause_s(server, "Wait.", "Go."), pause_s(server, "Wait.", *messages, "Go.")
    assert 0.7 < paused - plain < 1.3


def test_end_before_any_text(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        client.eos()
        got = client.hear_all()
    assert (got.types, got.close_code) == (["Ready"], NO_STATUS)


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "—", "\x07"])
def test_text_without_sound(server: LiveServer, text: str) -> None:
    with MoshiClient(server.url) as client:
        client.text(text)
        client.eos()
        got = client.hear_all()
    assert set(got.types) <= {"Ready", "Text", "Audio"}
    assert got.close_code == NO_STATUS


@pytest.mark.parametrize("message", [b"\xc1", b"", b"\0\0", msgpack.packb({"type": "Stop"}), msgpack.packb([1])])
def test_nonsense_closes_without_a_word(server: LiveServer, message: bytes) -> None:
    with MoshiClient(server.url) as client:
        client.binary(message)
        got = client.hear_all()
    assert (got.types, got.close_code) == (["Ready"], NO_STATUS)


def test_text_behind_the_end_is_not_said(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        client.say("One.")
        client.text("Two.")
        assert client.hear_all().words == ["One."]


# -- the query ------------------------------------------------------------------------------------------------------


def test_unknown_keys_and_voices_are_taken(server: LiveServer) -> None:
    odd = {"voice": "nobody/../x.wav", "seed": "x", "cfg_alpha": "1.5", "top_k": "-1", "max_seq_len": "9"}
    with MoshiClient(server.url, **odd) as client:
        assert client.next() == {"type": "Ready"}


def refused(action: Callable[[], object]) -> int:
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        action()
    return refusal.value.status_code


@pytest.mark.parametrize("query", [{"format": "foo"}, {"format": "pcm"}, {"format": ""}, {"cfg_coef": "much"}])
def test_a_bad_query(server: LiveServer, query: dict[str, str]) -> None:
    assert refused(lambda: MoshiClient(server.url, **query)) == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 405),
        ({"Upgrade": "websocket", "Connection": "Upgrade"}, 400),
        ({"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8"}, 426),
    ],
)
def test_no_websocket(server: LiveServer, headers: dict[str, str], status: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", "/api/tts_streaming", headers=headers)
        assert connection.getresponse().status == status


# -- pings ----------------------------------------------------------------------------------------------------------


def test_a_ping_is_answered_while_audio_runs(server: LiveServer) -> None:
    with MoshiClient(server.url) as client:
        client.say(TEXT)
        client.socket.ping(b"still there")
        assert (websocket.ABNF.OPCODE_PONG, b"still there") in list(client.frames())


def test_a_message_in_pieces_with_a_ping_between(server: LiveServer) -> None:
    data = msgpack.packb({"type": "Text", "text": "Hello."})
    with MoshiClient(server.url) as client:
        client.socket.send_frame(websocket.ABNF.create_frame(data[:5], websocket.ABNF.OPCODE_BINARY, 0))
        client.socket.ping(b"between")
        client.socket.send_frame(websocket.ABNF.create_frame(data[5:], websocket.ABNF.OPCODE_CONT, 1))
        client.eos()
        assert client.hear_all().words == ["Hello."]


# -- plain HTTP -----------------------------------------------------------------------------------------------------


def test_a_whole_text_by_post(server: LiveServer) -> None:
    data = server.post("/api/tts_streaming", {"text": TEXT, "voice": "nobody", "more": 1})
    assert data[4:8] == data[40:44] == b"\xff\xff\xff\xff"
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
    assert 3.0 < (len(data) - 44) / 48_000 < 6.0


@pytest.mark.parametrize(
    ("body", "kind", "status", "param"),
    [
        (b"{", "application/json", 400, None),
        (b"text", "text/plain", 415, None),
        (b'{"text": "a"}', "application/json", 422, "voice"),
        (b'{"voice": "a"}', "application/json", 422, "text"),
        (b'{"text": 5, "voice": "a"}', "application/json", 422, "text"),
        (b'{"text": "", "voice": "a"}', "application/json", 422, "text"),
    ],
)
def test_bad_posts(server: LiveServer, body: bytes, kind: str, status: int, param: str | None) -> None:
    request = urllib.request.Request(server.url + "/api/tts_streaming", body, {"content-type": kind})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=60)
    with error.value as answer:
        assert answer.code == status
        assert json.load(answer)["error"]["param"] == param


def test_build_info(server: LiveServer) -> None:
    info = server.get("/api/build_info")
    of_git = {f"git_{what}" for what in ("branch", "timestamp", "date", "hash", "describe")}
    of_rust = {"rustc_host_triple", "rustc_version", "cargo_target_triple"}
    assert set(info) == {"build_timestamp", "build_date"} | of_git | of_rust
    assert all(isinstance(value, str) for value in info.values())


def test_modules_info_counts_open_sockets(server: LiveServer) -> None:
    def used() -> int:
        with urllib.request.urlopen(server.url + "/api/modules_info", timeout=60) as response:
            (module,) = json.load(response)
        assert module["type"] == "py"
        assert module["path"] == "/api/tts_streaming"
        assert int(module["total_slots"]) > 0
        return int(module["used_slots"])

    server.wait_until(lambda: used() == 0)
    with MoshiClient(server.url) as client:
        client.next()
        assert used() == 1
        client.drop()
        server.wait_until(lambda: used() == 0)
