"""Paths as clients write them: a base URL that ends in a slash makes `//v1/audio/speech`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Merged:
    """WSGI middleware: several slashes in a row count as one, and no path at all as "/".

    Flask would redirect to an absolute address, made of the request's Host. That loses the
    path that a proxy serves us under, and a POST with it, and a stranger could have named the host.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = re.sub("/{2,}", "/", environ.get("PATH_INFO", "")) or "/"
        return self._app(environ, start_response)
