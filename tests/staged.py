"""A service over the stage engine, in this process and over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from app import create_app
from speech.service import SpeechService
from tests.services import make_service
from tests.stage import StageEngine


def staged_service(stage: StageEngine) -> SpeechService:
    """Not loaded yet. The caller closes it."""
    return make_service(lambda _: stage)


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
    status = stage.status()
    return not (status.slots_used or status.queue_depth or service.manager.status().users)
