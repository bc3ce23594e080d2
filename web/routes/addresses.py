"""Speech at an address: for <audio src>, players and loudspeakers, which can only be given a URL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, jsonify, request
from pydantic import ConfigDict, Field
from werkzeug.exceptions import MethodNotAllowed, RequestedRangeNotSatisfiable

from speech.request import SpeechRequest
from web.http.answers import LinkAnswer
from web.http.audio import AUDIO, Sent, headers_of
from web.http.auth import caller, given_key, take_turn
from web.http.clients import client_socket
from web.http.context import client_watch, speech_service
from web.http.describe import BODY, SPEECH, Access, operation, query_parameters
from web.http.forms import Format, Name, ReadingForm, SomeText, form_of, query_fields, read_form
from web.http.keys import digest
from web.http.links import LINK_FIELDS, signed_query
from web.http.recordings import Reader, Recording, Recordings
from web.http.requests import log_speech

blueprint = Blueprint("addresses", __name__)

WAIT_S = 20.0  # a range needs the length of the whole; if that takes longer, all is sent from the beginning
LONGEST_LINK_S = 30 * 24 * 3600


class AddressForm(ReadingForm):
    """The query of GET /api/tts."""

    text: SomeText = Field(description='What to say. `<break time="0.5s"/>` is a pause.')
    format: Format = Field("mp3", description="Audio format.")

    def speech_request(self) -> SpeechRequest:
        return SpeechRequest(**self.model_dump(include=SPEECH_FIELDS), caller=caller())


SPEECH_FIELDS = set(AddressForm.model_fields)


class OpenAIAddressForm(AddressForm):
    """The query of GET /v1/audio/speech."""

    text: SomeText = Field(alias="input", description="What to say.")
    format: Format = Field("mp3", alias="response_format", description="Audio format.")
    model: Name = Field("tts-1", description="Not looked at: there is one model.")


class LinkForm(AddressForm):
    """The body of POST /api/links."""

    model_config = ConfigDict(title="Link")

    expires_s: int = Field(3600, ge=1, le=LONGEST_LINK_S, description="Seconds that the address is good for.")


@blueprint.get("/api/tts")
@operation(
    "Say a text, at an address",
    tag="Speech",
    access=Access.ADDRESS,
    gives=AUDIO,
    fails=SPEECH,
    parameters=query_parameters(AddressForm),
)
def listen() -> Response:
    """For players that are given an address. HEAD and Range are answered; what was made is kept a while."""
    return _answer(AddressForm)


@blueprint.get("/v1/audio/speech")
@operation(
    "Say a text at an address, with OpenAI's names",
    tag="OpenAI",
    access=Access.ADDRESS,
    gives=AUDIO,
    fails=SPEECH,
    parameters=query_parameters(OpenAIAddressForm),
)
def listen_openai() -> Response:
    """As GET /api/tts."""
    return _answer(OpenAIAddressForm)


@blueprint.post("/api/links")
@operation("A signed address", tag="Speech", access=Access.KEY, takes=LinkForm, gives=LinkAnswer, fails=BODY)
def make_link() -> Response:
    """An address of GET /api/tts that needs no key until it expires. Where no key is needed it is not signed."""
    _check_open()
    form, key = read_form(LinkForm), given_key() if speech_service().settings.asks_for_keys else None
    given = form.model_dump(exclude={"expires_s"}, exclude_unset=True, exclude_none=True)
    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    path = "/api/tts"
    expires_at = int(time.time()) + form.expires_s if key else None
    if key is None or expires_at is None:
        query = urlencode(fields)
    else:
        query = signed_query(path, fields, g.key_name, digest(key), expires_at)
    return jsonify(url=f"{request.url_root.rstrip('/')}{path}?{query}", expires_at=expires_at)


# -- inside ---------------------------------------------------------------------------------------------------------


def _check_open() -> None:
    if not speech_service().settings.speech_addresses:
        raise MethodNotAllowed(valid_methods=["POST"], description="SPEECH_ADDRESSES is off here.")


def _answer(kind: type[AddressForm]) -> Response:
    _check_open()
    given = {name: value for name, value in query_fields().items() if name not in LINK_FIELDS}
    form = form_of(kind, cast(dict[str, Any], given), strict=False)
    asked = form.speech_request()
    key = json.dumps(form.model_dump(include=SPEECH_FIELDS), sort_keys=True)
    recordings: Recordings = current_app.extensions["recordings"]
    recording = recordings.find(key)
    if request.method == "HEAD":
        return _head(asked, recording)
    if recording and request.if_none_match.contains(recording.etag):
        return Response(status=304, headers=_headers(recording))
    if recording is None:
        take_turn()
    return _send(recordings.get(key, lambda over: _record(asked, over, recordings.grace_s)))


def _record(asked: SpeechRequest, over: Callable[[], None], grace_s: float) -> Recording:
    service = speech_service()
    speech = service.speak(asked)
    write_log = log_speech(speech, service.settings.log_text)

    def ended() -> None:
        write_log()
        over()

    return Recording(speech, headers_of(speech), ended, grace_s)


def _head(asked: SpeechRequest, recording: Recording | None) -> Response:
    """Nothing is spoken for it; a length is told only where it is known."""
    if recording is None:
        media_type = speech_service().check(asked)
        return Response(content_type=media_type, headers={"Accept-Ranges": "bytes"})
    response = Response(content_type=recording.media_type, headers=_headers(recording))
    if recording.complete:
        response.content_length = recording.size
    return response


def _headers(recording: Recording) -> dict[str, str]:
    keep_s = int(speech_service().settings.address_keep_s)
    ours = {"ETag": f'"{recording.etag}"', "Accept-Ranges": "bytes", "Cache-Control": f"private, max-age={keep_s}"}
    return recording.headers | ours


def _send(recording: Recording) -> Response:
    with ExitStack() as held:
        reader = held.enter_context(recording.reading())
        client = held.enter_context(client_watch().watch(client_socket(request.environ), reader.leave))
        reader.wait_for_sound()
        start, stop = _range(recording, reader)
        data = reader.bytes(start or 0, stop)
        response = Response(Sent(data, client, held.pop_all()), headers=_headers(recording))
    response.content_type = recording.media_type
    if start is not None:
        response.status_code = 206
        response.content_range.set(start, stop, recording.size)
    if recording.complete:
        response.content_length = min(stop, recording.size) - (start or 0)
    return response


def _range(recording: Recording, reader: Reader) -> tuple[int | None, int]:
    """The bytes to send: from, and to before; None, ...: all. Raises RequestedRangeNotSatisfiable."""
    everything = (None, 2**63)
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return everything
    if "If-Range" in request.headers and request.if_range.etag != recording.etag:
        return everything
    if asked.ranges[0] == (0, None) and not recording.complete:
        return everything  # it can be played while it is made
    if not reader.wait_for_end(WAIT_S):
        return everything
    found = asked.range_for_length(recording.size)
    if found is None:
        raise RequestedRangeNotSatisfiable(recording.size)
    return found
