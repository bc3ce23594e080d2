"""A passage of another instance's job (JOB_WORKERS): its words as they were read there, said here."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import BeforeValidator, ConfigDict, Field

from speech.errors import QueueFull
from speech.language import Language
from speech.request import SPEEDS, Pause, Piece, SpeechRequest, Token
from speech.service import SpeechService
from speech.session import Speech
from web.http.context import speech_service
from web.http.describe import SPEECH, Access, operation
from web.http.forms import Name, Seed, StrictForm, Text, TopK, read_form
from web.http.sse import EVENT_STREAM, event_response

blueprint = Blueprint("passages", __name__)

CALLER = "jobs"  # all passages of jobs together get one caller's share of the slots
AGAIN_S = 2.0
MOST_PIECES = 5000
EVENTS: dict[str, dict[str, object]] = {EVENT_STREAM["Content-Type"]: {"schema": {}}}
EXAMPLE: dict[str, Any] = {"examples": [{"pieces": [["Good", "Good", 0, 4], ["evening.", "evening.", 5, 13]]}]}
Place = Annotated[int, Field(ge=0, le=2**31)]
Word = Annotated[tuple[Text, Text, Place, Place], BeforeValidator(lambda it: tuple(it) if isinstance(it, list) else it)]
PieceForm = Word | Annotated[float, Field(ge=0, le=60)]
_opening = threading.Lock()  # two that look at once would both find the one slot


class PiecesForm(StrictForm):
    """The body of POST /api/passages."""

    model_config = ConfigDict(title="Pieces", json_schema_extra=EXAMPLE)

    pieces: list[PieceForm] = Field(
        min_length=1, max_length=MOST_PIECES, description="Words: written, spoken, from, to; and pauses, in seconds."
    )
    voice: Name | None = Field(None, description="Id of a voice; unset: the default voice.")
    speed: float = Field(1.0, ge=SPEEDS[0], le=SPEEDS[1], description="Of the pace.")
    cfg_coef: float | None = Field(None, ge=0, le=10, description="How closely the voice is followed.")
    temperature: float | None = Field(None, ge=0, le=2, description="Liveliness of the reading.")
    top_k: TopK | None = Field(None, description="How many candidates are drawn from at each step.")
    seed: Seed | None = Field(None, description="The same seed gives the same reading.")
    language: Language | None = Field(None, description="Of the text.")

    def speech_request(self) -> SpeechRequest:
        return SpeechRequest(**self.model_dump(exclude={"pieces"}), format="pcm", caller=CALLER)

    def read(self) -> list[Piece]:
        return [Token(*piece) if isinstance(piece, tuple) else Pause(piece) for piece in self.pieces]


@blueprint.post("/api/passages")
@operation(
    "Say a passage of another instance's job",
    tag="Jobs",
    access=Access.KEY,
    takes=PiecesForm,
    gives=EVENTS,
    fails=SPEECH,
)
def say_passage() -> Response:
    """Events as those of `POST /api/tts`, with PCM. Refused with 429 while no slot is to spare: people come first."""
    form = read_form(PiecesForm)
    pieces = form.read()
    with _opening:
        speech = _opened(speech_service(), form.speech_request())
    try:
        speech.be_patient()
        speech.say(*pieces)
    except BaseException:
        speech.close()
        raise
    speech.end()
    return event_response(speech)


def _opened(service: SpeechService, asked: SpeechRequest) -> Speech:
    """Raises QueueFull while a request waits, or could not have a slot at once."""
    status = service.engine_status()
    slots = status.slots_total
    most = 1 if service.manager.peek() is None else min(max(1, slots - 1), status.at_once or slots)
    if status.queue_depth or max(status.slots_used, service.streams_open) >= most:
        raise QueueFull("There is no slot to spare for a passage of a job.", retry_after_s=AGAIN_S)
    return service.open(asked)
