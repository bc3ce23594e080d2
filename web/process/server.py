"""gunicorn around the app: one worker process that owns the model, a thread for each stream, a clean end.

One worker because one process owns the model; the master keeps the port and starts a new worker when one dies. The
fixed choices are in web/process/gunicorn.conf.py, what depends on the settings is here.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import Application

from gpu_manager import State
from speech.service import DEFAULT_STREAMS, SpeechService
from speech.settings import Settings, SettingsError
from web.http.following import MOST_FOLLOWERS
from web.process.descriptors import connections_within
from web.process.memory import give_memory_back
from web.process.tls import DESCRIPTORS, Certificate

log = logging.getLogger("kyutai_tts.server")

CONFIG = Path(__file__).with_name("gunicorn.conf.py")
ENDING_S = 5.0  # so long streams may take to end after a release that stopped them
LAST_RESORT_S = 10.0
SPARE_THREADS = 32  # for everything that is not a stream: /health must be answered while all streams run


class Server(Application):  # type: ignore[misc]
    """`run` serves until SIGTERM or SIGINT; it ends the process."""

    def __init__(
        self,
        settings: Settings,
        create_app: Callable[..., Flask],
        last_resort_s: float = LAST_RESORT_S,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """last_resort_s: after a broken engine the process has so long to end by itself; then `end` ends it.

        Raises SettingsError if TLS_CERT or TLS_KEY cannot be used, or WYOMING_PORT cannot be had.
        """
        self._settings, self._create_app = settings, create_app
        self._last_resort_s, self._end = last_resort_s, end
        self._worker: Any = None
        self._certificate = Certificate(settings) if settings.tls_cert else None
        self._wyoming = _wyoming_listener(settings)
        self._door: Any = None
        super().__init__()

    def load_config(self) -> None:
        self.load_config_from_file(str(CONFIG))
        streams = (self._settings.max_slots or DEFAULT_STREAMS) + self._settings.max_queue
        self.cfg.set("bind", _address(self._settings))
        self.cfg.set("threads", streams + MOST_FOLLOWERS + SPARE_THREADS)
        each = DESCRIPTORS if self._certificate else 1
        self.cfg.set("worker_connections", connections_within(4 * (streams + SPARE_THREADS), each))
        self.cfg.set("keepalive", self._settings.keep_alive)
        self.cfg.set("graceful_timeout", int(self._settings.drain_timeout))
        self.cfg.set("when_ready", lambda _: log.info("listening on http://%s", _address(self._settings)))
        self.cfg.set("post_worker_init", self._post_worker_init)
        self.cfg.set("worker_exit", self._worker_exit)

    def load(self) -> Flask:
        """In the worker: nothing of the app exists before the fork."""
        self._app = self._create_app(
            self._settings, on_release=self._retire_when_silent, on_broken=self._replace_worker
        )
        return self._app

    # -- the worker's life --------------------------------------------------------------------------------------

    def _post_worker_init(self, worker: Any) -> None:
        """Learn of the drain: /ready, /lb and new speech must know that the worker is about to end."""
        self._worker = worker
        worker.head_timeout_s = self._settings.read_timeout
        if self._certificate:
            worker.use_tls(self._certificate)
        if self._wyoming:
            self._door = self._open_door(self._wyoming)
        signal.signal(signal.SIGTERM, self._drain)
        signal.signal(signal.SIGINT, self._stop_now(signal.getsignal(signal.SIGINT)))

    def _drain(self, _number: int, _frame: FrameType | None) -> None:
        """Answer until the last stream has ended: a balancer whose checks are refused would cut what still speaks."""
        self._service.drain()
        threading.Thread(target=self._stop_when_silent, name="drain", daemon=True).start()

    def _stop_when_silent(self) -> None:
        self._service.wait_until_silent(self._settings.drain_timeout)
        self._worker.handle_exit(signal.SIGTERM, None)

    def _stop_now(self, stop: Any) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            self._service.drain()
            stop(number, frame)

        return handle

    def _worker_exit(self, _server: Any, _worker: Any) -> None:
        """The engine's threads must be joined: torch aborts the process if it ends under one."""
        if self._door:
            self._door.close()
        if hasattr(self, "_app"):
            self._service.close()

    def _open_door(self, listener: socket.socket) -> Any:
        """To Home Assistant, beside HTTP. Its listener is the master's, as that of HTTP is."""
        from web.wyoming.door import Door

        buckets = self._app.extensions["buckets"]
        return Door(self._service, listener, buckets.take if buckets else lambda _: None)

    def _retire_when_silent(self) -> None:
        """After a release: by the timer none speaks; by hand streams may be ending, and its answer is to be sent."""
        threading.Thread(target=self._after_release, name="retire", daemon=True).start()

    def _after_release(self) -> None:
        """Objects that hold each other may hold the engine too; Python would collect them much later."""
        gc.collect()
        give_memory_back()
        self._retire_if_cuda()

    def _retire_if_cuda(self) -> None:
        """A process that has used CUDA keeps some hundred MB of GPU memory until it ends.

        No request is refused meanwhile: one that comes now waits for the next worker, or is still served by this one.
        A silent WebSocket keeps it; it will retire after a later release.
        """
        used_cuda = self._service.choice.spec.needs_cuda and self._service.choice.gpu is not None
        silent = self._service.wait_until_silent(ENDING_S)
        released = self._service.manager.status().state is State.UNLOADED  # no request has come meanwhile
        if self._settings.retire_worker and used_cuda and silent and released:
            log.info("the GPU was released; this worker retires so that its CUDA context goes too")
            self._worker.handle_exit(signal.SIGTERM, None)

    def _replace_worker(self) -> None:
        """The engine is broken: end this worker once its streams have ended; the master starts another.

        If the GPU hangs, so does a thread of this process, and it would never end by itself.
        """
        self._service.drain()
        last_resort = threading.Timer(self._last_resort_s, self._end, [1])
        last_resort.daemon = True
        last_resort.start()
        self._worker.handle_exit(signal.SIGTERM, None)

    @property
    def _service(self) -> SpeechService:
        service: SpeechService = self._app.extensions["speech_service"]
        return service


def _wyoming_listener(settings: Settings) -> socket.socket | None:
    if not settings.wyoming_port:
        return None
    try:
        from web.wyoming.door import listening
    except ModuleNotFoundError:
        raise SettingsError("WYOMING_PORT needs the packages of requirements/wyoming.txt") from None
    return listening(settings)


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"
