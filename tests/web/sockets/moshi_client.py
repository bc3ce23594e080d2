"""A client of moshi-server's protocol, written from its description: what a stranger's client sees of us."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgpack
import websocket

TIMEOUT_S = 30
NO_STATUS = 1005  # RFC 6455: what is reported for a close frame without a payload
NO_FRAME = 1006  # and when there was none

PING, PONG, CLOSE, TEXT, BINARY = (
    websocket.ABNF.OPCODE_PING,
    websocket.ABNF.OPCODE_PONG,
    websocket.ABNF.OPCODE_CLOSE,
    websocket.ABNF.OPCODE_TEXT,
    websocket.ABNF.OPCODE_BINARY,
)


@dataclass
class Heard:
    """Everything that came until the end."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)  # when
    close_code: int = NO_FRAME

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def words(self) -> list[str]:
        return [message["text"] for message in self.of("Text")]

    @property
    def seconds(self) -> float:
        return sum(len(message["pcm"]) for message in self.of("Audio")) / 24_000


class MoshiClient:
    """One connection. Use it in a `with` block."""

    def __init__(
        self,
        url: str,
        path: str = "/api/tts_streaming",
        header: dict[str, str] | None = None,
        sock: socket.socket | None = None,
        **query: str,
    ) -> None:
        """url: of the service, http://. sock: a connection to it, if there is one already.

        Raises WebSocketBadStatusException if it refuses.
        """
        address = f"{url.replace('http', 'ws', 1)}{path}?{urlencode({'format': 'PcmMessagePack', **query})}"
        host = urlsplit(url)
        self._sock = sock or socket.create_connection((host.hostname, host.port), TIMEOUT_S)
        self._sock.settimeout(TIMEOUT_S)
        try:
            self.socket = websocket.create_connection(address, header=header or {}, socket=self._sock)
        except BaseException:
            self._sock.close()
            raise

    def __enter__(self) -> MoshiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    # -- out --------------------------------------------------------------------------------------------------------

    def text(self, text: str) -> None:
        self.binary(msgpack.packb({"type": "Text", "text": text}))

    def eos(self) -> None:
        self.binary(msgpack.packb({"type": "Eos"}))

    def say(self, text: str) -> None:
        """As the script does: a message for each word, then the end."""
        for word in text.split():
            self.text(word)
        self.eos()

    def binary(self, data: bytes) -> None:
        self.socket.send_binary(data)

    def drop(self) -> None:
        """Let the connection go without a word."""
        self._sock.close()

    def half_close(self) -> None:
        """Say that nothing more will be sent, below WebSocket."""
        self._sock.shutdown(socket.SHUT_WR)

    # -- in ---------------------------------------------------------------------------------------------------------

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Every frame as opcode and payload, pings answered, up to the close frame. Ends without one if none comes."""
        while True:
            try:
                opcode, frame = self.socket.recv_data_frame(control_frame=True)
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                return
            yield opcode, frame.data
            if opcode == CLOSE:
                return

    def listen(self) -> Iterator[dict[str, Any]]:
        """The messages of a MessagePack format."""
        for opcode, data in self.frames():
            if opcode == BINARY:
                yield msgpack.unpackb(data)

    def next(self) -> dict[str, Any]:
        return next(self.listen())

    def until(self, kind: str) -> dict[str, Any]:
        """The first message of that type; those before it are lost."""
        return next(message for message in self.listen() if message["type"] == kind)

    def hear_all(self, packed: bool = True) -> Heard:
        heard = Heard()
        for opcode, data in self.frames():
            if opcode == BINARY:
                heard.frames.append(data)
                if packed:
                    heard.messages.append(msgpack.unpackb(data))
            elif opcode == PING:
                heard.pings.append(time.monotonic())
            elif opcode == CLOSE:
                heard.close_code = int.from_bytes(data[:2], "big") if data else NO_STATUS
        return heard
