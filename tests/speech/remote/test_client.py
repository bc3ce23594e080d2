"""The door over HTTP: the same as the service's own, and honest about other programs on the port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from speech.errors import Cancelled, EngineFailed, SpeechError, Unavailable
from speech.remote.client import ServiceClient
from speech.request import SpeechRequest
from speech.service import SpeechService
from tests import strangers
from tests.live_server import LiveServer, free_port
from tests.stage import StageEngine
from tests.staged import nothing_is_held, serving, staged_service
from tests.waiting import wait_until

REQUEST = SpeechRequest("Hello there", format="pcm")


@pytest.fixture
def stage() -> StageEngine:
    return StageEngine()


@pytest.fixture
def staged(stage: StageEngine) -> Iterator[SpeechService]:
    service = staged_service(stage)
    yield service
    service.close()


@pytest.fixture
def client(staged: SpeechService) -> Iterator[ServiceClient]:
    with serving(staged) as url:
        yield ServiceClient(url)


def test_our_service_is_known_by_its_name(client: ServiceClient) -> None:
    assert client.present() is True


def test_nobody_there() -> None:
    assert ServiceClient(f"http://127.0.0.1:{free_port()}").present() is False


@pytest.mark.parametrize(
    "answer",
    [
        strangers.http(b'{"status": "ok"}'),
        strangers.http(b'{"service": "grafana"}'),
        strangers.http(b"[1]"),
        strangers.http(b"<html>", kind="text/html"),
        strangers.http(b'{"service": "kyutai-tts"}', status="404 Not Found"),
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
    ],
)
def test_a_stranger_is_not_us(answer: bytes) -> None:
    with strangers.listening(strangers.answers(answer)) as url:
        assert ServiceClient(url).present() is False


def test_accepting_without_answering_is_an_error_and_no_absence() -> None:
    with strangers.stuck() as url, pytest.raises(Unavailable, match="does not answer"):
        ServiceClient(url, answer_s=0.1).present()
    with strangers.listening(lambda _: None) as url, pytest.raises(Unavailable, match="does not answer"):
        ServiceClient(url).present()


def test_an_address_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        ServiceClient("http://no-such-host.invalid:8900").present()


def test_proxies_are_not_asked(client: ServiceClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert client.present() is True
    assert client.status().engine == "hibari"


@pytest.mark.parametrize(("key", "sent"), [("secret", b"Authorization: Bearer secret\r\n"), (None, b"")])
def test_the_key_goes_with_every_request(key: str | None, sent: bytes) -> None:
    seen: list[bytes] = []

    def talk(client: socket.socket) -> None:
        seen.append(strangers.read_request(client))
        client.sendall(strangers.http(b'{"error": {"message": "no", "code": "invalid_api_key"}}', "401 Unauthorized"))

    with strangers.listening(talk) as url:
        client = ServiceClient(url, key)
        client.present()
        for ask in (
            client.status,
            client.release,
            lambda: client.voices,
            lambda: list(client.speak(REQUEST).encoded()),
        ):
            with pytest.raises(SpeechError) as caught:
                ask()
            assert caught.value.code == "invalid_api_key"
    assert len(seen) == 5
    for request in seen:
        assert (b"Authorization" in request) == bool(sent)
        assert sent in request


@pytest.mark.parametrize("url", ["", "8900", "ftp://x", "http://", "http://x:port"])
def test_bad_addresses(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ServiceClient(url)


def test_the_same_voices_status_and_release(client: ServiceClient, staged: SpeechService) -> None:
    assert client.voices.voices() == staged.voices.voices()
    assert client.voices.default == staged.voices.default
    assert client.release() is False
    staged.load()
    assert client.status() == staged.status()
    assert client.release() is True


def test_release_is_refused_in_the_services_words(client: ServiceClient, staged: SpeechService) -> None:
    with staged.manager.use(), pytest.raises(SpeechError, match="1 streams are running") as caught:
        client.release()
    assert caught.value.code == "engine_busy"


def test_the_same_audio(server: LiveServer) -> None:
    with ServiceClient(server.url).speak(REQUEST) as speech:
        heard = b"".join(speech.encoded())
        assert speech.sample_rate == 24_000
        assert speech.seconds == pytest.approx(len(heard) / 48_000, abs=0.001)
    assert heard == server.post("/api/tts", {"text": "Hello there", "format": "pcm"})


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [({"voice": "nobody"}, "voice_not_found", "voice"), ({"text": "  "}, "nothing_to_say", "text")],
)
def test_refusals_are_the_services_own(client: ServiceClient, fields: dict[str, str], code: str, param: str) -> None:
    with client.speak(SpeechRequest(**{"text": "Hello", "format": "pcm", **fields})) as speech:
        with pytest.raises(SpeechError) as caught:
            list(speech.encoded())
        assert (caught.value.code, caught.value.param) == (code, param)


def test_a_failure_midway_is_an_error_and_not_an_end(client: ServiceClient, stage: StageEngine) -> None:
    with client.speak(REQUEST) as speech:
        audio = speech.encoded()
        reader = Reader(audio)
        utterance = stage.next()
        stage.play(utterance, frames=2, finish=False)
        utterance.fail(EngineFailed("The GPU is out of memory."))
        reader.join()
        assert isinstance(reader.error, SpeechError)
        assert str(reader.error) == "The GPU is out of memory."


EVENT = b'event: audio\ndata: {"audio": "AAAA", "audio_s": 0.1}\n\n'


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(EVENT), EVENT),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(EVENT), EVENT),
        strangers.http(EVENT, kind="text/event-stream"),
        strangers.http(EVENT + b"event: audio\nda", kind="text/event-stream"),
        b"",
    ],
)
def test_a_service_that_dies_midway_is_an_error_and_not_an_end(answer: bytes) -> None:
    """However the connection ends: without `done` the speech is not whole."""
    with (
        strangers.listening(strangers.answers(answer)) as url,
        ServiceClient(url).speak(REQUEST) as speech,
        pytest.raises(Unavailable, match="stopped in the middle"),
    ):
        list(speech.encoded())


def test_we_hang_up_ourselves_when_the_service_will_close_the_connection() -> None:
    """It says so while it drains; the standard library then leaves the socket to the answer alone."""
    hung_up = threading.Event()
    refusal = b'event: error\ndata: {"error": {"message": "no"}}\n\n'

    def talk(client: socket.socket) -> None:
        strangers.read_request(client)
        client.sendall(strangers.http(refusal + b"more", kind="text/event-stream")[:-1])
        client.settimeout(60)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        hung_up.set()

    with strangers.listening(talk) as url:
        with ServiceClient(url).speak(REQUEST) as speech, pytest.raises(SpeechError, match="no") as caught:
            list(speech.encoded())
        assert hung_up.wait(20), caught  # whose traceback still has the answer


@pytest.mark.parametrize("phase", ["before", "waiting", "speaking"])
def test_cancelling_from_another_thread_frees_the_slot(
    client: ServiceClient,
    stage: StageEngine,
    staged: SpeechService,
    phase: str,
) -> None:
    with client.speak(REQUEST) as speech:
        if phase == "before":
            speech.cancel()
        reader = Reader(speech.encoded())
        if phase != "before":
            utterance = stage.next()
            if phase == "speaking":
                stage.play(utterance, frames=2, finish=False)
                assert reader.came.wait(20)
            speech.cancel()
        reader.join()
        assert isinstance(reader.error, Cancelled)
    wait_until(lambda: nothing_is_held(staged, stage))


class Reader:
    """Reads on a thread of its own."""

    def __init__(self, audio: Iterator[bytes]) -> None:
        self.error: Exception | None = None
        self.came = threading.Event()
        self._audio = audio
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _read(self) -> None:
        try:
            for _ in self._audio:
                self.came.set()
        except Exception as error:
            self.error = error


def test_a_file_that_is_put_together_is_asked_for_again() -> None:
    making = b'{"error": {"message": "The file is being put together.", "code": "file_in_making"}}'
    busy = strangers.http(making, "503 Service Unavailable\r\nRetry-After: 0")
    coming = [busy, busy, strangers.http(b"all of it", kind="audio/mp4")]

    def answer(client: socket.socket) -> None:
        strangers.answers(coming.pop(0))(client)

    with strangers.listening(answer) as url:
        assert b"".join(ServiceClient(url).job_audio("an-id", "m4b")) == b"all of it"
    assert not coming
