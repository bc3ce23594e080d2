"""Voices: the list, adding one from an embedding file, removing one. Making one from a recording: cloning.py."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from speech.errors import InvalidRequest, VoiceNotFound
from web.http.answers import VoiceAnswer, VoicesAnswer
from web.http.auth import owner
from web.http.context import speech_service
from web.http.describe import BODY, Access, operation, path_parameter
from web.http.security import body_deadline
from web.routes.pages import kept

blueprint = Blueprint("voices", __name__)

# An embedding has a quarter of a megabyte. A recording is larger, and its sender shall hear why it cannot be used.
MAX_UPLOAD_BYTES = 32 * 1024 * 1024
UPLOAD = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary", "description": "A voice embedding (.safetensors)."},
                "name": {"type": "string", "description": "What it will be called; unset: the file's own name."},
            },
        }
    }
}


@blueprint.get("/api/voices")
@operation("Voices", tag="Lists", access=Access.LISTS, gives=VoicesAnswer)
def voices() -> Response:
    """Every voice that a request may name, and the default; null where DEFAULT_VOICE names none of them."""
    catalogue = speech_service().voices_of(owner())
    listed, default = catalogue.voices(), None
    if listed:
        with suppress(VoiceNotFound):
            default = catalogue.default.id
    return kept(jsonify(voices=[asdict(voice) for voice in listed], default=default))  # 700 of them are 130 KB


@blueprint.post("/api/voices")
@operation(
    "Add a voice",
    tag="Lists",
    access=Access.KEY,
    takes=UPLOAD,
    gives=VoiceAnswer,
    status=201,
    fails=(*BODY, 409, 501, 503, 507),
)
def add_voice() -> tuple[Response, int]:
    """A new voice from the multipart field `file`; `name` is what it will be called, the file's own name if unset."""
    request.max_content_length = MAX_UPLOAD_BYTES
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("The body must be multipart/form-data with a field named file.")
    with body_deadline(speech_service().settings.read_timeout):
        upload = request.files.get("file")
    if upload is None:
        raise InvalidRequest("file: is required.", param="file")
    with upload.stream:
        name = request.form.get("name") or (upload.filename or "").removesuffix(".safetensors")
        if not name:
            raise InvalidRequest("name: is required.", param="name")
        voice = speech_service().voices.add(name, upload.stream.read())
    return jsonify(asdict(voice)), 201


@blueprint.delete("/api/voices/<path:voice_id>")
@operation(
    "Remove a voice",
    tag="Lists",
    access=Access.KEY,
    gives={},
    status=204,
    fails=(400, 404, 501, 503),
    parameters=[path_parameter("voice_id", "Id of a voice that was made from a recording.", "mum-3f9a1c07")],
)
def delete_voice(voice_id: str) -> tuple[str, int]:
    """One that was made from a recording, by its maker."""
    speech_service().voices.delete(voice_id, owner())
    return "", 204
