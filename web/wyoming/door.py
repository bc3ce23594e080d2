"""The Wyoming door: listens, and serves each client on one event loop; each text is spoken on a thread (job.py)."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any

from speech.service import SpeechService
from speech.settings import Settings, SettingsError
from web.process.threads import Threads
from web.wyoming.connection import Connection, Pools, TakeTurn

log = logging.getLogger("kyutai_tts.wyoming")

MOST_CLIENTS = 256  # beyond that, the one that has been idle for longest makes room
BACKLOG = 128
MOST_ASKING = 8  # clients whose voices are looked up at the same moment


def listening(settings: Settings) -> socket.socket:
    """A socket on WYOMING_HOST and WYOMING_PORT. Raises SettingsError if it cannot be had."""
    host = settings.wyoming_host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, settings.wyoming_port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        address = f"WYOMING_HOST={host}, WYOMING_PORT={settings.wyoming_port}"
        raise SettingsError(f"{address}: cannot listen there: {error.strerror}") from None


def is_loopback(host: str) -> bool:
    return host == "localhost" or ip_address(host).is_loopback


class Door:
    """Begins when it is made, on a thread of its own."""

    def __init__(self, service: SpeechService, listener: socket.socket, take_turn: TakeTurn = lambda _: None) -> None:
        """listener: stays open for the next process when this door is closed. take_turn: RATE_LIMIT."""
        self._service, self._take_turn = service, take_turn
        self._listener = listener.dup()
        self._clients: dict[Connection, asyncio.Task[None]] = {}  # in the order in which they came
        self._pools = Pools(Threads(service.max_streams, "wyoming"), Threads(MOST_ASKING, "wyoming-voices"))
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._announced: Any = None
        self._held = ExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wyoming", daemon=True)
        self._thread.start()
        self._run(self._begin)
        self._held.enter_context(service.when_draining(lambda: self._soon(self._drain)))

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def close(self) -> None:
        """End every connection, and what is spoken on it."""
        self._held.close()
        self._run(self._finish)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for pool in self._pools:
            pool.shutdown()

    # -- the loop's thread ----------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listener)
        settings = self._service.settings
        host = settings.wyoming_host
        log.info("Wyoming: listening on %s, port %d", host, self._listener.getsockname()[1])
        if settings.asks_for_keys and not is_loopback(host):
            log.warning("Wyoming knows no keys: everyone who reaches %s may speak there without one", host)
        if settings.wyoming_zeroconf:
            await self._announce(settings.wyoming_zeroconf, host)

    async def _announce(self, name: str, host: str) -> None:
        """So that Home Assistant finds it by itself."""
        from wyoming.zeroconf import HomeAssistantZeroconf

        everywhere = ip_address(host).is_unspecified
        try:
            self._announced = HomeAssistantZeroconf(
                self._listener.getsockname()[1], name=name, host=None if everywhere else host
            )
            await self._announced.register_server()
        except Exception:  # a network without multicast, or a name that is taken: the door is open all the same
            log.exception("Wyoming cannot be announced as %s", name)
        else:
            log.info("Wyoming: announced as %s", name)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=65_536)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client = Connection(self._service, reader, writer, self._pools, self._take_turn)
        task = asyncio.current_task()
        assert task is not None
        self._clients[client] = task
        self._make_room()
        try:
            await client.run()
        finally:
            del self._clients[client]

    def _make_room(self) -> None:
        if len(self._clients) > MOST_CLIENTS:
            idle = (client for client in self._clients if client.idle)
            next(idle, next(reversed(self._clients))).hang_up()

    def _drain(self) -> None:
        if self._server:
            self._server.close()
        for client in list(self._clients):
            client.drain()

    async def _finish(self) -> None:
        if self._server:
            self._server.close()
        if self._announced:
            await self._announced._aiozc.async_close()
        for client in list(self._clients):
            client.hang_up()
        if tasks := list(self._clients.values()):
            await asyncio.wait(tasks)

    def _run(self, action: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(action(), self._loop).result()

    def _soon(self, action: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(action)
