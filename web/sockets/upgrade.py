"""A request that asks for a WebSocket (Upgrade), and what is returned once it is over. Knows no frame.

flask-sock was tried and left (docs/decisions/websockets.md): there a socket is accepted before a view can refuse it
with a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Response
from werkzeug.exceptions import BadRequest, HTTPException
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request
from wsproto.utilities import RemoteProtocolError

from web.http.clients import client_socket
from web.sockets.websocket import Limits, SocketClosed, WebSocket


class UpgradeRequired(HTTPException):
    """A version of the WebSocket protocol other than 13."""

    code = 426


class Upgrade:
    """A request for a WebSocket, not yet answered: the endpoint may still refuse it with a status."""

    def __init__(self, environ: dict[str, Any]) -> None:
        """Raises BadRequest or UpgradeRequired if the request's headers do not ask for a WebSocket."""
        sock = client_socket(environ)
        if sock is None:
            raise BadRequest("This server does not speak WebSocket.")
        self._sock = sock
        self._connection = WSConnection(ConnectionType.SERVER)
        try:
            self._connection.initiate_upgrade_connection(_headers(environ), "/")
            (asked,) = self._connection.events()
        except RemoteProtocolError as error:
            if getattr(error.event_hint, "status_code", 400) == UpgradeRequired.code:
                raise UpgradeRequired(str(error)) from None
            raise BadRequest(str(error)) from None
        except UnicodeDecodeError:
            raise BadRequest("A header of the upgrade has other characters than ASCII.") from None
        assert isinstance(asked, Request)

    def accept(self, limits: Limits, headers: Mapping[str, str] = MappingProxyType({})) -> WebSocket:
        """Answer 101, with these headers beside the protocol's own. Raises SocketClosed."""
        extra = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        try:
            self._sock.sendall(self._connection.send(AcceptConnection(extra_headers=extra)))
        except OSError:
            raise SocketClosed from None
        return WebSocket(self._sock, self._connection, limits)


def _headers(environ: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return [
        (name[5:].replace("_", "-").encode("latin-1"), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]


class Upgraded(Response):
    """What a view returns when its WebSocket is over: nothing more is written."""

    def __init__(self) -> None:
        super().__init__(status=101)

    def __call__(self, *_: Any) -> Any:
        raise StopIteration  # gunicorn's own word for: close the connection, no response
