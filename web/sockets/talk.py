"""A conversation over one WebSocket (Talk): its text to the speech, its audio back, in any protocol (Dialect).

Two threads: the caller's reads the socket, one of the talk's own loads, speaks and writes. Neither polls.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from flask import Response
from wsproto.frame_protocol import CloseReason

from speech.errors import Cancelled, EngineFailed, ErrorCode, InvalidRequest, SpeechError
from speech.opening import Opening
from speech.request import AudioChunk, Piece, Samples, Word
from speech.service import SpeechService
from speech.session import Speech
from speech.settings import Settings
from web.sockets.upgrade import Upgraded
from web.sockets.websocket import EMPTY, Ending, Limits, SocketClosed, WebSocket

log = logging.getLogger("kyutai_tts.socket")

MAX_CHARS = 1_000_000  # one socket's text: some twenty hours of speech
LOOK_S = 0.5  # how often the one who waits is told of a change
CLOSE_S = 5.0  # how long the last messages may take once the reader has ended
_UNUSUAL = frozenset(Ending) - {Ending.CLOSED_BY_US, Ending.CLOSED_BY_CLIENT, Ending.GONE}

Messages = Iterable[str | bytes]
REST_S = 1.0  # a client that sends nothing for so long has what it wrote said


class Dialect(ABC):
    """What a protocol puts on the wire. `hear` is called by the reader, everything else by the writer."""

    @abstractmethod
    def hear(self, message: str | bytes, talk: Talk) -> None:
        """Act on a message from the client. Raises SpeechError for one that makes no sense: it ends the talk."""

    def greeting(self) -> Messages:
        """What comes before anything else. Called before there is a writer."""
        return ()

    @abstractmethod
    def held_back(self) -> list[Piece]:
        """Text that was heard but not said, because it might have gone on. Called by the reader at the end."""

    @abstractmethod
    def rested(self) -> list[Piece]:
        """Whole words that were heard but not said, because more might have changed how they are read. Called by the
        reader when the client has sent nothing for REST_S."""

    @abstractmethod
    def sound(self, samples: Samples) -> Messages:
        """Audio, in the portions that the protocol has."""

    @abstractmethod
    def last_sound(self) -> Messages:
        """The rest of the audio."""

    @abstractmethod
    def word(self, word: Word) -> Messages:
        """A word that was said; both of its times are known."""

    def queued(self, position: int) -> Messages:
        """It waits for a slot; 1: the next to get one. Called again when that changes."""
        return ()

    def done(self) -> Messages:
        """All is said, or no text came."""
        return ()

    def failed(self, error: SpeechError) -> Messages:
        """It ends before all is said."""
        return ()

    def close_code(self, error: SpeechError | None) -> CloseReason | None:
        """None: no close frame, the connection is cut."""
        return EMPTY

    def close(self) -> None:  # noqa: B027 - most have nothing to free
        """Free what is held."""


class Talk:
    """One utterance over one socket. `run` takes until both are over; `say`, `end`, `fail` are the dialect's."""

    def __init__(self, socket: WebSocket, speech: Speech, dialect: Dialect) -> None:
        self.speech = speech
        self._socket, self._dialect = socket, dialect
        self._begun = threading.Event()  # there is something to say, or never will be
        self._said = False
        self._chars = 0
        self._error: SpeechError | None = None

    def run(self) -> None:
        """Read until the end. The speech and the dialect are closed when it returns."""
        writer = threading.Thread(target=self._write, name="talk")
        writer.start()
        try:
            for message in self._socket.messages():
                self._hear(message)
        finally:
            self._reading_ended(self._socket.ending or Ending.GONE)
            writer.join(CLOSE_S)
            if writer.is_alive():
                self._socket.hang_up()
            writer.join()

    # -- text in (the reader's thread) ----------------------------------------------------------------------------

    @property
    def said(self) -> bool:
        """There was text already."""
        return self._said

    def say(self, text: str, pieces: list[Piece]) -> None:
        """Say these pieces of a text. Raises InvalidRequest when it is too much."""
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            raise InvalidRequest(
                f"More than {MAX_CHARS} characters came over one socket.", code=ErrorCode.TEXT_TOO_LONG
            )
        if pieces:
            self._said = True
            self.speech.say(*pieces)
            self._begun.set()

    def end(self) -> None:
        """No more text will come."""
        self.say("", self._dialect.held_back())
        self.speech.end()
        self._begun.set()

    def drain(self) -> None:
        """The service is about to end: finish what was begun, and close at once what was not. Any thread."""
        self._socket.call(self.end)

    def _hear(self, message: str | bytes) -> None:
        if self._error is not None:
            return  # it ends already
        try:
            self._dialect.hear(message, self)
            self._socket.call_later(REST_S, self._rest)
        except SpeechError as error:
            self._error = error
            self._stop()

    def _rest(self) -> None:
        if self._error is None:
            self.say("", self._dialect.rested())

    def _reading_ended(self, ending: Ending) -> None:
        if ending in _UNUSUAL:
            log.info("a socket ends: %s", ending.value)
            self._error = self._error or Cancelled(
                f"The connection ends: {ending.value}.", code=ErrorCode.known(ending.name.lower(), ErrorCode.CANCELLED)
            )
        self._stop()
        if ending.nobody_there:
            self._socket.hang_up()

    def _stop(self) -> None:
        """The slot is free before the engine's next step."""
        self.speech.cancel()
        self._begun.set()

    # -- audio out (the writer's thread) --------------------------------------------------------------------------

    def _write(self) -> None:
        error: SpeechError | None = None
        try:
            with self.speech:
                self._speak()
        except SocketClosed:
            pass
        except SpeechError as exception:
            error = exception
        except Exception:
            log.exception("a talk failed")
            error = EngineFailed("Something went wrong on our side.", code=ErrorCode.INTERNAL_ERROR)
        finally:
            self._dialect.close()
        self._finish(self._error or error)

    def _speak(self) -> None:
        self.speech.preload()
        self._begun.wait()
        if self._said:
            self._wait_for_slot()
            for chunk in self.speech.chunks():
                self._send(self._of_chunk(chunk))
            self._send(self._dialect.last_sound())

    def _wait_for_slot(self) -> None:
        """Until there is audio, with word of the place in the queue. Raises as Speech.start does."""
        told: int | None = None
        with Opening(self.speech) as opening:
            while not opening.wait(LOOK_S):
                position = self.speech.queue_position
                if position is not None and position != told:
                    told = position
                    self._send(self._dialect.queued(position))
            opening.result()

    def _of_chunk(self, chunk: AudioChunk) -> Iterator[str | bytes]:
        """A word's times before the audio of the next word."""
        for word in chunk.words:
            yield from self._dialect.word(word)
        yield from self._dialect.sound(chunk.samples)

    def _finish(self, error: SpeechError | None) -> None:
        """The last messages and the close frame. A client that has left hears neither."""
        if error is not None and not isinstance(error, Cancelled | InvalidRequest):
            log.warning("a talk ended early: %s", error.message)
        with suppress(SocketClosed):
            self._send(self._dialect.done() if error is None else self._dialect.failed(error))
        too_many = self._socket.ending is Ending.TOO_MANY_FRAMES
        code = CloseReason.POLICY_VIOLATION if too_many else self._dialect.close_code(error)
        if code is None:
            self._socket.hang_up()
        else:
            self._socket.close(code)

    def _send(self, messages: Messages) -> None:
        for message in messages:
            self._socket.send(message)


def limits(settings: Settings) -> Limits:
    return Limits(
        ping_s=settings.ping_interval,
        silence_s=settings.silence_timeout,
        longest_s=settings.max_socket_time,
        unread_s=settings.read_timeout,
    )


def converse(service: SpeechService, socket: WebSocket, speech: Speech, dialect: Dialect) -> None:
    """Greet, then talk until the end. The speech and the dialect are closed when it returns."""
    try:
        for message in dialect.greeting():
            socket.send(message)
    except BaseException:
        dialect.close()
        raise
    talk = Talk(socket, speech, dialect)
    with service.when_draining(talk.drain):
        talk.run()


def see_off(socket: WebSocket, messages: Messages, code: CloseReason = EMPTY) -> None:
    """Say these last messages, close, and wait for the client to close as well."""
    with suppress(SocketClosed):
        for message in messages:
            socket.send(message)
    socket.close(code)
    for _ in socket.messages():
        pass


def served(serve: Callable[[], None]) -> Response:
    """What a view returns once its socket is over: an HTTP answer would only be garbage on the connection by then."""
    try:
        serve()
    except SocketClosed:
        pass
    except Exception:
        log.exception("a socket failed")
    return Upgraded()
