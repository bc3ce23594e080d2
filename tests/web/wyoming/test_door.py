"""The Wyoming door with the library's own client, over the real embedded voice."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager

import psutil
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from speech.request import Token
from speech.service import SpeechService
from speech.voices.catalogue import Voice, VoiceCatalogue
from tests.fakes import FakeEngine, Gate, fake_service
from tests.services import make_service
from tests.stage import StageEngine
from tests.waiting import wait_until
from web.http.auth import Buckets
from web.wyoming.connection import MOST_EVENT_BYTES, MOST_JOBS
from web.wyoming.door import MOST_ASKING, MOST_CLIENTS, Door

WAIT_S = 30
LONG_TEXT = "Good evening, and welcome to all of you. " * 60


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as made:
        yield made


@pytest.fixture
def door(service: SpeechService, listener: socket.socket) -> Iterator[Door]:
    made = Door(service, listener)
    yield made
    made.close()


@asynccontextmanager
async def connected(listener: socket.socket) -> AsyncIterator[AsyncTcpClient]:
    client = AsyncTcpClient(*listener.getsockname(), read_timeout=WAIT_S)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


def talk(listener: socket.socket, script: Callable[[AsyncTcpClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with connected(listener) as client:
            await script(client)

    asyncio.run(run())


async def send(client: AsyncTcpClient, *events: Describe | Synthesize | SynthesizeStart | SynthesizeChunk) -> None:
    for event in events:
        await client.write_event(event.event())


async def hear(client: AsyncTcpClient, until: type) -> list[Event]:
    """Events up to one of that type; the audio is in order."""
    heard: list[Event] = []
    while not heard or not until.is_type(heard[-1].type):  # type: ignore[attr-defined]
        event = await client.read_event()
        assert event is not None, heard[-1:]
        heard.append(event)
    return heard


def seconds(events: list[Event]) -> float:
    return sum(AudioChunk.from_event(event).seconds for event in events if AudioChunk.is_type(event.type))


def test_it_tells_its_voices_and_languages(door: Door, listener: socket.socket, service: SpeechService) -> None:
    async def script(client: AsyncTcpClient) -> None:
        await send(client, Describe())
        (program,) = Info.from_event((await hear(client, Info))[-1]).tts
        assert program.installed
        assert program.supports_synthesize_streaming
        told = {voice.name: voice for voice in program.voices}
        assert set(told) == {voice.id for voice in service.voices.voices()}
        assert told["heart"].languages == ["en"]
        assert told["heart"].installed
        assert "Apache-2.0" in told["heart"].attribution.name

    talk(listener, script)


class HeldVoices(VoiceCatalogue):
    """A list that is waited for, as one from the hub may be."""

    def __init__(self, voices: list[Voice]) -> None:
        super().__init__(voices)
        self.asked, self.here = threading.Event(), threading.Event()

    def known(self) -> Mapping[str, Voice]:
        self.asked.set()
        assert self.here.wait(WAIT_S)
        return super().known()


@pytest.mark.parametrize(
    ("question", "answer"), [(Describe(), Info), (Synthesize("Hi.", SynthesizeVoice(language="en")), AudioStop)]
)
def test_a_client_that_waits_for_the_list_keeps_no_other_waiting(
    service: SpeechService, listener: socket.socket, question: Describe | Synthesize, answer: type
) -> None:
    voices = HeldVoices(service.voices.voices())
    waiting = make_service(lambda _: FakeEngine(), voices=voices)
    door = Door(waiting, listener)

    async def script(client: AsyncTcpClient) -> None:
        await send(client, question)
        assert await asyncio.to_thread(voices.asked.wait, WAIT_S)
        async with connected(listener) as other:
            await other.write_event(Ping().event())
            await hear(other, Pong)
        voices.here.set()
        await hear(client, answer)

    talk(listener, script)
    door.close()
    waiting.close()


def test_a_whole_text_and_another_on_the_same_connection(door: Door, listener: socket.socket) -> None:
    async def script(client: AsyncTcpClient) -> None:
        for _ in range(2):
            await send(client, Synthesize(text="Good evening.", voice=SynthesizeVoice(name="heart")))
            events = await hear(client, AudioStop)
            start = AudioStart.from_event(events[0])
            assert (start.rate, start.width, start.channels) == (24_000, 2, 1)
            assert 0.5 < seconds(events) < 3
            stop = AudioStop.from_event(events[-1]).timestamp
            assert stop == pytest.approx(1000 * seconds(events), abs=1)
            assert [AudioChunk.from_event(event).timestamp for event in events[1:3]] == [0, 80]

    talk(listener, script)


def test_a_text_that_comes_in_pieces_is_heard_before_it_ends(door: Door, listener: socket.socket) -> None:
    async def script(client: AsyncTcpClient) -> None:
        await send(client, SynthesizeStart(), SynthesizeChunk("Good even"), SynthesizeChunk("ing. And wel"))
        early = await hear(client, AudioChunk)
        assert AudioStart.is_type(early[0].type)
        await send(client, SynthesizeChunk("come."), Synthesize("Good evening. And welcome."))  # said once
        await client.write_event(SynthesizeStop().event())
        events = early + await hear(client, SynthesizeStopped)
        assert sum(AudioStop.is_type(event.type) for event in events) == 1
        assert 1 < seconds(events) < 4
        await send(client, Synthesize("Once more."))
        assert seconds(await hear(client, AudioStop)) > 0.3

    talk(listener, script)


def test_words_that_rest_are_said(listener: socket.socket) -> None:
    """A number waits for its unit, but not for ever."""
    stage = StageEngine()
    service = make_service(lambda _: stage)
    door = Door(service, listener)

    async def script(client: AsyncTcpClient) -> None:
        await send(client, SynthesizeStart(), SynthesizeChunk("It took 5 "))
        utterance = await asyncio.to_thread(stage.next)
        heard: list[str] = []

        def five() -> bool:
            if isinstance(piece := utterance.take_word(), Token):
                heard.append(piece.spoken)
            return "five" in heard

        await asyncio.to_thread(wait_until, five)

    talk(listener, script)
    door.close()
    service.close()


@pytest.mark.parametrize("text", ["", "...", " \n"])
def test_a_text_without_words_is_a_short_silence(door: Door, listener: socket.socket, text: str) -> None:
    async def script(client: AsyncTcpClient) -> None:
        await send(client, Synthesize(text=text))
        assert seconds(await hear(client, AudioStop)) == pytest.approx(0.1)
        await send(client, SynthesizeStart(), SynthesizeChunk(text))
        await client.write_event(SynthesizeStop().event())
        assert seconds(await hear(client, SynthesizeStopped)) == pytest.approx(0.1)

    talk(listener, script)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Synthesize("Hi.", SynthesizeVoice(name="nobody")), "voice_not_found"),
        (Synthesize("Hi.", SynthesizeVoice(language="xx")), "voice_not_found"),
        (SynthesizeStart(SynthesizeVoice(name="nobody")), "voice_not_found"),
        (SynthesizeChunk("Hi."), "bad_message"),
        (Synthesize("x" * 20_001), "text_too_long"),
        (Synthesize(None), "bad_message"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_done_is_said_and_ends_the_connection(
    door: Door, listener: socket.socket, asked: Synthesize, code: str
) -> None:
    """Home Assistant waits on after an error; that the connection ends it understands."""

    async def script(client: AsyncTcpClient) -> None:
        await send(client, asked)
        (event,) = await hear(client, Error)
        assert Error.from_event(event).code == code
        assert await client.read_event() is None

    talk(listener, script)


@pytest.mark.parametrize("language", ["en", "en_US", "en-GB", "EN"])
def test_a_voice_by_language(door: Door, listener: socket.socket, language: str) -> None:
    async def script(client: AsyncTcpClient) -> None:
        await send(client, Synthesize("Hi.", SynthesizeVoice(language=language)))
        assert seconds(await hear(client, AudioStop)) > 0.2

    talk(listener, script)


def test_it_answers_pings_and_leaves_aside_what_it_does_not_know(door: Door, listener: socket.socket) -> None:
    async def script(client: AsyncTcpClient) -> None:
        await client.write_event(Event("transcribe", {"language": "en"}, b"\0" * 1000))
        await client.write_event(Ping(text="there?").event())
        assert Pong.from_event((await hear(client, Pong))[0]).text == "there?"

    talk(listener, script)


NONSENSE = {
    "a browser's form": b"POST / HTTP/1.1\r\nHost: localhost:10200\r\nContent-Length: 9\r\n\r\ntype=what",
    "no JSON": b"hello\n",
    "a list": b"[]\n",
    "no type": b"{}\n",
    "bytes without end": b"\xff" * 100_000,
    "more than is allowed": json.dumps({"type": "describe", "data_length": MOST_EVENT_BYTES + 1}).encode() + b"\n",
    "less than nothing": b'{"type": "describe", "payload_length": -5, "data_length": -1}\n' + b"x\n",
    "a length of words": b'{"type": "describe", "data_length": "long"}\n',
    "data that is a list": b'{"type": "synthesize", "data_length": 2}\n[]',
    "half an event": b'{"type": "synthesize", "data_length": 200}\n{"te',
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_ends_the_connection_and_nothing_else(door: Door, listener: socket.socket, data: bytes) -> None:
    with socket.create_connection(listener.getsockname(), timeout=WAIT_S) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        try:
            while sock.recv(65_536):
                pass
        except ConnectionResetError:
            pass
    wait_until(lambda: door.clients == 0)
    test_it_answers_pings_and_leaves_aside_what_it_does_not_know(door, listener)


def test_a_client_that_leaves_frees_its_slot(door: Door, listener: socket.socket, service: SpeechService) -> None:
    async def whole(client: AsyncTcpClient) -> None:
        await send(client, Synthesize(LONG_TEXT))
        await hear(client, AudioChunk)

    async def coming(client: AsyncTcpClient) -> None:
        await send(client, SynthesizeStart(), SynthesizeChunk("Good evening. And wel"))
        await hear(client, AudioChunk)

    for script in (whole, coming):
        talk(listener, script)
        wait_until(lambda: service.streams_open == 0)
        wait_until(lambda: door.clients == 0)


def test_two_hundred_clients_that_come_and_go_leave_nothing(
    door: Door, listener: socket.socket, service: SpeechService
) -> None:
    async def one(number: int) -> None:
        async with connected(listener) as client:
            if number % 4 == 0:
                await send(client, Describe())
                await hear(client, Info)
            elif number % 4 == 1:
                await send(client, Synthesize("Good evening."))
                if number % 8 == 1:
                    while (event := await client.read_event()) and not AudioStop.is_type(event.type):
                        pass  # spoken to the end, or refused because the queue is full
            elif number % 4 == 2:
                await send(client, SynthesizeStart(), SynthesizeChunk("Good "))

    async def everyone() -> None:
        await asyncio.gather(*map(one, range(200)))

    service.load()
    threads, files = threading.active_count(), psutil.Process().num_fds()
    asyncio.run(everyone())
    wait_until(lambda: door.clients == 0)
    wait_until(lambda: service.streams_open == 0)
    wait_until(lambda: psutil.Process().num_fds() <= files)
    assert threading.active_count() <= threads + service.max_streams + MOST_ASKING


def test_one_connection_more_than_there_may_be(door: Door, listener: socket.socket) -> None:
    address = listener.getsockname()
    crowd = [socket.create_connection(address, timeout=WAIT_S) for _ in range(MOST_CLIENTS + 1)]
    assert crowd[0].recv(1) == b""  # it was idle for longest
    for sock in crowd:
        sock.close()


def test_texts_without_number_are_refused(listener: socket.socket) -> None:
    gate = Gate()
    service = fake_service(gate)
    door = Door(service, listener)

    async def script(client: AsyncTcpClient) -> None:
        await send(client, *[Synthesize("Hello.")] * (MOST_JOBS + 1))
        assert Error.from_event((await hear(client, Error))[-1]).code == "queue_full"

    talk(listener, script)
    gate.open.set()
    door.close()
    service.close()


def test_a_limit_counts_here_too(service: SpeechService, listener: socket.socket) -> None:
    door = Door(service, listener, Buckets(1, 1).take)

    async def script(client: AsyncTcpClient) -> None:
        await send(client, Synthesize("Hello."))
        await hear(client, AudioStop)
        await send(client, Synthesize("Hello."))
        await hear(client, Error)

    talk(listener, script)
    door.close()


def test_a_drain_lets_the_last_word_be_said(door: Door, listener: socket.socket, service: SpeechService) -> None:
    async def script(client: AsyncTcpClient) -> None:
        async with connected(listener) as idle:
            await send(client, SynthesizeStart(), SynthesizeChunk("Good evening. And welcome to all"))
            await hear(client, AudioChunk)
            service.drain()
            events = await hear(client, SynthesizeStopped)
            assert seconds(events) > 0.5
            assert await client.read_event() is None
            assert await idle.read_event() is None

    talk(listener, script)


def test_closing_ends_what_is_spoken(service: SpeechService, listener: socket.socket) -> None:
    door = Door(service, listener)
    heard = threading.Event()

    async def script(client: AsyncTcpClient) -> None:
        await send(client, Synthesize(LONG_TEXT))
        await hear(client, AudioChunk)
        heard.set()
        while await client.read_event():
            pass

    client = threading.Thread(target=talk, args=(listener, script))
    client.start()
    assert heard.wait(WAIT_S)
    door.close()
    client.join(WAIT_S)
    assert not client.is_alive()
    assert service.streams_open == 0
