"""JSON or form fields -> SpeechRequest. Bad input raises InvalidRequest that names the field and what is allowed."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote_to_bytes

from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from speech.encoders import ENCODERS, RATES
from speech.errors import ErrorCode, InvalidRequest
from speech.language import Language
from speech.request import SPEEDS, SpeechRequest, Turn
from speech.text.lexicon import MAX_CHARS, MAX_ENTRIES, MAX_WORDS
from web.http.auth import caller
from web.http.context import speech_service
from web.http.describe import FORM_TYPES
from web.http.explain import explain
from web.http.security import body_deadline

Form = TypeVar("Form", bound=BaseModel)


def _sayable(text: str) -> str:
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("must be Unicode text without NUL bytes and lone surrogates")
    return text


def known_format(name: str) -> str:
    if name not in ENCODERS:
        raise ValueError(f"must be one of {', '.join(ENCODERS)}")
    return name


def _whole(number: Any) -> Any:
    """In JSON 4.0 is an integer as much as 4 is."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Bitrate = Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)]
TopK = Annotated[int, Field(ge=1, le=2048), BeforeValidator(_whole)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1), BeforeValidator(_whole)]
Text = Annotated[str, AfterValidator(_sayable)]
SomeText = Annotated[str, Field(min_length=1), AfterValidator(_sayable)]
Name = Annotated[str, Field(max_length=300), AfterValidator(_sayable)]
Format = Annotated[str, AfterValidator(known_format), Field(json_schema_extra={"enum": list(ENCODERS)})]
SampleRate = Annotated[int, Field(ge=RATES[0], le=RATES[-1]), BeforeValidator(_whole)]
ABOUT_RATE = "Hz, for wav and pcm: 8000, 16000, 24000, 44100 or 48000; unset: the engine's own. mulaw, alaw: 8000."


def _entries(given: Any) -> Any:
    """A form has no objects: there it is JSON in text."""
    if not isinstance(given, str):
        return given
    try:
        return _read_json(given)
    except ValueError:
        raise ValueError("must be a JSON object of words and what is said for them") from None


def _read_json(text: str) -> Any:
    """Raises ValueError, also for NaN, Infinity and a text that is nested too deeply."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _phrase(words: str) -> str:
    if not 1 <= len(words.split()) <= MAX_WORDS:
        raise ValueError(f"must be 1 to {MAX_WORDS} words")
    return words


def _something(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Phrase = Annotated[Text, Field(max_length=MAX_CHARS), AfterValidator(_phrase)]
Respelling = Annotated[Text, Field(max_length=MAX_CHARS), AfterValidator(_something)]
Respellings = Annotated[dict[Phrase, Respelling], Field(max_length=MAX_ENTRIES), BeforeValidator(_entries)]
Code = Literal["skip", "read"]

MOST_TURNS = 500
ABOUT_TEXT = (
    'What to say. `<break time="0.5s"/>` is a pause; `[voice:NAME]` at a line\'s start lets NAME speak from there on.'
)
EXAMPLE: dict[str, Any] = {"examples": [{"text": "Good evening, and welcome aboard.", "format": "wav", "seed": 1}]}


class StrictForm(BaseModel):
    """Fields that are not known are refused; null in an optional field means that it is not set."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: value for name, value in given.items() if value is not None or name not in optional}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The same in the document."""
        schema = handler(core)
        found = handler.resolve_ref_schema(schema)
        for name, field in found["properties"].items():
            if name not in found.get("required", ()):
                found["properties"][name] = _or_null(field)
        return schema


def _or_null(field: JsonSchemaValue) -> JsonSchemaValue:
    null = {"type": "null"}
    if null in field.get("anyOf", ()):
        return field
    about: JsonSchemaValue = {key: field[key] for key in ("default", "description", "title") if key in field}
    return {"anyOf": [{key: value for key, value in field.items() if key not in about}, null], **about}


class TextWishes(StrictForm):
    """How a text is read, before anything is spoken (docs/reading.md)."""

    language: Language | None = Field(None, description="Of the text, such as en or fr; unset: the voice's.")
    lexicon: Respellings = Field(
        default_factory=dict, description='How words and phrases are said: {"Kyutai": "kyoo-tie"}.'
    )
    normalize: bool = Field(True, description="Numbers, dates and the like in words; false: the engine reads them.")
    code: Code = Field("skip", description="read: blocks of code are said.")


class ReadingForm(TextWishes):
    """How something is to be said, for texts that come whole or in parts."""

    voice: Name | None = Field(None, description="Id of a voice; unset: the default voice.")
    cfg_coef: float | None = Field(
        None, ge=0, le=10, description="How closely the voice is followed; only the values that the engine takes."
    )
    format: Format = Field("wav", description="Audio format.")
    bitrate: Bitrate | None = Field(None, description="kbit/s, for mp3, opus and aac; unset: a good one.")
    sample_rate: SampleRate | None = Field(None, description=ABOUT_RATE)
    speed: float = Field(1.0, ge=SPEEDS[0], le=SPEEDS[1], description="Of the pace; the pitch stays as it is.")
    temperature: float | None = Field(None, ge=0, le=2, description="Liveliness of the reading; 0: always the same.")
    top_k: TopK | None = Field(None, description="How many candidates are drawn from at each step.")
    seed: Seed | None = Field(None, description="The same seed gives the same reading.")


class TurnForm(StrictForm):
    """What one voice says."""

    model_config = ConfigDict(title="Turn")

    text: SomeText = Field(description="What to say.")
    voice: Name | None = Field(None, description="Who says it; unset: the request's voice.")


Turns = Annotated[list[TurnForm], Field(min_length=1, max_length=MOST_TURNS)]


class SpeechForm(ReadingForm):
    """The body of POST /api/tts and POST /api/tts/stream."""

    model_config = ConfigDict(title="Speech", json_schema_extra=EXAMPLE)

    text: SomeText | None = Field(None, description=ABOUT_TEXT)
    turns: Turns | None = Field(None, description="Who says what, in order, instead of text; only in JSON.")
    passages: bool = Field(
        True, description="Say a long text in passages, side by side where slots are free; false: in one piece."
    )
    stream: bool = Field(False, description="Send audio as it is made rather than whole.")
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="audio: the bytes of the format. sse: events with audio, words and progress."
    )
    captions: Literal["srt", "vtt", "json"] | None = Field(
        None, description="Send a whole file and its captions, as multipart/mixed."
    )

    def speech_request(self) -> SpeechRequest:
        """Raises InvalidRequest unless there is one of text and turns."""
        if (self.text is None) == (self.turns is None):
            message = "text: is required, or turns." if self.text is None else "turns: take the place of text."
            raise InvalidRequest(message, param="text" if self.text is None else "turns")
        fields = self.model_dump(exclude={"stream", "stream_format", "captions", "text", "turns"})
        turns = tuple(Turn(turn.text, turn.voice or None) for turn in self.turns or ())
        return SpeechRequest(**fields, text=self.text or "", turns=turns, caller=caller())


def read_form(model: type[Form]) -> Form:
    """The request's body as that model: a JSON object, or form fields. Raises InvalidRequest, UnsupportedMediaType."""
    return form_of(model, *read_fields())


def read_fields() -> tuple[dict[str, Any], bool]:
    """The body's fields, and whether they have types of their own. Raises InvalidRequest, UnsupportedMediaType."""
    with body_deadline(speech_service().settings.read_timeout):
        data = _body()
    return _fields(data)


def form_of(model: type[Form], given: dict[str, Any], strict: bool) -> Form:
    """Raises InvalidRequest."""
    try:
        return model.model_validate(given, strict=strict)
    except ValidationError as error:
        raise explain(error, model) from None


def read_query(model: type[Form]) -> Form:
    """The request's query as that model. Raises InvalidRequest."""
    try:
        return model.model_validate(query_fields())
    except ValidationError as error:
        raise explain(error, model) from None


def query_fields() -> dict[str, str]:
    """The fields of the query. Raises InvalidRequest for one that is no UTF-8."""
    _refuse_unless_text(_not_text_encoded(request.query_string))
    return request.args.to_dict()


def _body() -> bytes:
    """The whole body. One that comes in chunks, without a length, would otherwise be cut at the limit and pass."""
    data = request.get_data()
    if request.content_length is None and len(data) >= (request.max_content_length or math.inf):
        raise RequestEntityTooLarge
    return data


def _fields(data: bytes) -> tuple[dict[str, Any], bool]:
    """The fields, and whether they have types of their own: in a form everything is text."""
    kind = request.mimetype
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("A compressed body is not taken.")
    if kind == "application/x-www-form-urlencoded" and data.lstrip().startswith(b"{"):  # as `curl -d` alone sends it
        raise UnsupportedMediaType(
            "The body looks like JSON but says that it is a form: send Content-Type: application/json."
        )
    if kind in FORM_TYPES:
        return _form_fields(data), False
    if kind not in ("application/json", "") and not kind.endswith("+json"):
        raise UnsupportedMediaType("The body must be application/json or form fields.")
    try:
        given = _read_json(data.decode("utf-8-sig"))
    except ValueError:
        raise InvalidRequest("The body is not valid JSON.", code=ErrorCode.INVALID_JSON) from None
    if not isinstance(given, dict):
        raise InvalidRequest("The body must be a JSON object.", code=ErrorCode.INVALID_JSON)
    return given, True


def _form_fields(data: bytes) -> dict[str, Any]:
    given = request.form.to_dict()
    if request.mimetype == FORM_TYPES[1] and not (given or request.files) and not _is_empty(data):
        raise InvalidRequest("The body is no multipart form: it has no field.")
    _refuse_unless_text(_not_text_encoded(data) if request.mimetype == FORM_TYPES[0] else _not_text(given, data))
    return given


def _is_empty(multipart: bytes) -> bool:
    """Nothing, or the end of a form without a beginning: what clients send for a form without fields."""
    text = multipart.strip()
    return not text or text == f"--{request.mimetype_params.get('boundary', '')}--".encode()


def _refuse_unless_text(odd: str | None) -> None:
    """odd: the field that is no UTF-8, if one is. Raises InvalidRequest."""
    if odd is not None:
        raise InvalidRequest(f"{odd}: must be UTF-8 text.", param=odd)


def _not_text_encoded(data: bytes) -> str | None:
    """The field of an encoded form or a query that is no UTF-8; werkzeug leaves it out, or leaves its escapes in."""
    for pair in data.split(b"&"):
        name, _, value = pair.partition(b"=")
        try:
            unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            return name.decode(errors="replace")
    return None


def _not_text(given: dict[str, str], data: bytes) -> str | None:
    """The field of a multipart form that is no UTF-8; werkzeug puts U+FFFD where it cannot read."""
    if "".join(given.values()).count("\ufffd") <= data.count("\ufffd".encode()):
        return None
    return next(name for name, value in given.items() if "\ufffd" in value)
