"""One client of the Wyoming protocol: its events in, and what they ask for. Lives on the door's loop."""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from speech.errors import Cancelled, ErrorCode, InvalidRequest, QueueFull, SpeechError
from speech.request import SpeechRequest
from speech.service import SpeechService
from web.wyoming.info import info
from web.wyoming.job import ComingText, Job, WholeText, request_for

log = logging.getLogger("kyutai_tts.wyoming")

MOST_EVENT_BYTES = 1_048_576  # of an event's data, and of its payload, which is read and left aside
MOST_JOBS = 8  # texts of one client that wait for each other
REST_S = 1.0  # a client that sends nothing for so long has what it wrote said
MOST_REST_S = 120.0  # between two pieces of a text; an assistant may think for long
SEEN_OFF_S = 5.0

TakeTurn = Callable[[str], float | None]
T = TypeVar("T")


class Pools(NamedTuple):
    """Threads beside the loop. Voices are looked up there too: their list may have to come from the hub."""

    speaking: Executor
    asking: Executor


class Bounded:
    """A reader for the library, which would read as many bytes as a client says. ValueError ends the connection."""

    def __init__(self, reader: StreamReader) -> None:
        self.readline = reader.readline  # refuses more than the reader's limit
        self._readexactly = reader.readexactly

    async def readexactly(self, size: int) -> bytes:
        if not 0 <= size <= MOST_EVENT_BYTES:
            raise ValueError("too long")
        return await self._readexactly(size)


class Connection:
    """From accept to close. Texts are spoken in the order in which they came, one at a time."""

    def __init__(
        self, service: SpeechService, reader: StreamReader, writer: StreamWriter, pools: Pools, take_turn: TakeTurn
    ) -> None:
        """take_turn(caller): None, or in how many seconds the caller may ask again."""
        self._service, self._reader, self._writer, self._pools = service, reader, writer, pools
        self._take_turn = take_turn
        self._loop = asyncio.get_running_loop()
        self._caller = str((writer.get_extra_info("peername") or ("-",))[0])
        self._tasks: dict[asyncio.Task[None], Job] = {}
        self._coming: ComingText | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._draining = False

    @property
    def idle(self) -> bool:
        return not self._tasks

    async def run(self) -> None:
        """Until the client goes, or sends what makes no sense."""
        try:
            while (event := await self._next()) is not None:
                try:
                    await self._handle(event)
                except SpeechError as error:
                    await self._write(Error(text=error.message, code=str(error.code)).event())
                    break
        except (OSError, TimeoutError):
            pass
        finally:
            await self._end()

    def hang_up(self) -> None:
        """What was written may still be read, for a while."""
        self._writer.close()
        self._loop.call_later(SEEN_OFF_S, self._writer.transport.abort)

    def drain(self) -> None:
        """Finish what was begun, and take nothing new."""
        self._draining = True
        if self._coming:
            with suppress(SpeechError):
                self._coming.end()
        if self.idle:
            self.hang_up()

    # -- inside -------------------------------------------------------------------------------------------------

    async def _next(self) -> Event | None:
        """None: there will be none that can be read."""
        try:
            return await async_read_event(Bounded(self._reader))  # type: ignore[arg-type]
        except (asyncio.IncompleteReadError, TypeError, AttributeError, KeyError):
            return None

    async def _handle(self, event: Event) -> None:
        """What is not for us is left aside, as the protocol wants it. Raises SpeechError, which ends the connection."""
        try:
            if Describe.is_type(event.type):
                await self._write((await self._aside(lambda: info(self._service))).event())
            elif Ping.is_type(event.type):
                await self._write(Pong(text=event.data.get("text")).event())
            elif Synthesize.is_type(event.type):
                await self._whole(Synthesize.from_event(event))
            elif SynthesizeStart.is_type(event.type):
                await self._start(SynthesizeStart.from_event(event))
            elif SynthesizeChunk.is_type(event.type):
                self._more(SynthesizeChunk.from_event(event))
            elif SynthesizeStop.is_type(event.type):
                self._stop()
        except (KeyError, TypeError, AttributeError):
            raise InvalidRequest(f"The event {event.type!r} is not well formed.", code=ErrorCode.BAD_MESSAGE) from None

    async def _whole(self, asked: Synthesize) -> None:
        """Within a text that comes in pieces the whole is repeated, for servers that know no pieces."""
        if self._coming is None:
            self._admit()
            self._begin(WholeText(self._service, await self._aside(lambda: self._request(asked.text, asked.voice))))

    async def _start(self, asked: SynthesizeStart) -> None:
        if self._coming is not None:
            raise InvalidRequest("synthesize-start came twice.", code=ErrorCode.BAD_MESSAGE)
        self._admit()
        ready = asyncio.Event()
        self._coming = await self._aside(lambda: ComingText(self._service, self._request("", asked.voice), ready.set))
        self._begin(self._coming, ready)
        self._rest_later(self._coming)
        if self._draining:
            self._stop()

    def _more(self, asked: SynthesizeChunk) -> None:
        if self._coming is None:
            raise InvalidRequest("synthesize-chunk came before synthesize-start.", code=ErrorCode.BAD_MESSAGE)
        self._coming.feed(_text(asked.text))
        self._rest_later(self._coming)

    def _stop(self) -> None:
        if self._coming is not None:
            coming, self._coming = self._coming, None
            coming.end()

    def _rest_later(self, coming: ComingText) -> None:
        if self._rest:
            self._rest.cancel()
        self._rest = self._loop.call_later(REST_S, self._rested, coming)

    def _rested(self, coming: ComingText) -> None:
        coming.rested()
        self._rest = self._loop.call_later(MOST_REST_S, self._forgotten, coming)

    def _forgotten(self, coming: ComingText) -> None:
        """It keeps a place that others wait for."""
        if coming is self._coming:
            log.info("a client sent no more of its text for %g s and was disconnected", MOST_REST_S)
            self.hang_up()

    def _admit(self) -> None:
        """Raises QueueFull for a caller that asks too often."""
        wait_s = self._take_turn(self._caller)
        if wait_s is not None:
            raise QueueFull("Too many requests from you; please wait a little.", retry_after_s=wait_s)
        if len(self._tasks) >= MOST_JOBS:
            raise QueueFull(f"At most {MOST_JOBS} texts of one connection may wait.", retry_after_s=1)

    def _request(self, text: str, voice: SynthesizeVoice | None) -> SpeechRequest:
        return request_for(self._service, _text(text), voice, self._caller)

    async def _aside(self, ask: Callable[[], T]) -> T:
        """What may wait for the network; the loop serves the other clients meanwhile."""
        return await self._loop.run_in_executor(self._pools.asking, ask)

    def _begin(self, job: Job, ready: asyncio.Event | None = None) -> None:
        task = self._loop.create_task(self._perform(job, list(self._tasks), ready))
        self._tasks[task] = job
        task.add_done_callback(self._performed)

    async def _perform(self, job: Job, before: list[asyncio.Task[None]], ready: asyncio.Event | None) -> None:
        if ready:
            await ready.wait()
        if before:
            await asyncio.wait(before)
        if not await self._loop.run_in_executor(self._pools.speaking, job.speak, self._send):
            self.hang_up()

    def _performed(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("a client's text could not be spoken", exc_info=error)
        if self._draining and self.idle:
            self.hang_up()

    async def _write(self, event: Event) -> None:
        """Raises OSError when the client is gone, TimeoutError when it does not read."""
        try:
            async with asyncio.timeout(self._service.settings.read_timeout):
                await async_write_event(event, self._writer)
        except TimeoutError:
            log.info("a client left its audio unread and was disconnected")
            self._writer.transport.abort()
            raise

    def _send(self, event: Event) -> None:
        """For the threads that speak: returns when the client has room for more. Raises Cancelled when it is gone."""
        try:
            asyncio.run_coroutine_threadsafe(self._write(event), self._loop).result()
        except (OSError, TimeoutError, CancelledError):
            raise Cancelled("The client has left.") from None

    async def _end(self) -> None:
        """The slots are free before the engine's next step."""
        if self._rest:
            self._rest.cancel()
        for job in self._tasks.values():
            job.cancel()
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(SEEN_OFF_S):
                await self._writer.wait_closed()
        self._writer.transport.abort()
        if self._tasks:
            await asyncio.wait(list(self._tasks))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("text must be a string.", param="text", code=ErrorCode.BAD_MESSAGE)
    return value
