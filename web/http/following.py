"""Answers that last as long as a job does (follow): each keeps a thread, so there may be only so many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

from flask import Response, current_app, request
from werkzeug.exceptions import TooManyRequests

from speech.jobs.follow import Gone
from web.http.audio import Sent
from web.http.clients import client_socket
from web.http.context import client_watch, jobs

MOST_FOLLOWERS = 32  # the server has a thread for each (process/server.py)
RETRY_AFTER_S = 5
KEY = "job_followers"


def follow(begin: Callable[[Gone], Iterator[bytes] | None], media_type: str) -> Response | None:
    """begin: is given what tells whether the client has left, and gives what is sent; None: there is nothing to follow.

    Raises TooManyRequests, and what `begin` raises.
    """
    gone = threading.Event()
    held = ExitStack()
    try:
        data = begin(gone.is_set)
        if data is None:
            return None
        _take_place(held)
        held.callback(_close, data)

        def leave() -> None:
            gone.set()
            work.look_again()

        work = jobs()
        client = held.enter_context(client_watch().watch(client_socket(request.environ), leave))
        headers = {"Content-Type": media_type, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Response(Sent(data, client, held), headers=headers)
    except BaseException:
        held.close()
        raise


def places() -> threading.BoundedSemaphore:
    """For the app's extensions."""
    return threading.BoundedSemaphore(MOST_FOLLOWERS)


def _take_place(held: ExitStack) -> None:
    free: threading.BoundedSemaphore = current_app.extensions[KEY]
    if not free.acquire(blocking=False):
        raise TooManyRequests(f"As many clients follow jobs as may ({MOST_FOLLOWERS}).", retry_after=RETRY_AFTER_S)
    held.callback(free.release)


def _close(data: Iterator[bytes]) -> None:
    if isinstance(data, Generator):
        data.close()
