"""For a load balancer: does this instance take new speech? And how one announces, from outside, that it soon will not.

Before an instance behind a balancer is stopped, DRAIN_FILE is made: new speech goes elsewhere, what still arrives is
spoken all the same, and no key is needed for it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from flask import Blueprint, Response, jsonify

from speech.service import SpeechService
from web.http.answers import BalancerAnswer
from web.http.context import speech_service
from web.http.describe import Access, operation

blueprint = Blueprint("balancer", __name__)


@blueprint.get("/lb")
@operation(
    "Does it take new speech, for a balancer",
    tag="Operating",
    gives=BalancerAnswer,
    also={404: BalancerAnswer},
    access=Access.OPEN,
)
def lb() -> tuple[Response, int]:
    """200, or 404 while draining, which HAProxy reads as "send nothing new, let the rest end".

    Neither a full instance nor one whose load failed is down: speech waits for the first, and the second tries again at
    the next request, which a balancer that saw it as down would never send.
    """
    draining = leaving(speech_service())
    return jsonify(draining=draining), 404 if draining else 200


def leaving(service: SpeechService) -> bool:
    """Whether the service drains, or was told that it soon will."""
    file = service.settings.drain_file
    return service.draining or (file is not None and file.exists())


def forget_announcement(file: Path | None) -> None:
    """A file left by an earlier life says nothing of this one."""
    if file is not None:
        with contextlib.suppress(OSError):
            file.unlink()
