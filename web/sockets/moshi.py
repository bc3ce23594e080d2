"""moshi-server's own protocol: words in over a WebSocket, audio out while they come. For everything written for it.

What its clients rely on is kept: Ready before anything else (even before the model is loaded), Error "no free channels"
when every slot speaks, close frames without a payload, an unknown voice answered with the default one, nothing sent
that it would not send. There are as many channels as slots; a request over HTTP takes none, so a socket may have to
wait for its slot. Ours are cfg_coef in the query, words reported in their own spelling, breaks cut in pieces.
"""

from __future__ import annotations

import logging
import platform
import sysconfig
import time
from contextlib import ExitStack

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest
from wsproto.frame_protocol import CloseReason

from speech.errors import Cancelled, InvalidRequest, QueueFull, SpeechError, Unavailable, VoiceNotFound
from speech.request import Piece, Samples, SpeechRequest, Word
from speech.service import VERSION, SpeechService
from speech.session import Speech
from web.http.answers import BuildAnswer, ModulesAnswer
from web.http.audio import audio_response
from web.http.auth import caller
from web.http.context import speech_service
from web.http.describe import SPEECH, Access, access, operation
from web.http.errors import Unprocessable, retry_after
from web.http.forms import SomeText, Text, read_form
from web.http.requests import log_speech
from web.sockets.moshi_wire import (
    DEFAULT_FORMAT,
    FORMATS,
    NO_FREE_CHANNELS,
    EosMessage,
    TextMessage,
    VoiceMessage,
    Wire,
    read,
    wire,
)
from web.sockets.talk import Dialect, Messages, Talk, converse, limits, see_off, served
from web.sockets.upgrade import Upgrade
from web.sockets.websocket import EMPTY, WebSocket

log = logging.getLogger("kyutai_tts.socket")
blueprint = Blueprint("streaming", __name__)

PATHS = ("/api/tts_streaming", "/api/tts-streaming")  # LiveKit's plugin writes the second
STARTED = time.time()


class MoshiDialect(Dialect):
    """The protocol on an open socket."""

    def __init__(self, wire: Wire, speech: Speech) -> None:
        self._wire = wire
        self._reader = speech.reader(messages=True)

    def hear(self, message: str | bytes, talk: Talk) -> None:
        heard = read(message)
        if isinstance(heard, TextMessage):
            talk.say(heard.text, self._reader.feed(heard.text))
        elif isinstance(heard, EosMessage):
            talk.end()
        elif not talk.said:
            self._bring_voice(heard, talk.speech)

    def _bring_voice(self, heard: VoiceMessage, speech: Speech) -> None:
        embedding = heard.embedding()
        if embedding is None:
            log.info("an embedding that is none of its shape %s; the default voice speaks", heard.shape)
        else:
            speech.bring_voice(embedding)

    def greeting(self) -> Messages:
        return self._wire.ready()

    def held_back(self) -> list[Piece]:
        return self._reader.flush()

    def rested(self) -> list[Piece]:
        return self._reader.nudge()

    def sound(self, samples: Samples) -> Messages:
        return self._wire.sound(samples)

    def last_sound(self) -> Messages:
        return self._wire.last_sound()

    def word(self, word: Word) -> Messages:
        return self._wire.word(word)

    def failed(self, error: SpeechError) -> Messages:
        if _not_ours(error):
            return ()
        return self._wire.error(NO_FREE_CHANNELS if isinstance(error, QueueFull) else error.message)

    def close_code(self, error: SpeechError | None) -> CloseReason | None:
        """A raw format has no other word for audio that is not whole than the lack of a close frame."""
        return EMPTY if error is None or _not_ours(error) or self._wire.packed else None

    def close(self) -> None:
        self._wire.close()


def _not_ours(error: SpeechError) -> bool:
    """A client that sent nonsense, or nothing, is told nothing."""
    return isinstance(error, Cancelled | InvalidRequest)


@access(Access.SPEAKS)
def stream() -> Response:
    """The WebSocket. 400: headers, format or cfg_coef; 401: key; all else is told over the socket."""
    upgrade = Upgrade(request.environ)
    name = request.args.get("format", DEFAULT_FORMAT)
    if name not in FORMATS:
        raise BadRequest(f"Failed to deserialize query string: format must be one of {', '.join(FORMATS)}")
    service = speech_service()
    asked = _asked(service)
    return served(lambda: _serve(service, upgrade, asked, name))


def _serve(service: SpeechService, upgrade: Upgrade, asked: SpeechRequest, name: str) -> None:
    """A channel is asked for before the answer: the 101 tells when to come back."""
    with ExitStack() as held:
        try:
            speech = service.open(asked, channel=True)
        except (QueueFull, Unavailable) as error:
            _refuse(held.enter_context(upgrade.accept(limits(service.settings), retry_after(error))), wire(name), error)
            return
        held.callback(log_speech(speech, service.settings.log_text, name))
        held.enter_context(speech)
        socket = held.enter_context(upgrade.accept(limits(service.settings)))
        converse(service, socket, speech, MoshiDialect(wire(name), speech))


for path in PATHS:
    blueprint.add_url_rule(path, view_func=stream, methods=["GET"], websocket=True)


def _asked(service: SpeechService) -> SpeechRequest:
    """What the query asks for. Raises InvalidRequest for a cfg_coef that the engine does not take."""
    voice = _known(request.args.get("voice"), service)
    cfg_coefs = service.choice.spec.cfg_coefs
    if "cfg_coef" in request.args:
        return SpeechRequest(voice=voice, cfg_coef=_number("cfg_coef"), caller=caller())
    try:
        cfg_alpha = _number("cfg_alpha")  # moshi-server takes any and uses none
    except InvalidRequest:
        cfg_alpha = None
    return SpeechRequest(voice=voice, cfg_coef=cfg_alpha if cfg_alpha in cfg_coefs else None, caller=caller())


def _known(voice: str | None, service: SpeechService) -> str | None:
    """The voice if there is one, else None, which is the default voice."""
    try:
        return service.voice(voice, caller()).id if voice else None
    except VoiceNotFound:
        log.info("no voice %r; the default voice speaks", (voice or "")[:100])
        return None


def _number(name: str) -> float | None:
    try:
        return float(request.args[name]) if name in request.args else None
    except ValueError:
        raise InvalidRequest(f"{name} must be a number.", param=name) from None


def _refuse(socket: WebSocket, wire: Wire, error: SpeechError) -> None:
    """No channel. A client of a raw format cannot be told; it sees the connection drop."""
    log.info("a socket was refused: %s", error.message)
    wire.close()
    if wire.packed:
        see_off(socket, wire.error(NO_FREE_CHANNELS))


class WholeText(BaseModel):
    """The body of POST /api/tts_streaming."""

    text: SomeText
    voice: Text


@blueprint.post(PATHS[0])
@operation(
    "Say a text, as moshi-server does",
    tag="moshi-server",
    access=Access.SPEAKS,
    name="speak_moshi",
    takes=WholeText,
    gives={"audio/wav": {"schema": {}}},
    fails=(*SPEECH, 422),
)
def speak() -> Response:
    """A whole text at once, answered as a WAV that is sent as it is made."""
    service = speech_service()
    try:
        form = read_form(WholeText)
    except InvalidRequest as error:
        if error.code == "invalid_json":
            raise
        raise Unprocessable(error.message, param=error.param) from None
    speech = service.speak(
        SpeechRequest(text=form.text, voice=_known(form.voice, service), format="wav", caller=caller())
    )
    return audio_response(speech, stream=True)


@blueprint.get("/api/build_info")
@operation("Its build", tag="moshi-server", access=Access.OPEN, gives=BuildAnswer)
def build_info() -> Response:
    """What moshi-server tells of its build, as far as it means anything here. Unmute asks, to see whether we live."""
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(STARTED))
    return jsonify(
        build_timestamp=started,
        build_date=started[:10],
        git_branch="unknown",
        git_timestamp="unknown",
        git_date="unknown",
        git_hash="unknown",
        git_describe=f"kyutai-tts {VERSION}",
        rustc_host_triple=sysconfig.get_platform(),
        rustc_version=f"none, Python {platform.python_version()}",
        cargo_target_triple=sysconfig.get_platform(),
    )


@blueprint.get("/api/modules_info")
@operation("Its slots", tag="moshi-server", access=Access.OPEN, gives=ModulesAnswer)
def modules_info() -> Response:
    """The one module, with its slots as strings."""
    service = speech_service()
    total = service.slots
    return jsonify(
        [
            {
                "type": "py",
                "path": PATHS[0],
                "script": "tts.py",
                "used_slots": str(min(service.streams_open, total)),
                "total_slots": str(total),
            }
        ]
    )
