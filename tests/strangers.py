"""Others that may sit on the service's port: one that never answers, one that speaks something else, one that quits."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Conversation = Callable[[socket.socket], None]


@contextmanager
def listening(talk: Conversation) -> Iterator[str]:
    """A TCP server that has this conversation with each client, one after the other, and then hangs up."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    stop = threading.Event()

    def accept() -> None:
        while not stop.is_set():
            try:
                client, _ = server.accept()
            except TimeoutError:
                continue
            with client:
                talk(client)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        server.close()


@contextmanager
def stuck() -> Iterator[str]:
    """Connections are accepted by the kernel; no program ever reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def read_request(client: socket.socket) -> bytes:
    """A whole request. A client that hangs up with bytes unread resets the connection, and the answer may be lost."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65_536)
    head = data.split(b"\r\n\r\n", 1)[0]
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while len(data) < len(head) + 4 + (int(length[1]) if length else 0):
        data += client.recv(65_536)
    return data


def answers(*parts: bytes) -> Conversation:
    """Wait for a request, then send these bytes."""

    def talk(client: socket.socket) -> None:
        read_request(client)
        for part in parts:
            client.sendall(part)

    return talk


def http(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
