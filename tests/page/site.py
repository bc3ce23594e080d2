"""The whole app on a free port, in this process, over any service; the network between can be made worse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from speech.service import SpeechService
from tests.page.browser import WORKLET

StartResponse = Callable[..., Any]


@dataclass
class Site:
    """url: without a slash at the end. cut_after: server-sent events after which the connection is cut; None: never."""

    url: str
    service: SpeechService
    app: Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
    prefix: str = ""  # the path under which a proxy has it
    cut_after: int | None = None
    down: bool = False  # connections are closed without an answer
    status: int | None = None  # of `refused`, instead of what the service says
    refused: str = "/api/tts"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if self.down:
            _hang_up(environ)
            return []
        if path == "/tap/worklet.js":
            start_response("200 OK", [("Content-Type", "text/javascript")])
            return [WORKLET.read_bytes()]
        if self.prefix:
            if not path.startswith(self.prefix):
                start_response("404 Not Found", [("Content-Length", "0")])
                return []
            environ["PATH_INFO"] = path.removeprefix(self.prefix)
        if self.status and path.endswith(self.refused):
            size = ("Content-Length", str(len(self.body)))
            start_response(f"{self.status} Refused", [("Content-Type", "application/json"), size, *self.headers])
            return [self.body]
        body = self.app(environ, start_response)
        return body if self.cut_after is None or not path.endswith("/api/tts") else self._cut(environ, body)

    def _cut(self, environ: dict[str, Any], body: Iterable[bytes]) -> Iterator[bytes]:
        try:
            for count, piece in enumerate(body):
                if self.cut_after is not None and count >= self.cut_after:
                    _hang_up(environ)
                    return
                yield piece
        finally:
            body.close()  # type: ignore[attr-defined]


def _hang_up(environ: dict[str, Any]) -> None:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: the tests look at the page."""

    def handle(self) -> None:
        with suppress(OSError):  # the browser has left, or we have hung up
            super().handle()


@contextmanager
def site(service: SpeechService, prefix: str = "") -> Iterator[Site]:
    with TemporaryDirectory() as folder:
        service.settings = service.settings.model_copy(update={"output_dir": Path(folder)})
        yield from _served(service, prefix)


def _served(service: SpeechService, prefix: str) -> Iterator[Site]:
    app = create_app(service.settings, service)
    made = Site("", service, app, prefix)
    server = make_server("127.0.0.1", 0, made, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}{prefix}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["jobs"].close()
