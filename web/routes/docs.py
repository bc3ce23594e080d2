"""The OpenAPI 3.1 document, from the models that check requests, and Swagger UI over it: /openapi.json, /apidocs/.

flasgger gathers the operations. Its own page is left out: it is from 2020, knows no OpenAPI 3.1, needs inline scripts
and loads any document that its address names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flasgger import Swagger
from flask import Blueprint, Flask, Response, redirect, send_from_directory
from pydantic.json_schema import models_json_schema
from werkzeug.wrappers import Response as BaseResponse

from speech.service import VERSION
from speech.settings import Settings
from web.http.describe import MODELS, REF, Access, access

STATIC = Path(__file__).parent.parent / "static" / "swagger-ui"
BEARER = "bearer"
ABOUT = (
    "A self-hosted text-to-speech service. Every error has the same shape, and every answer an X-Request-Id. "
    "WebSockets have no place in this document: the API page of the documentation describes them."
)

blueprint = Blueprint("docs", __name__)


@blueprint.get("/apidocs")
@access(Access.OPEN)
def to_page() -> BaseResponse:
    """By a relative address: Flask's own has scheme, host and path, which a proxy may have changed."""
    return redirect("apidocs/", 308)


@blueprint.get("/apidocs/")
@access(Access.OPEN)
def page() -> Response:
    return send_from_directory(STATIC, "index.html")


@blueprint.get("/apidocs/<name>")
@access(Access.OPEN)
def asset(name: str) -> Response:
    return send_from_directory(STATIC, name, max_age=3600)


def init_app(app: Flask, settings: Settings) -> None:
    """Call it after every blueprint is registered."""
    config = {
        "openapi": "3.1.0",
        "headers": [],
        "swagger_ui": False,
        "auth": {},
        "specs": [
            {
                "endpoint": "openapi",
                "route": "/openapi.json",
                "rule_filter": lambda rule: True,
                "model_filter": lambda tag: True,
            }
        ],
    }
    Swagger(app, config=config, template=_template(settings))
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith("flasgger."):
            access(Access.OPEN)(view)  # the document; it holds no secrets


def _template(settings: Settings) -> dict[str, Any]:
    models = sorted(MODELS, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    template: dict[str, Any] = {
        "info": {"title": "Kyutai TTS service", "version": VERSION, "description": ABOUT, "license": {"name": "MIT"}},
        "servers": [{"url": "./", "description": "The server that this page comes from"}],
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer", "description": "One of API_KEYS."}},
        },
    }
    if settings.asks_for_keys:
        template["security"] = [{BEARER: []}]
    return template
