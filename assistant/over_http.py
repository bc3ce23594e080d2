"""The same server over streamable HTTP, for clients on other machines. Off unless asked for; never without a token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/mcp"


class TokenRequired:
    """ASGI middleware: 401 for requests without `Authorization: Bearer TOKEN`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(scope):
            from starlette.responses import JSONResponse

            refusal = JSONResponse({"error": "a token is required"}, 401, {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        sent = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(sent, self._expected)


def http_app(server: MCPServer, host: str, token: str) -> ASGIApp:
    """The ASGI app. On a loopback address only requests for that machine's own names are answered (DNS rebinding)."""
    return TokenRequired(server.streamable_http_app(host=host, streamable_http_path=PATH), token)


def serve(server: MCPServer, host: str, port: int, token: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    import uvicorn

    uvicorn.run(http_app(server, host, token), host=host, port=port, log_level="warning")
