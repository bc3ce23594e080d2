"""What has arrived of a request on a connection (Arrival), looked at without reading it. Knows no thread and no app.

The bytes stay in the system's buffer until the request is whole, so that waiting for a slow client costs a descriptor
and no thread. `SO_RCVLOWAT` tells the system to report the connection only when more has come than was looked at.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import select
import socket
import termios
from array import array
from dataclasses import dataclass
from enum import Enum

from web.http.bodies import SLOWEST_BYTES_PER_S

MOST_HEAD_BYTES = 32_768  # a longer head is refused with 431
MOST_BODY_BYTES = 262_144  # a longer body is read by a thread at once
# Of a shorter one a thread reads the rest when so many bytes have come: the system's buffer may have no room for all.
# Receive buffers begin with 64 KB of room or more, and grow only for those who read.
ENOUGH_BODY_BYTES = 32_768

_HANG_UP = getattr(select, "POLLRDHUP", 0)  # without it (not Linux) the deadline ends such a connection
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_BODY_LATER = re.compile(rb"\r\n(?:expect|transfer-encoding)[ \t]*:", re.IGNORECASE)
_REQUEST_LINE = re.compile(rb"[\r\n]*[A-Z]{1,20} ([^ ?\r\n]*)")


class Whole(Enum):
    """How much of a request is here."""

    NOT_YET = "not yet"
    HEAD = "head"  # of the body there may be more to come: it is long, or the client waits to be asked for it
    ALL = "all"
    TOO_LONG = "too long"
    GONE = "gone"  # the client closed the connection


@dataclass(eq=False)
class Arrival:
    """One request that is on its way. deadline: time.monotonic() by which it must be whole."""

    sock: socket.socket
    deadline: float
    seen: int = 0  # bytes that were there when it was last looked at
    path: bytes = b""  # of the request line, once the head is whole
    body_bytes: int | None = None  # what the head says of the body's length, once the head is whole
    stalled: bool = False  # it was reported although nothing more had come: the system has no SO_RCVLOWAT

    def look(self) -> Whole:
        """How much is here now. Reads nothing and never blocks."""
        try:
            data = self.sock.recv(MOST_HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return Whole.NOT_YET
        except OSError:
            return Whole.GONE
        if not data:
            return Whole.GONE
        head, end, _ = data.partition(_END)
        if not end:
            return self._head_begun(len(data))
        return self._body(head + end)

    def _head_begun(self, size: int) -> Whole:
        if size >= MOST_HEAD_BYTES:
            return Whole.TOO_LONG
        return self._more(size, size)

    def _body(self, head: bytes) -> Whole:
        if self.body_bytes is None:
            self._read_head(head)
        assert self.body_bytes is not None
        if self.body_bytes == 0:
            return self._all()
        if self.body_bytes > MOST_BODY_BYTES or _BODY_LATER.search(head):
            return Whole.HEAD
        wanted = len(head) + self.body_bytes
        here, enough = _bytes_here(self.sock), len(head) + ENOUGH_BODY_BYTES
        if wanted > here >= enough:
            self._report_all()
            return Whole.HEAD
        return self._all() if here >= wanted else self._more(here, min(wanted, enough) - 1)

    def _read_head(self, head: bytes) -> None:
        line = _REQUEST_LINE.match(head)
        length = _LENGTH.search(head)
        self.path = line[1] if line else b""
        self.body_bytes = int(length[1]) if length else 0
        self.deadline += self.body_bytes / SLOWEST_BYTES_PER_S

    def _all(self) -> Whole:
        self._report_all()
        return Whole.ALL

    def _report_all(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def _more(self, here: int, enough: int) -> Whole:
        """It is not whole. Have the system report the connection when more than `enough` bytes are here."""
        if _ended(self.sock):
            return Whole.GONE
        self.stalled, self.seen = here == self.seen, here
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, enough + 1)
        return Whole.NOT_YET


def _bytes_here(sock: socket.socket) -> int:
    """How many bytes the system holds for this connection."""
    count = array("i", [0])
    try:
        fcntl.ioctl(sock, termios.FIONREAD, count)
    except OSError:
        return 0
    return count[0]


def _ended(sock: socket.socket) -> bool:
    """The client sends no more."""
    poll = select.poll()
    poll.register(sock, _HANG_UP)
    return bool(poll.poll(0))
