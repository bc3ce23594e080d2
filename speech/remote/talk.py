"""Speech whose words come while it is made (RemoteTalk): a client of GET /api/stream, over wsproto."""

from __future__ import annotations

import json
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
from speech.errors import Cancelled, SpeechError
from speech.remote.connection import broken_off, refusal
from speech.remote.line import Line
from speech.request import SpeechRequest

_NOT_SENT = {"text", "caller", "passages", "embedding"}  # what the first message does not take
_BYTES_PER_SAMPLE = 2
_READ = 65_536


class RemoteTalk:
    """`open` it, then `say` and `end`, from any thread; `encoded` belongs to one reader, who must call `close`.

    `cancel` may be called from any thread at any time. The audio is pcm: 16 bits, mono, `sample_rate`.
    """

    def __init__(self, connection: HTTPConnection, path: str, headers: dict[str, str], request: SpeechRequest) -> None:
        self.sample_rate = 0  # Hz; known once it is open
        self.ignored: tuple[str, ...] = ()
        self.seconds = 0.0
        self.share: float | None = None  # more words may come
        self.loading: LoadProgress | None = None
        self.queue_position: int | None = None
        self._line, self._path, self._headers, self._request = Line(connection), path, headers, request
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._part = b""  # of a message in several frames
        self._refused: tuple[int, str | None] | None = None  # status and Retry-After; the body follows
        self._incoming = self._messages()

    def open(self) -> None:
        """Connect and ask for speech. Raises what the service refuses as SpeechError, Cancelled, OSError's Unavailable.

        Returns before the model is loaded.
        """
        try:
            self._line.open()  # without a limit: the words may rest for long
            self._shake_hands()
            self._send_json("start", **_wishes(self._request))
            ready = self._told(next(self._incoming))
        except StopIteration:
            raise self._broken(EOFError("the connection was closed")) from None
        except (OSError, EOFError, ProtocolError, ValueError) as error:
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
        except (OSError, EOFError, ProtocolError, ValueError) as error:
            raise self._broken(error) from None

    def cancel(self) -> None:
        """Stop at once, during any wait: the service sees the connection close and frees the slot."""
        self._line.cut()

    def close(self) -> None:
        """Hang up. A second call does nothing."""
        self._line.close()

    def __enter__(self) -> RemoteTalk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside -------------------------------------------------------------------------------------------------

    def _shake_hands(self) -> None:
        """Raises SpeechError where the service does not take the connection."""
        host, port = self._line.connection.host, self._line.connection.port
        host = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
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
        with self._line.lock:  # of the protocol too
            if self._line.was_cut or self._line.socket is None:
                raise LocalProtocolError("it is closed")
            self._line.socket.sendall(self._protocol.send(event))

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
        assert self._line.socket is not None
        while data := self._line.socket.recv(_READ):
            with self._line.lock:
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

    def _broken(self, error: Exception) -> SpeechError:
        return Cancelled("The speech was cancelled.") if self._line.was_cut else broken_off(error)


def _wishes(request: SpeechRequest) -> dict[str, Any]:
    """What is asked for and not the default anyway, as the first message has it."""
    usual = vars(SpeechRequest())
    given = {name: value for name, value in vars(request).items() if name not in _NOT_SENT}
    return {name: value for name, value in given.items() if value != usual[name]} | {"format": "pcm"}
