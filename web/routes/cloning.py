"""A voice from a recording: POST /api/voices/clone. The recording is held in memory and nowhere else."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import IO, Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.formparser import FormDataParser

from speech.errors import InvalidRequest
from speech.language import Language
from web.http.answers import ClonedAnswer
from web.http.auth import owner
from web.http.context import speech_service
from web.http.describe import BODY, Access, operation
from web.http.forms import Name, StrictForm, form_of
from web.http.security import body_deadline

blueprint = Blueprint("cloning", __name__)

MAX_RECORDING_BYTES = 16 * 1024 * 1024  # 30 s of stereo at 48 kHz in 24 bits have 9 MB
WHY_CONSENT = (
    "consent: must be true: only the person whose voice it is, or who has that person's permission, may have a voice "
    "made from a recording"
)
RECORDING = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file", "name", "consent"],
            "properties": {
                "file": {
                    "type": "string",
                    "format": "binary",
                    "description": "3 to 30 s of one person: wav, mp3, flac, or opus in Ogg or WebM.",
                },
                "name": {"type": "string", "description": "What the voice will be called."},
                "consent": {
                    "type": "boolean",
                    "enum": [True],
                    "description": "The person who is heard agrees to a voice being made.",
                },
                "language": {"type": "string", "description": "That it will speak; unset: the model's own."},
            },
        }
    }
}


class CloneForm(StrictForm):
    """The fields beside the file."""

    name: Name
    consent: str = ""
    language: Language | None = None


@blueprint.post("/api/voices/clone")
@operation(
    "Make a voice from a recording",
    tag="Lists",
    access=Access.SPEAKS,
    takes=RECORDING,
    gives=ClonedAnswer,
    status=201,
    fails=(*BODY, 429, 500, 501, 503, 507),
)
def clone_voice() -> tuple[Response, int]:
    """Kept is what the model remembers of the voice, never the recording. With keys only the key that made it sees and
    uses it. `warnings` tell what was measured (level, clipping, noise); music and a second speaker are not looked for.
    """
    service = speech_service()
    service.check_cloning()
    recording, fields = _read()
    form = form_of(CloneForm, fields, strict=False)
    if form.consent.strip().lower() != "true":
        raise InvalidRequest(f"{WHY_CONSENT}.", param="consent")
    if recording is None:
        raise InvalidRequest("file: is required.", param="file")
    cloned = service.voices.clone(form.name, recording, owner(), form.language)
    answer = asdict(cloned.voice) | {"seconds": round(cloned.seconds, 2)}
    return jsonify(answer | {"warnings": [asdict(fault) for fault in cloned.faults]}), 201


def _read() -> tuple[bytes | None, dict[str, Any]]:
    """The file's bytes, None if there is none, and the other fields. Werkzeug's own way would put them on a disk."""
    request.max_content_length = MAX_RECORDING_BYTES
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("The body must be multipart/form-data with fields named file, name and consent.")
    parser = FormDataParser(_in_memory, max_form_memory_size=request.max_form_memory_size)
    with body_deadline(speech_service().settings.read_timeout):
        _, fields, files = parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )
    upload = files.get("file")
    return None if upload is None else upload.stream.read(), fields.to_dict()


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    return io.BytesIO()
