"""Who may ask, and how often. Without API_KEYS and API_KEYS_FILE no key is needed.

What an endpoint needs it says itself (Access).

A key comes in `Authorization: Bearer KEY` or `kyutai-api-key: KEY`. A WebSocket may bring it in its address, as
`auth_id`, because a browser can give it no headers; nothing else may, since addresses end up in logs.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from flask import Flask, Response, abort, current_app, g, jsonify, request

from speech.errors import ErrorCode
from speech.settings import Settings
from web.http.describe import Access, access_of
from web.http.errors import body
from web.http.keys import Keys
from web.http.links import SIGNATURE, signer_of

log = logging.getLogger("kyutai_tts.auth")


class Buckets:
    """A token bucket for each caller: so many requests at once, so many a minute."""

    MOST_CALLERS = 10_000  # more are not remembered; the fullest are forgotten first, which changes nothing for them

    def __init__(self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_minute / 60, burst, clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # caller -> tokens, and when that was so

    def take(self, caller: str) -> float | None:
        """None: go on. Otherwise, in how many seconds the next request will be taken."""
        with self._lock:
            now = self._clock()
            tokens = self._tokens(caller, now)
            if tokens < 1:
                return (1 - tokens) / self._per_s
            if len(self._left) >= self.MOST_CALLERS:
                self._forget(now)
            self._left[caller] = (tokens - 1, now)
            return None

    def _tokens(self, caller: str, now: float) -> float:
        tokens, since = self._left.get(caller, (float(self._burst), now))
        return min(float(self._burst), tokens + (now - since) * self._per_s)

    def _forget(self, now: float) -> None:
        fullest = sorted(self._left, key=lambda caller: self._tokens(caller, now), reverse=True)
        for caller in fullest[: self.MOST_CALLERS // 2]:
            del self._left[caller]


def init_app(app: Flask, settings: Settings) -> None:
    keys = Keys(settings)
    buckets = Buckets(settings.rate_limit, settings.rate_burst) if settings.rate_limit else None

    app.extensions["buckets"], app.extensions["keys"] = buckets, keys

    @app.before_request
    def check() -> Response | None:
        if keys.needed and not is_open(settings) and not _is_signed(keys) and (refusal := _check_key(keys)):
            return refusal
        g.owner = keys.name_of(given_key() or "")
        g.insider = not keys.needed or g.owner is not None
        if buckets and _speaks():
            return _check_rate(buckets)
        return None


def take_turn() -> None:
    """Count this request against RATE_LIMIT, where the endpoint is the one to know that it speaks.

    Raises an HTTPException with the answer if it must wait.
    """
    buckets = current_app.extensions["buckets"]
    if buckets and (refusal := _check_rate(buckets)):
        abort(refusal)


def _is_signed(keys: Keys) -> bool:
    """It is asked at an address that one of the keys has signed; the key's name is then the caller."""
    if _access() is not Access.ADDRESS or SIGNATURE not in request.args:
        return False
    g.key_name = signer_of(request.path, request.args.to_dict(), keys.digests())
    return g.key_name is not None


def _speaks() -> bool:
    return request.method != "OPTIONS" and _access() is Access.SPEAKS


def is_open(settings: Settings) -> bool:
    """True if this request needs no key. An unknown address needs none: it is answered with 404."""
    if request.method == "OPTIONS":  # a browser's question, which carries no key
        return True
    asked = _access()
    return asked is Access.OPEN or (asked is Access.LISTS and settings.public_lists)


def _access() -> Access:
    endpoint = request.endpoint
    return Access.OPEN if endpoint is None else access_of(current_app.view_functions[endpoint])


def caller() -> str:
    """Whose request it is, for limits and for fair shares: the name of its key, else the client's address."""
    return str(g.get("key_name") or request.remote_addr or "-")


def owner() -> str:
    """Whose voices made from recordings these are: the name of the key, also where none is needed; else empty."""
    return str(g.get("key_name") or g.get("owner") or "")


def insider() -> bool:
    """Whether the one who asks an open endpoint has a key, or none is needed for the others either."""
    return bool(g.get("insider"))


def given_key() -> str | None:
    """The key in one of the places where it may be."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if key := request.headers.get("kyutai-api-key", "").strip():
        return key
    if _is_upgrade():
        return request.args.get("auth_id") or None
    return None


def _is_upgrade() -> bool:
    """True if the request is for a WebSocket's endpoint. Werkzeug matches its rule only to `Connection: Upgrade`,
    `Upgrade: websocket`; the headers alone, at any other endpoint, prove nothing.
    """
    return request.url_rule is not None and bool(request.url_rule.websocket)


def _check_key(keys: Keys) -> Response | None:
    key = given_key()
    if key is None:
        return _unauthorized("This service needs a key: Authorization: Bearer KEY.", ErrorCode.MISSING_API_KEY)
    g.key_name = keys.name_of(key)
    if g.key_name is None:
        return _unauthorized("The key is not a known one.", ErrorCode.INVALID_API_KEY, ', error="invalid_token"')
    return None


def _unauthorized(message: str, code: ErrorCode, reason: str = "") -> Response:
    response = jsonify(body(message, 401, code=code))
    response.status_code = 401
    response.headers["WWW-Authenticate"] = f'Bearer realm="kyutai-tts"{reason}'
    return response


def _check_rate(buckets: Buckets) -> Response | None:
    wait_s = buckets.take(caller())
    if wait_s is None:
        return None
    response = jsonify(body("Too many requests from you; please wait a little.", 429, code=ErrorCode.RATE_LIMITED))
    response.status_code = 429
    response.headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
    return response
