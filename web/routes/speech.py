"""The service's own API: speech, formats."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from speech.encoders import ENCODERS
from speech.request import SpeechRequest
from speech.service import VERSION
from web.http import finished
from web.http.answers import FormatsAnswer, InfoAnswer
from web.http.audio import AUDIO, audio_response
from web.http.captioned import MULTIPART, captioned_response, check_whole
from web.http.context import speech_service
from web.http.describe import SPEECH, Access, operation
from web.http.forms import SpeechForm, read_form
from web.http.sse import event_response

blueprint = Blueprint("api", __name__)


@blueprint.post("/api/tts")
@operation("Say a text", tag="Speech", access=Access.SPEAKS, takes=SpeechForm, gives=AUDIO | MULTIPART, fails=SPEECH)
def speak() -> Response:
    """A whole file with true sizes, a stream if `stream` is true, or events if `stream_format` is sse. With `captions`
    the file and its captions. Form fields do as well as JSON."""
    form = read_form(SpeechForm)
    return _answer(form, form.stream)


@blueprint.post("/api/tts/stream")
@operation("Say a text, as a stream", tag="Speech", access=Access.SPEAKS, takes=SpeechForm, gives=AUDIO, fails=SPEECH)
def speak_streaming() -> Response:
    """The first audio is on the wire as soon as it exists."""
    return _answer(read_form(SpeechForm), stream=True)


def _answer(form: SpeechForm, stream: bool) -> Response:
    asked = form.speech_request()
    if form.captions:
        check_whole(stream or form.stream_format == "sse")
        return captioned_response(speech_service().speak(asked), form.captions)
    if form.stream_format == "sse":
        return event_response(speech_service().speak(asked))
    return _audio(asked, stream)


def _audio(asked: SpeechRequest, stream: bool) -> Response:
    key = finished.key_of(asked, stream)
    if answer := finished.found(key):
        return answer
    speech = speech_service().speak(asked)
    return finished.kept(key, speech, audio_response(speech, stream))


@blueprint.get("/api/info")
@operation("What the service is and takes", tag="Lists", access=Access.LISTS, gives=InfoAnswer)
def info() -> Response:
    """What a client must know before it asks: the engine and what it takes, the formats, the limits."""
    service = speech_service()
    spec = service.choice.spec
    return jsonify(
        service="kyutai-tts",
        version=VERSION,
        engine={
            "name": spec.name,
            "label": spec.label,
            "model": spec.model,
            "languages": spec.languages,
            "sample_rate": spec.sample_rate,
            "needs_gpu": spec.needs_cuda,
            "cfg_coefs": spec.cfg_coefs,
            "default_cfg_coef": spec.default_cfg_coef,
            "sampling": spec.sampling,
        },
        formats=[{"name": name, "media_type": e.media_type} for name, e in ENCODERS.items()],
        max_text_chars=service.settings.max_text_chars,
        cloning=service.voices.cloning,
        step_up=asdict(service.choice.step_up) if service.choice.step_up else None,
    )


@blueprint.get("/api/formats")
@operation("Audio formats", tag="Lists", access=Access.LISTS, gives=FormatsAnswer)
def formats() -> Response:
    """Names, media types, and what bit rates can be asked for (kbit/s)."""
    return jsonify(
        formats=[
            {
                "name": name,
                "media_type": encoder.media_type,
                "sample_rates": list(encoder.rates),
                "bitrates": asdict(encoder.bitrates) if encoder.bitrates else None,
            }
            for name, encoder in ENCODERS.items()
        ]
    )
