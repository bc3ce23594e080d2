"""The service's own API: speech, voices, formats."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from speech.encoders import ENCODERS
from web.audio import audio_response
from web.context import speech_service
from web.forms import SpeechForm, read_form

blueprint = Blueprint("api", __name__)


@blueprint.post("/api/tts")
def speak() -> Response:
    form = read_form(SpeechForm)
    return audio_response(speech_service().speak(form.speech_request()), form.stream)


@blueprint.post("/api/tts/stream")
def speak_streaming() -> Response:
    form = read_form(SpeechForm)
    return audio_response(speech_service().speak(form.speech_request()), stream=True)


@blueprint.get("/api/voices")
def voices() -> Response:
    catalogue = speech_service().voices
    return jsonify(voices=[asdict(voice) for voice in catalogue.voices()], default=catalogue.default.id)


@blueprint.get("/api/formats")
def formats() -> Response:
    return jsonify(formats=[{"name": name, "media_type": e.media_type} for name, e in ENCODERS.items()])
