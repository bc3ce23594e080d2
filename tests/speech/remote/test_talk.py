"""Words that go to a service as they come: the client of /api/stream, against the real one and against strangers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import wsproto

from speech.errors import Cancelled, ErrorCode, SpeechError, Unavailable
from speech.remote.client import ServiceClient
from speech.remote.talk import RemoteTalk
from speech.request import SpeechRequest
from tests import strangers
from tests.live_server import LiveServer
from tests.test_live import SENTENCES, streams_open

MORE_THAN_SOCKETS_HOLD = 32_000_000  # bytes


@pytest.fixture
def talk(server: LiveServer) -> Iterator[RemoteTalk]:
    with ServiceClient(server.url).talk(SpeechRequest()) as made:
        yield made


def test_audio_comes_before_the_text_has_ended(talk: RemoteTalk) -> None:
    talk.open()
    for word in f"{SENTENCES[0]} {SENTENCES[1]}".split():
        talk.say(f"{word} ")
    audio = talk.encoded()
    first = next(audio)
    talk.end()
    whole = first + b"".join(audio)
    assert talk.sample_rate == 24_000
    assert talk.seconds == pytest.approx(len(whole) / 2 / 24_000)
    assert talk.seconds > 3


def test_a_talk_without_words_has_no_sound(talk: RemoteTalk) -> None:
    talk.open()
    talk.end()
    assert list(talk.encoded()) == []


def test_what_the_service_refuses(server: LiveServer) -> None:
    with ServiceClient(server.url).talk(SpeechRequest(voice="nobody")) as talk:
        with pytest.raises(SpeechError, match="There is no voice 'nobody'") as raised:
            talk.open()
        assert raised.value.code is ErrorCode.VOICE_NOT_FOUND


def test_stopping_while_it_waits_for_audio(talk: RemoteTalk, server: LiveServer) -> None:
    talk.open()
    threading.Timer(0.1, talk.cancel).start()
    with pytest.raises(Cancelled):
        list(talk.encoded())
    talk.say("Nothing is sent any more.")
    server.wait_until(lambda: streams_open(server) == 0)


@pytest.mark.parametrize(
    ("answer", "code", "again_s"),
    [
        (
            strangers.http(
                b'{"error": {"message": "Full.", "code": "rate_limited"}}', "429 Too Many\r\nRetry-After: 7"
            ),
            ErrorCode.RATE_LIMITED,
            7.0,
        ),
        (strangers.http(b"<html>", "404 Not Found", "text/html"), ErrorCode.BAD_ANSWER, None),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", ErrorCode.BROKEN_OFF, None),
        (b"", ErrorCode.BROKEN_OFF, None),
    ],
)
def test_a_connection_that_is_not_taken(answer: bytes, code: ErrorCode, again_s: float | None) -> None:
    with strangers.listening(strangers.answers(answer)) as url, ServiceClient(url).talk(SpeechRequest()) as talk:
        with pytest.raises(SpeechError) as raised:
            talk.open()
        assert (raised.value.code, raised.value.retry_after_s) == (code, again_s)


def taken(client: socket.socket) -> wsproto.WSConnection:
    """The service's side of a connection, after its first message."""
    peer = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    peer.receive_data(strangers.read_request(client))
    list(peer.events())
    client.sendall(peer.send(wsproto.events.AcceptConnection()))
    while not any(isinstance(event, wsproto.events.TextMessage) for event in peer.events()):
        peer.receive_data(client.recv(4096))
    ready = '{"type": "ready", "sample_rate": 8000, "ignored": [], "model_loaded": true}'
    client.sendall(peer.send(wsproto.events.TextMessage(ready)))
    return peer


def test_a_service_that_ends_in_the_middle() -> None:
    def quits(client: socket.socket) -> None:
        peer = taken(client)
        client.sendall(peer.send(wsproto.events.Ping(b"?")))
        client.sendall(peer.send(wsproto.events.BytesMessage(bytes(160))))
        while not any(isinstance(event, wsproto.events.Pong) for event in peer.events()):
            peer.receive_data(client.recv(4096))

    with strangers.listening(quits) as url, ServiceClient(url).talk(SpeechRequest()) as talk:
        talk.open()
        audio = talk.encoded()
        assert next(audio) == bytes(160)
        with pytest.raises(Unavailable, match="stopped in the middle"):
            next(audio)


def test_stopping_while_the_service_reads_nothing() -> None:
    flowing, stopped = threading.Event(), threading.Event()

    def reads_nothing(client: socket.socket) -> None:
        taken(client)
        client.recv(1)
        flowing.set()
        stopped.wait(60)

    with strangers.listening(reads_nothing) as url, ServiceClient(url).talk(SpeechRequest()) as talk:
        talk.open()
        speaker = threading.Thread(target=talk.say, args=("w" * MORE_THAN_SOCKETS_HOLD,))
        speaker.start()
        assert flowing.wait(60)
        stopper = threading.Thread(target=talk.cancel, daemon=True)
        stopper.start()
        stopper.join(20)
        waits = stopper.is_alive()
        stopped.set()
        speaker.join()
    assert not waits
