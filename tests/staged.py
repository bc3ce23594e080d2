"""A service over the stage engine, in this process and over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from app import create_app
from gpu_manager import GPUManager
from speech.selection import choose_engine
from speech.service import SpeechService
from speech.settings import Settings
from tests.stage import StageEngine

_POLL_S = 0.01


def staged_service(stage: StageEngine) -> SpeechService:
    """Not loaded yet. The caller closes it."""
    settings = Settings(engine="hibari", gpu_idle_timeout=-1)
    manager = GPUManager()
    manager.configure(lambda _: stage, -1)
    choice = choose_engine(settings, [])
    return SpeechService(settings, choice, choice.spec.catalogue(settings), manager)


@contextmanager
def serving(service: SpeechService, port: int = 0) -> Iterator[str]:
    """The service over HTTP on a thread of this process; its address."""
    server = make_server("127.0.0.1", port, create_app(service.settings, service), threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def nothing_is_held(service: SpeechService, stage: StageEngine) -> bool:
    return not (stage.scheduler.seated or stage.scheduler.queue_depth or service.manager.status().users)


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """For what another thread does without telling."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(_POLL_S)
