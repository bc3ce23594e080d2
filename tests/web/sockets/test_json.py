"""/api/stream, the JSON WebSocket, against the real service."""

from __future__ import annotations

import io
import json
import select
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
import websocket

from speech.encoders import ENCODERS
from tests.ear import heard, pcm16, word_errors
from tests.live_server import LiveServer
from tests.web.sockets.moshi_client import BINARY, CLOSE, NO_STATUS, TEXT
from web.process.server import SPARE_THREADS
from web.sockets.json import MOST_NOT_STARTED

SENTENCES = "The quick brown fox jumps over the lazy dog. It barks loudly."


@dataclass
class Got:
    """Everything up to the close frame."""

    events: list[dict[str, Any]] = field(default_factory=list)
    audio: list[bytes] = field(default_factory=list)
    close_code: int = 0

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


class Client:
    def __init__(self, socket: websocket.WebSocket) -> None:
        self.socket = socket

    def send(self, kind: str, **fields: object) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def next(self) -> bytes | dict[str, Any]:
        data = self.socket.recv()
        return data if isinstance(data, bytes) else json.loads(data)

    def until_audio(self) -> None:
        while not isinstance(self.next(), bytes):
            pass

    def hear_all(self) -> Got:
        got = Got()
        while True:
            opcode, frame = self.socket.recv_data_frame(control_frame=True)
            if opcode == TEXT:
                got.events.append(json.loads(frame.data))
            elif opcode == BINARY:
                got.audio.append(frame.data)
            elif opcode == CLOSE:
                got.close_code = int.from_bytes(frame.data[:2], "big") if frame.data else NO_STATUS
                return got


@contextmanager
def connected(server: LiveServer) -> Iterator[Client]:
    socket = websocket.create_connection(server.url.replace("http", "ws") + "/api/stream", timeout=60)
    with closing(socket.sock):
        yield Client(socket)


@contextmanager
def started(server: LiveServer, **fields: object) -> Iterator[Client]:
    with connected(server) as client:
        client.send("start", **fields)
        ready = client.next()
        assert isinstance(ready, dict)
        assert ready["type"] == "ready", ready
        yield client


def test_text_cut_anywhere(server: LiveServer) -> None:
    with started(server, format="pcm", seed=1) as client:
        for letter in SENTENCES:
            client.send("text", text=letter)
        client.send("end")
        got = client.hear_all()
    assert [word["word"] for word in got.of("word")] == SENTENCES.split()
    assert [word["index"] for word in got.of("word")] == list(range(len(SENTENCES.split())))
    assert got.close_code == 1000
    samples = pcm16(b"".join(got.audio))
    assert word_errors(SENTENCES, heard(samples, 24_000)) <= 2
    (done,) = got.of("done")
    assert done["audio_s"] == pytest.approx(len(samples) / 24_000, abs=0.001)
    assert done["words"] == len(SENTENCES.split())


def test_word_times(server: LiveServer) -> None:
    with started(server) as client:
        client.send("text", text=SENTENCES)
        client.send("end")
        got = client.hear_all()
    words = got.of("word")
    assert all(word["start_s"] < word["stop_s"] for word in words)
    assert all(before["stop_s"] <= after["start_s"] for before, after in pairwise(words))
    assert words[-1]["stop_s"] <= got.of("done")[0]["audio_s"]


BYTES_A_SECOND = {"pcm": 48_000, "mulaw": 8_000, "alaw": 8_000}


@pytest.mark.parametrize("name", ENCODERS)
def test_every_format(server: LiveServer, name: str) -> None:
    with started(server, format=name) as client:
        client.send("text", text=SENTENCES)
        client.send("end")
        data = b"".join(client.hear_all().audio)
    if name in BYTES_A_SECOND:
        seconds = len(data) / BYTES_A_SECOND[name]
    else:
        with av.open(io.BytesIO(data), format={"aac": "aac", "opus": "ogg"}.get(name)) as file:
            frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
            seconds = np.concatenate(frames, axis=1).shape[1] / file.streams.audio[0].rate
    assert 3.0 < seconds < 6.0


def test_ready_tells_how_it_will_sound(server: LiveServer) -> None:
    with connected(server) as client:
        client.send("start", format="wav", cfg_coef=2.0)
        ready = client.next()
    assert isinstance(ready, dict)
    assert ready.pop("model_loaded") in (True, False)
    assert ready.pop("voice")
    assert ready == {
        "type": "ready",
        "engine": "hibari",
        "format": "wav",
        "media_type": "audio/wav",
        "sample_rate": 24_000,
        "ignored": ["cfg_coef"],
    }


def test_audio_before_the_end(server: LiveServer) -> None:
    with started(server) as client:
        client.send("text", text="Good morning to you all. And th")
        client.until_audio()
        client.send("text", text="en some.")
        client.send("end")
        assert client.hear_all().close_code == 1000


def test_flush_says_what_is_there(server: LiveServer) -> None:
    with started(server) as client:
        client.send("text", text="no full stop her")
        client.send("text", text="e")
        client.send("flush")
        client.until_audio()  # neither a full stop nor the end was sent
        client.send("flush")
        client.send("text", text="next")
        client.send("end")
        assert [word["word"] for word in client.hear_all().of("word")][-1] == "next"


def test_a_pause_cut_in_two(server: LiveServer) -> None:
    seconds = []
    for pause in ([], ["<bre", 'ak time="1s"/>']):
        with started(server) as client:
            for text in ["Wait. ", *pause, " Go."]:
                client.send("text", text=text)
            client.send("end")
            (done,) = client.hear_all().of("done")
            assert done["words"] == 2
            seconds.append(done["audio_s"])
    assert 0.7 < seconds[1] - seconds[0] < 1.3


def test_nothing_to_say(server: LiveServer) -> None:
    with started(server) as client:
        client.send("end")
        got = client.hear_all()
    (done,) = got.events
    assert (done["type"], done["audio_s"], done["words"], got.audio) == ("done", 0, 0, [])
    assert got.close_code == 1000


def ends_with(server: LiveServer, *messages: str | bytes) -> tuple[dict[str, Any], int]:
    with connected(server) as client:
        for message in messages:
            client.socket.send(message, BINARY if isinstance(message, bytes) else TEXT)
        got = client.hear_all()
    (error,) = got.of("error")
    assert sorted(error["error"]) == ["code", "message", "param", "type"]
    return error["error"], got.close_code


START = '{"type": "start"}'


@pytest.mark.parametrize(
    ("messages", "param", "says"),
    [
        (["{"], None, "no JSON object"),
        (["[]"], None, "object"),
        (['{"text": "a"}'], None, "type"),
        (['{"type": "go"}'], None, "start"),
        (['{"type": "text", "text": "a"}'], "type", "start"),
        (['{"type": "start", "format": "ogg"}'], "format", "wav"),
        (['{"type": "start", "voice": "nobody"}'], "voice", "nobody"),
        (['{"type": "start", "cfg_coef": NaN}'], "cfg_coef", "cfg_coef"),
        (['{"type": "start", "text": "a"}'], "text", "no such field"),
        ([b"\0"], None, "binary"),
        ([START, START], None, "started"),
        ([START, '{"type": "text"}'], "text", "required"),
        ([START, '{"type": "text", "text": 5}'], "text", "must be text"),
        ([START, '{"type": "text", "text": "\\u0000"}'], "text", "NUL"),
        ([START, '{"type": "flush", "now": 1}'], "now", "no such field"),
        ([START, b"\0"], None, "binary"),
    ],
)
def test_what_makes_no_sense(server: LiveServer, messages: list[str | bytes], param: str | None, says: str) -> None:
    error, code = ends_with(server, *messages)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert says in error["message"]
    assert code == 1008


def test_connections_that_start_nothing_are_not_without_number(server: LiveServer) -> None:
    """Each holds a thread of the server, which must have some left for others."""
    assert MOST_NOT_STARTED < SPARE_THREADS
    with ExitStack() as idle:
        clients = [idle.enter_context(connected(server)) for _ in range(MOST_NOT_STARTED + 1)]
        refused, event = first_told(clients)  # the last to be served, which may be any of them
        assert (event["error"]["code"], refused.hear_all().close_code) == ("queue_full", 1013)
        assert server.answers()
    server.wait_until(lambda: says_ready(server))


def first_told(clients: list[Client]) -> tuple[Client, dict[str, Any]]:
    """Which of them gets an event first, and the event. All get pings."""
    by_socket = {client.socket.sock: client for client in clients}
    while heard := select.select(list(by_socket), [], [], 60)[0]:
        for client in map(by_socket.__getitem__, heard):
            opcode, frame = client.socket.recv_data_frame(control_frame=True)
            if opcode == TEXT:
                return client, json.loads(frame.data)
    raise AssertionError("none of them was told anything")


def says_ready(server: LiveServer) -> bool:
    with connected(server) as client:
        client.send("start")
        event = client.next()
    return isinstance(event, dict) and event["type"] == "ready"


def test_a_pause_alone_is_silence(server: LiveServer) -> None:
    with started(server) as client:
        client.send("text", text='<break time="1s"/>')
        client.send("end")
        got = client.hear_all()
    assert got.of("done")[0]["audio_s"] == 1.0
    assert not pcm16(b"".join(got.audio)[44:]).any()
