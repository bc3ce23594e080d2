"""A WebSocket on a thread of the server's (WebSocket): messages in, messages out, pings, deadlines, a clean end.

Knows no speech. Two threads use one: the reader calls `receive`, the writer `send` and `close`. The reader never waits
for the writer, so it sees at any time that the client left or has stopped reading.

wsproto speaks the protocol. simple-websocket was tried and left (docs/decisions/websockets.md): it keeps every message
that comes however many there are, sends pongs between the halves of a long message, and does not tell of pings, which
count as signs of life here.
"""

from __future__ import annotations

import contextlib
import io
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wsproto import WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from web.sockets.rate import FrameRate

EMPTY = CloseReason.NO_STATUS_RCVD  # a close frame without a payload; the other side sees 1005
LINGER_S = 5.0  # how long a client may take to answer our close frame
RECEIVE_BYTES = 65_536
MESSAGES_PER_S, MESSAGES_BURST = 500, 20_000  # a chapter may come at once, word by word
CONTROLS_PER_S, CONTROLS_BURST = 20, 200  # pings, pongs
PONG_S = 0.25  # between two pongs; the newest ping is the one that is answered (RFC 6455, section 5.5.3)


@dataclass(frozen=True)
class Limits:
    """What a client may do. Seconds and bytes."""

    ping_s: float  # between our pings
    silence_s: float  # without any byte from the client
    longest_s: float  # the whole connection
    unread_s: float  # while the client takes nothing of what was sent to it
    message_bytes: int = 2**21  # an embedding as a message is 320 to 580 KB


class Ending(Enum):
    """Why `receive` gives no more messages."""

    CLOSED_BY_US = "closed by us"
    CLOSED_BY_CLIENT = "closed by the client"
    GONE = "the client is gone"
    SILENT = "the client was silent"
    UNREAD = "the client left its audio unread"
    TOO_LONG = "open for too long"
    BAD_FRAME = "a frame that is none, or a message that is too large"
    TOO_MANY_FRAMES = "more frames than one socket may send"

    @property
    def nobody_there(self) -> bool:
        return self in (Ending.GONE, Ending.UNREAD)


class SocketClosed(Exception):
    """Nothing more can be sent."""


class WebSocket:
    """An open WebSocket. Use it in a `with` block; the server then closes the connection."""

    def __init__(
        self,
        sock: socket.socket,
        connection: WSConnection,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ending: Ending | None = None
        self._sock, self._connection, self._limits, self._clock = sock, connection, limits, clock
        self._messages: deque[str | bytes] = deque()
        self._part: io.StringIO | io.BytesIO | None = None  # of a message that is not complete yet
        self._controls: dict[type[Event], Event] = {}  # for the next writer; of each kind only the newest
        self._actions: deque[Callable[[], None]] = deque()
        self._writing = threading.Lock()
        self._write_began: float | None = None
        self._closed_at: float | None = None
        self._message_by: float | None = None
        self._later: tuple[float, Callable[[], None]] | None = None  # when, and what is to be called then
        self._opened_at = self._heard_at = clock()
        self._message_rate = FrameRate(MESSAGES_PER_S, MESSAGES_BURST, self._opened_at)
        self._control_rate = FrameRate(CONTROLS_PER_S, CONTROLS_BURST, self._opened_at)
        self._pong: Pong | None = None  # owed
        self._pong_at = self._opened_at  # the earliest time for it
        self._ping_at = self._opened_at + limits.ping_s
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._poll.register(self._wake_out, select.POLLIN)

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        if self.ending in (Ending.TOO_LONG, Ending.BAD_FRAME, Ending.TOO_MANY_FRAMES):
            self._swallow()
        self._wake_in.close()
        self._wake_out.close()

    # -- the writer -----------------------------------------------------------------------------------------------

    def send(self, data: str | bytes) -> None:
        """Send a message: text or binary. Blocks while the client's buffers are full. Raises SocketClosed."""
        self._send(TextMessage(data) if isinstance(data, str) else BytesMessage(data))

    def close(self, code: CloseReason = EMPTY, reason: str | None = None) -> None:
        """Send a close frame behind what was sent. `receive` then waits for the client's own. Never raises."""
        with contextlib.suppress(SocketClosed):
            self._send(CloseConnection(code, reason))
        self._closed_at = self._clock()
        self._poke()

    def hang_up(self) -> None:
        """Cut the connection, with no close frame. Unblocks a `send`. May be called from any thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _send(self, event: Event) -> None:
        with self._writing:
            self._write(event)
        self._send_controls()

    def _write(self, event: Event) -> None:
        """Called with the lock held."""
        self._write_began = self._clock()
        try:
            self._sock.sendall(self._connection.send(event))
        except (OSError, LocalProtocolError):  # gone, or one of the two has sent its close frame
            raise SocketClosed from None
        finally:
            self._write_began = None

    # -- the reader -----------------------------------------------------------------------------------------------

    def receive(self, within_s: float | None = None) -> str | bytes | None:
        """The next message; None when there will be none, and `ending` says why.

        within_s: the client counts as silent if it takes longer, even if it answers pings.
        """
        self._message_by = None if within_s is None else self._clock() + within_s
        while not self._messages:
            if self.ending is None:
                self.ending = self._look_at_clock()
            if self.ending is not None:
                return None
            self.ending = self._wait()
        return self._messages.popleft()

    def messages(self) -> Iterator[str | bytes]:
        """All of them until the end."""
        return iter(self.receive, None)

    def call(self, action: Callable[[], None]) -> None:
        """Have the reader call `action`, soon. May be called from any thread and from a signal handler."""
        self._actions.append(action)
        self._poke()

    def call_later(self, after_s: float, action: Callable[[], None]) -> None:
        """Have `action` called in so many seconds unless this is called again before. Only the reader may call this."""
        self._later = (self._clock() + after_s, action)

    def _poke(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_in.send(b"\0")

    def _wait(self) -> Ending | None:
        """Sleep until the client sends something, `call` is used, or a deadline comes."""
        for descriptor, _ in self._poll.poll(1000 * max(0.0, self._next_deadline() - self._clock())):
            if descriptor == self._wake_out.fileno():
                self._wake_out.recv(RECEIVE_BYTES)
                while self._actions:
                    self._actions.popleft()()
            elif ending := self._read():
                return ending
        return None

    def _next_deadline(self) -> float:
        limits = self._limits
        deadlines = [self._ping_at, self._heard_at + limits.silence_s, self._opened_at + limits.longest_s]
        if self._closed_at is not None:
            deadlines.append(self._closed_at + LINGER_S)
        if self._pong is not None:
            deadlines.append(self._pong_at)
        if (began := self._write_began) is not None:
            deadlines.append(began + limits.unread_s)
        if self._message_by is not None:
            deadlines.append(self._message_by)
        if self._later is not None:
            deadlines.append(self._later[0])
        return min(deadlines)

    def _look_at_clock(self) -> Ending | None:
        now, limits = self._clock(), self._limits
        if self._closed_at is not None and now >= self._closed_at + LINGER_S:
            return Ending.CLOSED_BY_US
        if (began := self._write_began) is not None and now >= began + limits.unread_s:
            return Ending.UNREAD
        if now >= self._heard_at + limits.silence_s or (self._message_by is not None and now >= self._message_by):
            return Ending.SILENT
        if now >= self._opened_at + limits.longest_s:
            return Ending.TOO_LONG
        if self._later is not None and now >= self._later[0]:
            (_, action), self._later = self._later, None
            action()
        if now >= self._ping_at:
            self._ping_at = now + limits.ping_s
            self._control(Ping())
        self._answer_ping(now)
        return None

    def _read(self) -> Ending | None:
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            return Ending.GONE if self._closed_at is None else Ending.CLOSED_BY_US
        self._heard_at = self._clock()
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                rate = self._message_rate if isinstance(event, Message) else self._control_rate
                if not rate.take(self._heard_at):
                    return Ending.TOO_MANY_FRAMES
                if ending := self._take(event):
                    return ending
        except (LocalProtocolError, RemoteProtocolError):
            return Ending.BAD_FRAME
        return None

    def _swallow(self) -> None:
        """Read on, so that a client which still sends comes to see our close frame rather than a reset connection."""
        end = self._clock() + LINGER_S
        with contextlib.suppress(OSError):
            while self._clock() < end:
                self._sock.settimeout(LINGER_S)
                if not self._sock.recv(RECEIVE_BYTES):
                    return

    def _take(self, event: Event) -> Ending | None:
        if isinstance(event, Message):
            return self._take_part(event)
        if isinstance(event, Ping):
            self._pong = Pong(event.payload)
            self._answer_ping(self._heard_at)
        elif isinstance(event, CloseConnection):
            return self._take_close(event)
        return None

    def _take_part(self, event: Message[Any]) -> Ending | None:
        if self._part is None:
            self._part = io.StringIO() if isinstance(event, TextMessage) else io.BytesIO()
        self._part.write(event.data)
        if self._part.tell() > self._limits.message_bytes:
            return Ending.BAD_FRAME
        if event.message_finished:
            if self._closed_at is None:
                self._messages.append(self._part.getvalue())
            self._part = None
        return None

    def _take_close(self, event: CloseConnection) -> Ending:
        """A close frame; wsproto gives the same event for a frame that it cannot read."""
        if self._connection.state is ConnectionState.CLOSED:
            return Ending.CLOSED_BY_US
        if self._connection.state is not ConnectionState.REMOTE_CLOSING:
            return Ending.BAD_FRAME
        self._control(event.response())
        return Ending.CLOSED_BY_CLIENT

    # -- pings, pongs and the answer to a close frame, between the writer's messages -------------------------------

    def _control(self, event: Event) -> None:
        """Sent at once if no other thread writes; else the writer sends it after its message."""
        self._controls[type(event)] = event
        if self._has_room():
            self._send_controls()

    def _answer_ping(self, now: float) -> None:
        """At most one pong in PONG_S: a flood of pings must cost others nothing."""
        if self._pong is not None and now >= self._pong_at:
            pong, self._pong, self._pong_at = self._pong, None, now + PONG_S
            self._control(pong)

    def _send_controls(self) -> None:
        while self._controls and self._writing.acquire(blocking=False):
            try:
                self._write(self._controls.popitem()[1])
            except (KeyError, SocketClosed):
                return
            finally:
                self._writing.release()

    def _has_room(self) -> bool:
        """A small frame can be sent without waiting for the client."""
        room = select.poll()
        room.register(self._sock, select.POLLOUT)
        return bool(room.poll(0))
