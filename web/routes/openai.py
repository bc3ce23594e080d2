"""OpenAI's speech API as its SDK and Open WebUI speak it. What is not supported is refused, or named in X-Ignored."""

from __future__ import annotations

import io
import json
import math
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel, ConfigDict, Field

from speech.errors import ErrorCode, InvalidRequest, SpeechError, VoiceNotFound
from speech.request import FRAME_S, SPEEDS, SpeechRequest
from speech.service import SpeechService
from speech.session import Speech
from speech.voices.catalogue import Voice
from web.http import errors, finished
from web.http.answers import OpenAIAudioModels, OpenAIModel, OpenAIModels, OpenAIVoices
from web.http.audio import AUDIO, Body, answer, audio_response, headers_of
from web.http.auth import caller, owner
from web.http.context import speech_service
from web.http.describe import SPEECH, Access, operation, path_parameter
from web.http.forms import (
    ABOUT_RATE,
    Bitrate,
    Format,
    Name,
    SampleRate,
    Seed,
    SomeText,
    Text,
    TextWishes,
    TopK,
    form_of,
    read_fields,
)
from web.http.requests import request_id
from web.http.sse import EVENT_STREAM, Events

blueprint = Blueprint("openai", __name__)

OPENAI_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
DATED = re.compile(r"-(\d{4}|\d{4}-\d{2}-\d{2})$")  # OpenAI's versions: tts-1-1106, gpt-4o-mini-tts-2025-12-15
SILENCE_S = 0.1
FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # what may stand in a header
MOST_TOLD = 16
OUR_MODELS = ("kyutai-tts-1.6b", "kyutai/tts-1.6b-en_fr")
CREATED = 1_751_500_800  # the day Kyutai TTS 1.6B was published, in seconds since 1970
MODEL = path_parameter("model", "Its id, which may contain slashes.", "tts-1")
TO_MODEL = {"first": {"operationId": "model", "parameters": {"model": "$response.body#/data/0/id"}}}
NAMES = {"text": "input", "format": "response_format"}  # our fields' names -> OpenAI's


EXAMPLE: dict[str, Any] = {"examples": [{"model": "tts-1", "voice": "alloy", "input": "Good evening.", "seed": 1}]}


_TAKEN = {  # fields that have the same name here and there
    "speed", "bitrate", "sample_rate", "cfg_coef", "temperature", "top_k", "seed",
    "language", "lexicon", "normalize", "code",
}  # fmt: skip


class VoiceRef(BaseModel):
    model_config = ConfigDict(extra="forbid", title="VoiceReference")

    id: Name


class OpenAISpeechForm(TextWishes):
    """The body of POST /v1/audio/speech: OpenAI's fields, and behind them ours."""

    model_config = ConfigDict(title="OpenAISpeech", json_schema_extra=EXAMPLE)

    model: Name = Field(description="One of GET /v1/models. They all mean the model that is here.")
    input: SomeText = Field(description="What to say.")
    voice: Name | VoiceRef = Field(description="A voice of GET /v1/audio/voices, or one of OpenAI's names.")
    response_format: Format = Field("mp3", description="Audio format.")
    speed: float = Field(1.0, ge=SPEEDS[0], le=SPEEDS[1], description="Of the pace; the pitch stays as it is.")
    instructions: Text | None = Field(None, description="Not supported: only an empty one is taken.")
    stream_format: Literal["audio", "sse"] = Field("audio", description="sse: OpenAI's events.")
    stream: bool = Field(True, description="false: a whole file with true sizes; true: audio as it is made.")
    timestamps: list[Literal["word"]] = Field([], description='["word"] adds speech.text.word events; only with sse.')
    bitrate: Bitrate | None = Field(None, description="kbit/s, for mp3, opus and aac; unset: a good one.")
    sample_rate: SampleRate | None = Field(None, description=ABOUT_RATE)
    cfg_coef: float | None = Field(None, ge=0, le=10, description="How closely the voice is followed.")
    temperature: float | None = Field(None, ge=0, le=2, description="Liveliness of the reading.")
    top_k: TopK | None = Field(None, description="How many candidates are drawn from at each step.")
    seed: Seed | None = Field(None, description="The same seed gives the same reading.")

    def speech_request(self, service: SpeechService) -> SpeechRequest:
        """Raises InvalidRequest for what is not supported, UnknownModel, VoiceNotFound."""
        if self.instructions:
            raise InvalidRequest(
                "instructions are not supported: this model takes none.",
                param="instructions",
                code=ErrorCode.UNSUPPORTED_PARAMETER,
            )
        if self.timestamps and self.stream_format != "sse":
            raise InvalidRequest('timestamps need "stream_format": "sse".', param="timestamps")
        _check_model(self.model, service)
        name = self.voice if isinstance(self.voice, str) else self.voice.id
        return SpeechRequest(
            text=self.input,
            voice=self._voice(name, service).id,
            format=self.response_format,
            caller=caller(),
            **self.model_dump(include=_TAKEN),
        )

    @staticmethod
    def _voice(name: str, service: SpeechService) -> Voice:
        try:
            return service.voice(name, caller())
        except VoiceNotFound:
            if not service.settings.openai_lenient:
                raise
            return service.voices.default


class UnknownModel(VoiceNotFound):
    """No model has that name."""

    code = ErrorCode.MODEL_NOT_FOUND


@blueprint.post("/v1/audio/speech")
@operation(
    "Say a text, as OpenAI does", tag="OpenAI", access=Access.SPEAKS, takes=OpenAISpeechForm, gives=AUDIO, fails=SPEECH
)
def create_speech() -> Response:
    """Audio streams as it is made, unless `stream` is false. What is not supported is refused with 400. A text without
    words is answered with a tenth of a second of silence and the header `X-Silence`: clients that cut a text into
    sentences send such pieces."""
    service = speech_service()
    form, ignored = _read(service.settings.openai_lenient)
    with _openai_names():
        asked = form.speech_request(service)
        key = finished.key_of(asked, form.stream, ignored) if form.stream_format == "audio" else None
        if answer := finished.found(key):
            return answer
        try:
            speech = service.speak(asked)
            speech.ignored += ignored
            return finished.kept(key, speech, _answer(speech, form))
        except InvalidRequest as error:
            if error.code is not ErrorCode.NOTHING_TO_SAY:
                raise
        speech = service.open(asked)
        speech.ignored += ignored
        return _answer_with_silence(speech, form)


def _read(lenient: bool) -> tuple[OpenAISpeechForm, tuple[str, ...]]:
    """The body, and the names of what was left aside: nothing unless lenient."""
    given, strict = read_fields()
    unknown = [name for name in given if name not in OpenAISpeechForm.model_fields or name == "instructions"]
    unknown = [name for name in unknown if given[name] not in (None, "")]
    if not lenient or not unknown:
        return form_of(OpenAISpeechForm, given, strict), ()
    kept = {name: value for name, value in given.items() if name not in unknown}
    told = [name if FIELD.fullmatch(name) else "?" for name in unknown[:MOST_TOLD]]
    return form_of(OpenAISpeechForm, kept, strict), tuple(dict.fromkeys(told))


def _answer(speech: Speech, form: OpenAISpeechForm) -> Response:
    if form.stream_format == "sse":
        return _event_response(speech, words="word" in form.timestamps)
    return audio_response(speech, form.stream)


def _answer_with_silence(speech: Speech, form: OpenAISpeechForm) -> Response:
    file = io.BytesIO()
    with speech:
        speech.write_silence(file, SILENCE_S)
    data = file.getvalue()
    if form.stream_format == "sse":
        delta = {"type": "speech.audio.delta", "audio": b64encode(data).decode()}
        response = Response(_line(delta) + _line(_done({}, speech)), headers=headers_of(speech) | EVENT_STREAM)
    else:
        response = Response(data, content_type=speech.media_type, headers=headers_of(speech))
    response.headers["X-Silence"] = ErrorCode.NOTHING_TO_SAY
    return response


@blueprint.get("/v1/models")
@operation("Models", tag="OpenAI", access=Access.LISTS, gives=OpenAIModels, links=TO_MODEL)
def models() -> Response:
    return jsonify(object="list", data=[_model(name) for name in _model_names(speech_service())])


@blueprint.get("/v1/models/<path:model>")
@operation("One model", tag="OpenAI", access=Access.LISTS, gives=OpenAIModel, fails=(404,), parameters=[MODEL])
def model(model: str) -> Response:
    _check_model(model, speech_service(), any_model=False)
    return jsonify(_model(model))


@blueprint.get("/v1/audio/models")
@operation("Models for speech, as Open WebUI reads them", tag="OpenAI", access=Access.LISTS, gives=OpenAIAudioModels)
def audio_models() -> Response:
    return jsonify(models=[{"id": name, "name": name} for name in _model_names(speech_service())])


@blueprint.get("/v1/audio/voices")
@operation("Voices, as Open WebUI reads them", tag="OpenAI", access=Access.LISTS, gives=OpenAIVoices)
def audio_voices() -> Response:
    listed = [_voice(voice) for voice in speech_service().voices_of(owner()).voices()]
    return jsonify(object="list", data=listed, voices=listed)


# -- models and voices ----------------------------------------------------------------------------------------------


def _model_names(service: SpeechService) -> list[str]:
    """What is here first, then the names under which clients ask for it."""
    return list(dict.fromkeys((service.choice.spec.model, *OUR_MODELS, *OPENAI_MODELS)))


def _check_model(name: str, service: SpeechService, any_model: bool | None = None) -> None:
    known = _model_names(service)
    if name in known or DATED.sub("", name) in OPENAI_MODELS:
        return
    if service.settings.openai_any_model if any_model is None else any_model:
        return
    raise UnknownModel(f"There is no model {name[:100]!r}. Known: {', '.join(known)}.", param="model")


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "kyutai"}


def _voice(voice: Voice) -> dict[str, object]:
    return {"id": voice.id, "name": voice.name, "language": voice.language, "gender": voice.gender}


@contextmanager
def _openai_names() -> Iterator[None]:
    """Name the fields in errors as this API does; an unknown voice is a bad value, as it is with OpenAI."""
    try:
        yield
    except SpeechError as error:
        _rename(error)
        if type(error) is VoiceNotFound:
            raise InvalidRequest(error.message, param="voice", code=error.code) from None
        raise


def _rename(error: SpeechError) -> None:
    ours = error.param or ""
    error.param = NAMES.get(ours, error.param)
    if error.message.startswith(f"{ours} ") and error.param:
        error.message = error.param + error.message.removeprefix(ours)


# -- events ---------------------------------------------------------------------------------------------------------


def _event_response(speech: Speech, words: bool) -> Response:
    """OpenAI's events. Unlike ours they begin with the first audio, so that all that goes wrong before is a status."""

    def begin(_: ExitStack) -> Body:
        speech.start()
        return _events(speech, Events(speech, request_id()), words), EVENT_STREAM

    return answer(speech, begin)


def _events(speech: Speech, events: Events, words: bool) -> Iterator[bytes]:
    try:
        for name, data in events.speaking():
            if name == "word" and not words:
                continue
            if translate := _TRANSLATED.get(name):
                yield _line(translate(data, speech))
    except SpeechError as error:
        yield _line({"type": "error", **errors.event_of(error)})


def _line(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _delta(data: dict[str, Any], _: Speech) -> dict[str, Any]:
    return {"type": "speech.audio.delta", "audio": data["audio"]}


def _word(data: dict[str, Any], _: Speech) -> dict[str, Any]:
    told = {"type": "speech.text.word", "word": data["word"], "start": data["start_s"], "end": data["stop_s"]}
    return told | ({"estimated": True} if "estimated" in data else {})


def _done(_: dict[str, Any], speech: Speech) -> dict[str, Any]:
    """Tokens as the model has them: what it was given of the text, and one for each frame that it made."""
    given, made = speech.tokens, math.ceil(speech.made_s / FRAME_S - 1e-6)
    return {
        "type": "speech.audio.done",
        "usage": {"input_tokens": given, "output_tokens": made, "total_tokens": given + made},
    }


_TRANSLATED: dict[str, Callable[[dict[str, Any], Speech], dict[str, Any]]] = {
    "audio": _delta,
    "word": _word,
    "done": _done,
}
