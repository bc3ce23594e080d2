"""How a text will be read: what is said for each word of it, before anything is spoken."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from pydantic import ConfigDict, Field

from speech.request import Pause, SpeechRequest
from speech.text.remarks import Remarks
from web.http.answers import ReadingAnswer
from web.http.auth import caller
from web.http.context import speech_service
from web.http.describe import BODY, Access, operation
from web.http.forms import Name, SomeText, TextWishes, read_form
from web.http.warnings import warnings

blueprint = Blueprint("reading", __name__)


class ReadingQuestion(TextWishes):
    """The body of POST /api/reading."""

    model_config = ConfigDict(
        extra="forbid",
        title="ReadingQuestion",
        json_schema_extra={"examples": [{"text": "It costs $3.50.", "language": "en"}]},
    )

    text: SomeText = Field(description="The text.")
    voice: Name | None = Field(None, description="Id of a voice; unset: the default voice.")


@blueprint.post("/api/reading")
@operation(
    "How a text will be read",
    tag="Speech",
    access=Access.KEY,
    takes=ReadingQuestion,
    gives=ReadingAnswer,
    fails=(*BODY, 404),
)
def reading() -> Response:
    """What is said for each word, without a sound. `start` and `stop` are places in the text, in UTF-16 code units, as
    JavaScript counts; words without `spoken` are not said."""
    form, service = read_form(ReadingQuestion), speech_service()
    service.check_length(form.text)
    asked, remarks = SpeechRequest(**form.model_dump(), caller=caller()), Remarks()
    pieces = service.read(asked, remarks)
    words = [piece for piece in pieces if not isinstance(piece, Pause)]
    return jsonify(
        language=service.manner(asked).spoken_language,
        spoken=" ".join(word.spoken for word in words if word.spoken),
        words=[{"written": w.written, "spoken": w.spoken, "start": w.start, "stop": w.stop} for w in words],
        warnings=warnings(remarks),
    )
