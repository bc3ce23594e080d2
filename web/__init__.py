"""Speaking HTTP. No torch and no engine in here: everything goes through SpeechService.

A new endpoint is a file beside this with a `blueprint`, and a row in BLUEPRINTS.
"""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_cors import CORS

from speech.jobs.jobs import Jobs
from speech.service import SpeechService
from web.http import auth, dates, errors, following, origins, paths, proxies, requests, security
from web.http.bodies import BodyReaders
from web.http.clients import ClientWatch
from web.http.finished import MB, Finished
from web.http.recordings import Recordings
from web.routes import (
    addresses,
    balancer,
    cloning,
    convert,
    job_parts,
    jobs,
    openai,
    ops,
    pages,
    passages,
    reading,
    voices,
)
from web.routes import docs as openapi
from web.routes import speech as api
from web.sockets import json as live
from web.sockets import moshi as streaming

BLUEPRINTS: tuple[Blueprint, ...] = (
    pages.blueprint,
    api.blueprint,
    addresses.blueprint,
    openai.blueprint,
    jobs.blueprint,
    job_parts.blueprint,
    passages.blueprint,
    convert.blueprint,
    streaming.blueprint,
    live.blueprint,
    openapi.blueprint,
    balancer.blueprint,
    ops.blueprint,
    voices.blueprint,
    cloning.blueprint,
    reading.blueprint,
)

EXPOSED_HEADERS = [
    "Retry-After",
    "X-Audio-Duration",
    "X-Cache",
    "X-Engine",
    "X-Ignored",
    "X-Queue-Depth",
    "X-Request-Id",
    "X-Sample-Rate",
    "X-Silence",
    "X-Warnings",
    "X-Voice",
]


def init_app(app: Flask, service: SpeechService) -> None:
    """Give the app its endpoints, its errors and its request ids."""
    app.extensions["speech_service"] = service
    app.extensions["jobs"] = Jobs(service)
    app.extensions[following.KEY] = following.places()
    app.extensions["client_watch"] = ClientWatch(service.settings.read_timeout)
    app.extensions["body_readers"] = BodyReaders()
    settings = service.settings
    app.extensions["recordings"] = Recordings(settings.address_keep_s, settings.address_keep_mb * 1_000_000)
    app.extensions["finished"] = Finished(settings.cache_mb * MB)
    app.config["MAX_CONTENT_LENGTH"] = service.settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = service.settings.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    if service.settings.cors_origins:
        CORS(
            app,
            origins=list(service.settings.cors_origins),
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
            allow_private_network=True,
        )
    merged = paths.Merged(app.wsgi_app)
    app.wsgi_app = proxies.RealClient(merged, settings.trusted_proxies)  # type: ignore[method-assign]
    dates.init_app(app)
    requests.init_app(app)
    origins.init_app(app, service.settings)
    auth.init_app(app, service.settings)
    security.init_app(app)
    errors.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    openapi.init_app(app, service.settings)
    app.extensions["jobs"].resume()
