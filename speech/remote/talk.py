"""Speech whose words come while it is made (RemoteTalk): a client of GET /api/stream, over wsproto."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

from wsproto import WSConnection
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, ProtocolError, RemoteProtocolError

from gpu_manager import LoadProgress
from speech.remote.connection import RemoteConnection, refusal
from speech.request import SpeechRequest

_NOT_SENT = {"text", "caller", "passages", "embedding"}  # what the first message does not take
_BYTES_PER_SAMPLE = 2
_READ = 65_536


class RemoteTalk(RemoteConnection):
    """`open` it, then `say` and `end`, from any thread. The audio is pcm: 16 bits, mono, `sample_rate`."""

    def __init__(self, connection: HTTPConnection, path: str, headers: dict[str, str], request: SpeechRequest) -> None:
        super().__init__(connection, path, headers)
        self.sample_rate = 0  # Hz; known once it is open
        self.ignored: tuple[str, ...] = ()
        self.seconds = 0.0
        self.share: float | None = None  # more words may come
        self.loading: LoadProgress | None = None
        self.queue_position: int | None = None
        self._request = request
        self._protocol = WSConnection(ConnectionType.CLIENT)  # guarded by `_lock`, as the socket is
        self._sending = threading.Lock()  # what is sent stays in order; held while the service takes its time
        self._part = b""  # of a message in several frames
        self._refused: tuple[int, str | None] | None = None  # status and Retry-After; the body follows
        self._incoming = self._messages()

    def open(self) -> None:
        """Connect and ask for speech. Raises what the service refuses as SpeechError, Cancelled, OSError's Unavailable.

        Returns before the model is loaded.
        """
        try:
            self._connect()
            self._shake_hands()
            self._send_json("start", **_wishes(self._request))
            ready = self._told(next(self._incoming))
        except StopIteration:
            raise self._broken(EOFError("the connection was closed")) from None
        except (OSError, EOFError, ProtocolError, ValueError, KeyError) as error:
            raise self._broken(error) from None
        self.sample_rate, self.ignored = ready["sample_rate"], tuple(ready["ignored"])
        self.loading = None if ready["model_loaded"] else LoadProgress()

    def say(self, text: str) -> None:
        """More text, cut anywhere. A broken connection shows where the audio is read."""
        with suppress(OSError, ProtocolError):
            self._send_json("text", text=text)

    def end(self) -> None:
        """No more text will come."""
        with suppress(OSError, ProtocolError):
            self._send_json("end")

    def encoded(self) -> Iterator[bytes]:
        """The audio as it is made. Raises SpeechError: the service's own, Unavailable when it breaks off, Cancelled."""
        try:
            for message in self._incoming:
                if isinstance(message, bytes | bytearray):
                    self.loading = self.queue_position = None
                    self.seconds += len(message) / _BYTES_PER_SAMPLE / self.sample_rate
                    yield bytes(message)
                elif (told := self._told(message))["type"] == "done":
                    return
                elif told["type"] == "queued":
                    self.loading, self.queue_position = None, told["position"]
            raise EOFError("the connection was closed")
        except (OSError, EOFError, ProtocolError, ValueError, KeyError) as error:
            raise self._broken(error) from None

    # -- inside -------------------------------------------------------------------------------------------------

    def _shake_hands(self) -> None:
        """Raises SpeechError where the service does not take the connection."""
        host = self._connection.host
        host = f"[{host}]:{self._connection.port}" if ":" in host else f"{host}:{self._connection.port}"
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items() if name != "Content-Type"]
        self._send(Request(host=host, target=self._path, extra_headers=headers))
        while self._protocol.state is not ConnectionState.OPEN:
            events = self._received()
            for event in events:
                self._taken(event)
            if not events:
                raise EOFError("the connection was closed")

    def _send_json(self, kind: str, **fields: Any) -> None:
        self._send(TextMessage(json.dumps({"type": kind, **fields})))

    def _send(self, event: Event) -> None:
        with self._sending:
            with self._lock:
                if self._cancelled or self._socket is None:
                    raise LocalProtocolError("it is closed")
                data = self._protocol.send(event)
            self._socket.sendall(data)

    def _messages(self) -> Iterator[str | bytes]:
        """Whole messages, until the connection ends. Pings are answered here."""
        while events := self._received():
            for event in events:
                if isinstance(event, CloseConnection):
                    return
                if (message := self._taken(event)) is not None:
                    yield message

    def _received(self) -> list[Event]:
        """What the next bytes bring; empty: no more will come."""
        assert self._socket is not None
        while data := self._socket.recv(_READ):
            with self._lock:
                self._protocol.receive_data(data)
                if events := list(self._protocol.events()):
                    return events
        return []

    def _taken(self, event: Event) -> str | bytes | None:
        """The message that an event completes. Raises SpeechError where the service does not take the connection."""
        if isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, Message):
            self._part = event.data if not self._part else self._part + event.data
            if event.message_finished:
                whole, self._part = self._part, b""
                return whole if isinstance(event, BytesMessage) else str(whole)
        elif isinstance(event, RejectConnection):
            named = {name.lower(): value.decode() for name, value in event.headers}
            self._refused = event.status_code, named.get(b"retry-after")
            if not event.has_body:
                raise refusal(event.status_code, b"", self._refused[1])
        elif isinstance(event, RejectData):
            self._part += event.data
            if event.body_finished:
                assert self._refused is not None
                raise refusal(self._refused[0], self._part, self._refused[1])
        elif not isinstance(event, AcceptConnection):
            raise RemoteProtocolError(f"{type(event).__name__} was not expected")
        return None

    def _told(self, message: str | bytes) -> dict[str, Any]:
        """A message in JSON. Raises the service's error as SpeechError."""
        told: dict[str, Any] = json.loads(message)
        if told["type"] == "error":
            raise refusal(200, json.dumps(told).encode())
        return told


def _wishes(request: SpeechRequest) -> dict[str, Any]:
    """What is asked for and not the default anyway, as the first message has it."""
    usual = vars(SpeechRequest())
    given = {name: value for name, value in vars(request).items() if name not in _NOT_SENT}
    return {name: value for name, value in given.items() if value != usual[name]} | {"format": "pcm"}
