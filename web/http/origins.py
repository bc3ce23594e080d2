"""Which pages may have a browser act here. Programs that are no browser send neither header and pass.

A page of another site can post a form to any address that the browser reaches, a machine's own included; CORS keeps it
from reading the answer and not from sending. Browsers say where a request comes from: `Sec-Fetch-Site` and `Origin`.
And a name that a stranger points at this machine (DNS rebinding) makes his page "same-origin": `Host` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from flask import Flask, Response, current_app, jsonify, request

from speech.errors import ErrorCode
from speech.settings import Settings
from web.http.describe import Access, access_of
from web.http.errors import body

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN_SITES = frozenset({"cross-site", "same-site"})  # same-site: another name or port of the same domain
LOOPBACK_NAME = "localhost"
PROBED = frozenset({"/health", "/ready", "/lb"})  # a cluster's probes come by address, not by name


def init_app(app: Flask, settings: Settings) -> None:
    hosts = allowed_hosts(settings)

    @app.before_request
    def check() -> Response | None:
        if hosts is not None and request.path not in PROBED and not _is_allowed_host(hosts):
            return _refusal(
                "This Host is not served here; ALLOWED_HOSTS names those that are.", ErrorCode.HOST_NOT_ALLOWED
            )
        if _acts() and comes_from_stranger(settings.cors_origins):
            return _refusal(
                "Pages of this origin may not do this; CORS_ORIGINS names those that may.", ErrorCode.FOREIGN_ORIGIN
            )
        return None


def allowed_hosts(settings: Settings) -> frozenset[str] | None:
    """Names that requests may give as Host, lower case, without a port; None: any.

    Unset and bound to loopback, only loopback's own names are taken.
    """
    if settings.allowed_hosts:
        return None if "*" in settings.allowed_hosts else frozenset(map(str.lower, settings.allowed_hosts))
    return frozenset({LOOPBACK_NAME}) if _is_loopback(settings.host) else None


def comes_from_stranger(origins: Sequence[str]) -> bool:
    """A browser says that a page of another origin sends this, and CORS_ORIGINS does not name it."""
    origin = request.headers.get("Origin")
    if origin is None and _asks_for_speech():  # <audio> sends none
        origin = _origin_of(request.referrer) or ("*" if "*" in origins else None)
    if origin is not None and (origin in origins or "*" in origins):
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in FOREIGN_SITES
    return origin is not None and _split(origin).netloc.lower() not in _our_names()


def _split(address: str) -> SplitResult:
    """Its parts; all of them empty for what is no address, such as `http://[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _origin_of(page: str | None) -> str | None:
    parts = _split(page or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None


def _our_names() -> set[str]:
    """The address that the page has, also behind a proxy that changes Host. A page of another site cannot add
    X-Forwarded-Host to a form, and to a fetch only after a preflight, which CORS refuses."""
    return {name.lower() for name in (request.host, request.headers.get("X-Forwarded-Host")) if name}


def _acts() -> bool:
    """It changes something, or costs something: any method but the safe ones, and every WebSocket."""
    if _asks_for_speech():
        return True
    return request.method not in SAFE_METHODS or request.headers.get("Upgrade", "").lower() == "websocket"


def _asks_for_speech() -> bool:
    """GET, where that speaks."""
    view = current_app.view_functions.get(request.endpoint or "")
    return request.method in ("GET", "HEAD") and view is not None and access_of(view) is Access.ADDRESS


def _is_allowed_host(hosts: frozenset[str]) -> bool:
    name = _split(f"//{request.host}").hostname or ""
    return name in hosts or (LOOPBACK_NAME in hosts and (name.endswith(f".{LOOPBACK_NAME}") or _is_loopback(name)))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == LOOPBACK_NAME


def _refusal(message: str, code: ErrorCode) -> Response:
    response = jsonify(body(message, 403, code=code))
    response.status_code = 403
    return response
