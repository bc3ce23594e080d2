"""TLS in front of the worker (Terminator): it speaks TLS with each client and hands a plain socket on.

gunicorn would wrap the socket that a request's thread reads. Then a handshake that is never finished holds a thread,
what has arrived cannot be looked at without reading it, a client that leaves cannot be told from one that sends, and a
WebSocket's two threads would share one TLS state, which OpenSSL does not allow. So one more thread, an event loop,
copies between the TLS connection and one end of a socket pair. What a client does not read fills the pair, as it would
fill the client's own socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import Callable
from typing import Any

from speech.settings import Settings, SettingsError
from web.http.kept import Kept

log = logging.getLogger("kyutai_tts.tls")

PIECE_BYTES = 65_536
GOODBYE_S = 2.0  # to answer that no more comes, as worker.py waits where there is no TLS
MOST_ENDING = 64  # connections that the service has ended and whose clients have not read the last bytes yet
DESCRIPTORS = 3  # of one connection: the client's, and both ends of the pair

Handed = Callable[[socket.socket, Any], None]
Stream = tuple[StreamReader, StreamWriter]


class Certificate:
    """TLS_CERT and TLS_KEY. They are read again when they change; what is broken then leaves the old ones in use."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError, in one line, if they are broken now."""
        assert settings.tls_cert is not None
        assert settings.tls_key is not None
        self._files = (settings.tls_cert, settings.tls_key)
        try:
            first = self._read()
        except (OSError, ValueError) as error:
            raise SettingsError(f"TLS_CERT and TLS_KEY cannot be used: {error}") from None
        self._kept = Kept("TLS_CERT and TLS_KEY", self._files, self._read, first)

    def context(self) -> ssl.SSLContext:
        """For a connection that begins now."""
        return self._kept.value()

    def _read(self) -> ssl.SSLContext:
        for file in self._files:
            file.open("rb").close()  # or the error would not name it
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._files, password=_no_passphrase)
        context.set_alpn_protocols(["http/1.1"])
        return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase, and there is none to ask for it")


class Terminator:
    """Each connection is greeted (TLS handshake), handed on, and copied until one side ends it."""

    def __init__(self, certificate: Certificate, timeout_s: float, handed: Handed, failed: Callable[[], None]) -> None:
        """timeout_s: for a handshake, and for the last bytes to be read. The two are called on this object's thread:

        handed(socket, address): the handshake is done. failed(): it will not be; the connection is closed.
        """
        self._certificate, self._timeout_s, self._handed, self._failed = certificate, timeout_s, handed, failed
        self._greeting: dict[asyncio.Task[None], None] = {}  # handshakes under way, the oldest first
        self._copying: set[asyncio.Task[None]] = set()
        self._ending: dict[asyncio.Task[None], None] = {}  # of those the ones that only send their last bytes
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: log.debug("%s", context.get("message")))
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls", daemon=True)
        self._thread.start()

    # -- any thread -----------------------------------------------------------------------------------------------

    def take(self, sock: socket.socket, address: Any) -> None:
        """A connection that was accepted; it is this object's from now on."""
        self._loop.call_soon_threadsafe(self._begin, sock, address)

    def drop_oldest(self) -> bool:
        """Give up the handshake that has taken longest. False: none is under way."""
        self._loop.call_soon_threadsafe(self._drop, 1)
        return bool(self._greeting)

    def drop_all(self) -> None:
        """Give up every handshake that is under way."""
        self._loop.call_soon_threadsafe(self._drop, None)

    def close(self) -> None:
        """The service has ended its side of each connection: wait until the clients have read the last bytes."""
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- the loop's thread ----------------------------------------------------------------------------------------

    def _begin(self, sock: socket.socket, address: Any) -> None:
        task = self._loop.create_task(self._serve(sock, address))
        self._greeting[task] = None
        task.add_done_callback(self._ended)

    def _drop(self, most: int | None) -> None:
        for task in list(self._greeting)[:most]:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._greeting.pop(task, None)
        self._ending.pop(task, None)
        self._copying.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a TLS connection failed", exc_info=error)

    async def _finish(self) -> None:
        self._closed = True
        self._drop(None)
        if tasks := [*self._greeting, *self._copying]:
            await asyncio.wait(tasks)

    async def _serve(self, sock: socket.socket, address: Any) -> None:
        try:
            client, plain, theirs = await self._greet(sock)
        except (OSError, TimeoutError, asyncio.CancelledError) as error:
            log.debug("no TLS with %s: %s", address, error)
            sock.close()
            if not self._closed:
                self._failed()
            return
        task = asyncio.current_task()
        assert task is not None
        self._greeting.pop(task, None)
        self._copying.add(task)
        self._handed(theirs, address)
        await _copy(client[0], plain[1], plain[0], client[1])
        self._make_room()
        self._ending[task] = None
        await asyncio.gather(_close(plain[1], self._timeout_s), _close(client[1], self._timeout_s))

    def _make_room(self) -> None:
        """A client that never reads the last bytes must not keep its descriptors as long as it likes."""
        if len(self._ending) >= MOST_ENDING:
            next(iter(self._ending)).cancel()

    async def _greet(self, sock: socket.socket) -> tuple[Stream, Stream, socket.socket]:
        """The TLS stream, our end of the pair, and the other end."""
        client = await self._secured(sock)
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            client[1].transport.abort()
            raise
        return client, await asyncio.open_connection(sock=ours), theirs

    async def _secured(self, sock: socket.socket) -> Stream:
        reader = StreamReader(limit=PIECE_BYTES)
        protocol = StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: protocol,
            sock,
            ssl=self._certificate.context(),
            ssl_handshake_timeout=self._timeout_s,
            ssl_shutdown_timeout=GOODBYE_S,
        )
        writer = StreamWriter(transport, protocol, reader, self._loop)
        writer.transport.set_write_buffer_limits(high=PIECE_BYTES)
        return reader, writer


async def _copy(heard: StreamReader, on: StreamWriter, said: StreamReader, back: StreamWriter) -> None:
    """What the client says on to the service, what that says back; until one of them ends it."""
    both = [asyncio.ensure_future(_pump(heard, on)), asyncio.ensure_future(_pump(said, back))]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in both:
            pump.cancel()
        await asyncio.wait(both)


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    """Until the reader's side ends, or the writer's is gone."""
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()


async def _close(writer: StreamWriter, timeout_s: float) -> None:
    """Send what is left and say that no more comes; a side that does not read it in time is cut off."""
    try:
        async with asyncio.timeout(timeout_s):
            writer.transport.set_write_buffer_limits(1, 0)  # drain until all is sent
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        pass
    finally:
        writer.transport.abort()
