"""What an endpoint needs from the running app, with its type."""

from __future__ import annotations

from typing import cast

from flask import current_app

from speech.jobs.jobs import Jobs
from speech.service import SpeechService
from web.http.bodies import BodyReaders
from web.http.clients import ClientWatch


def speech_service() -> SpeechService:
    return cast(SpeechService, current_app.extensions["speech_service"])


def jobs() -> Jobs:
    return cast(Jobs, current_app.extensions["jobs"])


def client_watch() -> ClientWatch:
    return cast(ClientWatch, current_app.extensions["client_watch"])


def body_readers() -> BodyReaders:
    return cast(BodyReaders, current_app.extensions["body_readers"])
