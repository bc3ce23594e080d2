"""One run of `say`, in this process: what ends it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from assistant.doors import Doors
from cli.buffer import Buffer, Sound
from cli.running import hear
from cli.sinks import Sink
from cli.speaking import Speaking
from speech.errors import Unavailable
from speech.remote.client import ServiceClient
from speech.request import SpeechRequest
from speech.service import SpeechService
from tests import strangers
from tests.waiting import wait_until


class Interrupted(Sink):
    """Ctrl-C is pressed in the first moment without sound after `pressed` was set."""

    def __init__(self, pressed: threading.Event) -> None:
        self._pressed = pressed

    def write(self, sound: Sound) -> None: ...
    def finish(self) -> None: ...
    def abort(self) -> None: ...

    def idle(self) -> None:
        if self._pressed.is_set():
            raise KeyboardInterrupt


def no_own_engine() -> SpeechService:
    raise Unavailable("There is none here.")


def test_ctrl_c_does_not_wait_for_a_service_that_does_not_answer() -> None:
    asked, ended = threading.Event(), threading.Event()

    def talk(client: socket.socket) -> None:
        strangers.read_request(client)
        asked.set()
        ended.wait()

    def run() -> None:
        with suppress(KeyboardInterrupt):
            hear(lambda: speaking.whole("Hello."), speaking, buffer, Interrupted(asked), None)

    with strangers.listening(talk) as url:
        buffer = Buffer()
        doors = Doors(lambda: ServiceClient(url, answer_s=600), no_own_engine, "service")
        speaking = Speaking(doors, SpeechRequest(format="pcm"), buffer)
        waiting = threading.Thread(target=run)
        waiting.start()
        try:
            wait_until(lambda: not waiting.is_alive())
        finally:
            ended.set()
    waiting.join()
