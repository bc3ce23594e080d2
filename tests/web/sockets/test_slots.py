"""Who holds a slot over a WebSocket, and until when: an engine that the test plays, sockets in this process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import msgpack
import numpy as np
import pytest

from app import create_app
from speech.engines.base import Utterance
from speech.errors import EngineFailed, SpeechError
from speech.request import SpeechRequest, Token
from speech.service import SpeechService
from speech.session import Speech
from speech.settings import Settings
from tests.services import make_service
from tests.stage import StageEngine
from tests.waiting import wait_until
from tests.web.inside import URL, Inside, inside
from tests.web.sockets.moshi_client import NO_FRAME, NO_STATUS, MoshiClient

LONG_S = 600.0  # no deadline of its kind comes in this test
SILENCE_S = 2.0  # longer than a busy machine leaves a thread waiting
BUSY = {"type": "Error", "message": "no free channels"}


@dataclass
class House:
    """A service around one engine of the test's, and the sockets to it."""

    service: SpeechService
    engine: StageEngine
    sockets: Inside
    loading: threading.Event  # set: the model may be there

    def client(self, **query: str) -> MoshiClient:
        return MoshiClient(URL, sock=self.sockets.connect(), **query)

    def ready(self, **query: str) -> MoshiClient:
        client = self.client(**query)
        assert client.next() == {"type": "Ready"}
        return client

    @property
    def empty(self) -> bool:
        return self.service.streams_open == 0 and self.engine.status().slots_used == 0


def house_of(slots: int = 2, loaded: bool = True, **limits: float) -> Iterator[House]:
    """limits: settings, in seconds; those that are not named never come."""
    times = {"ping_interval": LONG_S, "silence_timeout": LONG_S, "max_socket_time": LONG_S, "read_timeout": LONG_S}
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, max_slots=slots, **{**times, **limits})
    engine, loading = StageEngine(slots), threading.Event()

    def build(_: object) -> StageEngine:
        loading.wait(20)
        return engine

    service = make_service(build, settings)
    if loaded:
        loading.set()
        service.load()
    with inside(create_app(settings, service)) as sockets:
        yield House(service, engine, sockets, loading)
        loading.set()
        service.close()


@pytest.fixture
def house() -> Iterator[House]:
    yield from house_of()


@pytest.fixture
def cold_house() -> Iterator[House]:
    yield from house_of(loaded=False)


@pytest.fixture
def hasty_house() -> Iterator[House]:
    yield from house_of(ping_interval=0.05, silence_timeout=SILENCE_S)


def speaking(house: House, client: MoshiClient) -> Utterance:
    """The utterance of a client that has sent text and hears the first of it."""
    client.text("One")
    utterance = house.engine.next()
    house.engine.play(utterance, "One", finish=False)
    client.until("Audio")
    return utterance


# -- admission ------------------------------------------------------------------------------------------------------


def test_busy(house: House) -> None:
    with house.ready(), house.ready():
        with house.client() as third:
            got = third.hear_all()
            assert (got.messages, got.close_code) == ([BUSY], NO_STATUS)
        with house.client(format="Pcm") as fourth:
            got = fourth.hear_all(packed=False)
            assert (got.frames, got.close_code) == ([], NO_FRAME)
    wait_until(lambda: house.empty)
    house.ready().drop()


def test_a_socket_comes_in_under_a_queue_of_requests_over_http() -> None:
    """It takes one of the channels, and its turn."""
    with contextmanager(house_of)(max_queue=2) as house, ExitStack() as held:
        for _ in range(house.service.places):
            speech = held.enter_context(house.service.speak(SpeechRequest("One.", caller="greedy")))
            threading.Thread(target=start, args=(speech,)).start()
            house.engine.next()
        client = held.enter_context(house.ready())
        client.say("Two.")
        utterance = house.engine.next()
        assert house.engine.position(utterance) == 1, "ahead of all that the greedy one has waiting"
        house.engine.play(house.engine.speaking[0])
        house.engine.play(utterance, "Two.")
        assert client.hear_all().words == ["Two."]


def start(speech: Speech) -> None:
    with suppress(SpeechError):
        speech.start()


def test_a_refused_socket_is_told_when_to_come_back(house: House) -> None:
    with house.ready(), house.ready(), house.client() as third:
        assert third.next() == BUSY
        assert int(third.socket.headers["retry-after"]) >= 1


def test_a_json_socket_is_told_its_place(house: House) -> None:
    with house.ready() as one, house.ready() as two, house.client(path="/api/stream") as third:
        for client in (one, two):
            client.say("One.")
        first, _ = house.engine.next(), house.engine.next()
        for message in ({"type": "start"}, {"type": "text", "text": "Three."}, {"type": "end"}):
            third.socket.send(json.dumps(message))
        assert json.loads(third.socket.recv())["type"] == "ready"
        assert json.loads(third.socket.recv()) == {"type": "queued", "position": 1}
        utterance = house.engine.next()
        house.engine.play(first, "One.")
        house.engine.play(utterance, "Three.")
        assert third.hear_all(packed=False).close_code == 1000


def test_a_json_socket_that_gives_way_is_told_when_to_come_back() -> None:
    with contextmanager(house_of)(slots=1, max_queue=1) as house, house.client(path="/api/stream") as socket:
        with house.service.speak(SpeechRequest("One.", caller="-")) as first:
            threading.Thread(target=start, args=(first,)).start()
            house.engine.next()
            for message in ({"type": "start"}, {"type": "text", "text": "Two."}, {"type": "end"}):
                socket.socket.send(json.dumps(message))
            house.engine.next()
            with house.service.speak(SpeechRequest("Three.", caller="somebody else")):
                messages = [json.loads(data) for opcode, data in socket.frames() if opcode == 1]
        error = next(message for message in messages if message["type"] == "error")
        assert error["error"]["code"] == "queue_full"
        assert error["retry_after_s"] >= 1


def test_a_silent_socket_holds_no_slot_of_the_engine(house: House) -> None:
    with house.ready():
        assert house.engine.status().slots_used == 0
        assert house.service.streams_open == 1


# -- a cold model ---------------------------------------------------------------------------------------------------


def test_ready_before_the_model_is_loaded(cold_house: House) -> None:
    with cold_house.ready() as client:
        wait_until(lambda: cold_house.service.manager.status().state.value == "loading")
        client.say("One two")
        cold_house.loading.set()
        utterance = cold_house.engine.next()
        wait_until(lambda: utterance.ended)
        assert [utterance.take_word(), utterance.take_word()] == [Token("One", "One", 0, 3), Token("two", "two", 3, 6)]
        cold_house.engine.play(utterance, "One", "two")
        assert client.hear_all().words == ["One", "two"]


def test_a_client_that_leaves_while_the_model_loads(cold_house: House) -> None:
    with cold_house.ready() as client:
        client.text("One")
        wait_until(lambda: cold_house.service.manager.status().state.value == "loading")
    wait_until(lambda: cold_house.service.streams_open == 0)
    assert not cold_house.loading.is_set()


# -- the end of a socket --------------------------------------------------------------------------------------------


def test_a_client_that_vanishes_frees_its_slot(house: House) -> None:
    client = house.ready()
    utterance = speaking(house, client)
    client.drop()
    wait_until(lambda: house.empty)
    assert utterance.over


def test_a_client_that_closes_frees_its_slot_and_is_answered(house: House) -> None:
    with house.ready() as client:
        speaking(house, client)
        client.socket.send_close(1000)
        got = client.hear_all()
        assert got.close_code == 1000
        wait_until(lambda: house.empty)


def test_a_client_that_closes_its_half_only(house: House) -> None:
    with house.ready() as client:
        speaking(house, client)
        client.half_close()
        wait_until(lambda: house.empty)


def test_pings_come_and_answers_keep_it_open(hasty_house: House) -> None:
    with hasty_house.ready() as client:
        begun = time.monotonic()
        pings = 0
        for opcode, _ in client.frames():
            pings += opcode == 9
            if time.monotonic() - begun > 2.2 * SILENCE_S:
                break
        client.say("One")
        hasty_house.engine.play(hasty_house.engine.next(), "One")
        assert client.hear_all().words == ["One"]
    assert pings >= 4


def test_a_silent_client_is_dropped(hasty_house: House) -> None:
    with hasty_house.ready() as client:
        client.text("One")
        utterance = hasty_house.engine.next()
        wait_until(lambda: hasty_house.empty)  # this client does not read, so no ping is answered
        assert utterance.over
        got = client.hear_all()
        assert (got.types, got.close_code) == ([], NO_STATUS)


def test_text_counts_as_a_sign_of_life(hasty_house: House) -> None:
    with hasty_house.ready() as client:
        begun = time.monotonic()
        while time.monotonic() - begun < 2.2 * SILENCE_S:
            client.text("One")
            time.sleep(0.05)
        assert hasty_house.service.streams_open == 1


def test_one_that_never_starts(hasty_house: House) -> None:
    with hasty_house.client(path="/api/stream") as client:
        got = client.hear_all()
    assert (got.messages, got.close_code) == ([], 1001)
    assert got.pings  # which were answered


def test_one_that_never_ends() -> None:
    with contextmanager(house_of)(max_socket_time=1.5) as house:
        with house.ready() as client:
            speaking(house, client)
            assert client.hear_all().close_code == NO_STATUS
        wait_until(lambda: house.empty)


def test_a_client_that_does_not_read() -> None:
    with contextmanager(house_of)(read_timeout=0.3, ping_interval=0.1) as house, house.ready() as client:
        client.text("One")
        utterance = house.engine.next()
        feeding = threading.Thread(target=feed, args=(house, utterance))
        feeding.start()
        wait_until(lambda: house.empty)
        feeding.join()


def feed(house: House, utterance: Utterance) -> None:
    """Far more audio than the buffers of a connection hold."""
    while not utterance.over:
        if utterance.has_room:
            house.engine.play(utterance, frames=20, finish=False)
        else:
            time.sleep(0.005)


def test_a_message_that_is_too_large(house: House) -> None:
    with house.ready() as client:
        sending = threading.Thread(target=send_much, args=(client,))
        sending.start()
        got = client.hear_all()
        sending.join()
        assert got.close_code == NO_STATUS
    wait_until(lambda: house.empty)


def send_much(client: MoshiClient) -> None:
    try:
        client.binary(b"\0" * 2**22)
    except OSError:
        return


def test_too_much_text(house: House) -> None:
    with house.ready() as client:
        for _ in range(11):
            client.text("word " * 20_000)
        wait_until(lambda: house.empty)


# -- errors ---------------------------------------------------------------------------------------------------------


def test_an_engine_that_fails(house: House) -> None:
    with house.ready() as client:
        speaking(house, client).fail(EngineFailed("The model failed at this text."))
        got = client.hear_all()
    assert got.messages == [{"type": "Error", "message": "The model failed at this text."}]
    assert got.close_code == NO_STATUS


def test_audio_that_is_not_whole_does_not_look_so_in_a_raw_format(house: House) -> None:
    for whole in (True, False):
        with house.client(format="Pcm") as client:
            client.text("One")
            utterance = house.engine.next()
            house.engine.play(utterance, "One", finish=whole)
            utterance.fail(EngineFailed("The model failed at this text."))  # too late if it is whole
            got = client.hear_all(packed=False)
        assert (len(got.frames), got.close_code) == (1, NO_STATUS if whole else NO_FRAME)


def test_a_release_by_force(house: House) -> None:
    with house.ready() as client:
        speaking(house, client)
        house.service.release(force=True)
        got = client.hear_all()
    assert got.types == ["Error"]
    assert got.close_code == NO_STATUS


# -- the drain ------------------------------------------------------------------------------------------------------


def test_a_drain_closes_idle_sockets_at_once(house: House) -> None:
    with house.ready() as client:
        house.service.drain()
        got = client.hear_all()
        assert (got.messages, got.close_code) == ([], NO_STATUS)
    wait_until(lambda: house.empty)


def test_a_drain_says_so_where_nothing_was_started(house: House) -> None:
    with house.client(path="/api/stream") as early:
        house.service.drain()
        assert early.hear_all().close_code == 1013
    with house.client(path="/api/stream") as late:
        assert late.hear_all().close_code == 1013


def test_a_drain_lets_what_was_begun_be_said(house: House) -> None:
    with house.ready() as client:
        utterance = speaking(house, client)
        assert not utterance.ended
        house.service.drain()
        wait_until(lambda: utterance.ended)
        client.text("Two")  # too late
        utterance.take_word()
        assert utterance.take_word() is None
        house.engine.play(utterance, frames=3)
        got = client.hear_all()
        assert (got.types, got.close_code) == (["Audio"] * 3, NO_STATUS)


def test_a_drain_takes_nobody_new(house: House) -> None:
    house.service.drain()
    with house.client() as client:
        assert client.next() == BUSY


# -- voices that the caller brings ----------------------------------------------------------------------------------


def voice_message(value: float) -> bytes:
    packed: bytes = msgpack.packb({"type": "Voice", "embeddings": [value] * (512 * 125), "shape": [1, 512, 125]})
    return packed


def test_a_voice_before_the_text_is_taken(house: House) -> None:
    with house.ready() as client:
        client.binary(voice_message(0.5))
        client.text("One")
        embedding = house.engine.next().request.embedding
    assert embedding is not None
    assert embedding.shape == (1, 512, 125)
    assert np.all(embedding == 0.5)


def test_a_voice_after_the_text_is_not(house: House) -> None:
    with house.ready() as client:
        utterance = speaking(house, client)
        client.binary(voice_message(0.5))
        client.eos()
        wait_until(lambda: utterance.ended)
        assert utterance.request.embedding is None


def test_a_voice_of_no_shape_leaves_the_default(house: House) -> None:
    with house.ready() as client:
        client.binary(msgpack.packb({"type": "Voice", "embeddings": [1.0, 2.0], "shape": [1, 512, 125]}))
        client.text("One")
        assert house.engine.next().request.embedding is None


# -- threads --------------------------------------------------------------------------------------------------------


def test_two_threads_a_socket_and_none_afterwards(house: House) -> None:
    before = threading.active_count()
    with house.ready() as first, house.ready() as second:
        speaking(house, first)
        speaking(house, second)
        assert threading.active_count() <= before + 4
    wait_until(lambda: threading.active_count() <= before)
