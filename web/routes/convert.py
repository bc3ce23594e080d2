"""Samples that a client has -> a file of any format. What the page offers as a download is exactly what was heard."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO

import numpy as np
from flask import Blueprint, Response, request, send_file
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import TooManyRequests, UnsupportedMediaType

from speech.encoders import ENCODERS, make_encoder, rate_of
from speech.errors import ErrorCode, InvalidRequest
from speech.request import Samples
from web.http.context import speech_service
from web.http.describe import BODY, Access, operation, query_parameters
from web.http.files import PIECE_BYTES, unnamed_file
from web.http.forms import Format, read_query
from web.http.security import body_deadline

blueprint = Blueprint("convert", __name__)

MAX_SECONDS = 3600  # of audio in one request
MAX_RATE = 48_000  # Hz
SAMPLE_BYTES = 2
FULL_SCALE = 32767  # as the encoders have it: samples come out as they went in
RETRY_AFTER_S = 2


SAMPLES: dict[str, dict[str, object]] = {"audio/pcm": {"schema": {}}, "application/octet-stream": {"schema": {}}}
FILE: dict[str, dict[str, object]] = {encoder.media_type: {"schema": {}} for encoder in ENCODERS.values()}


class ConvertQuery(BaseModel):
    """The query of POST /api/convert."""

    model_config = ConfigDict(extra="forbid", title="Convert")

    format: Format = Field(description="Audio format.")
    sample_rate: int = Field(24_000, ge=8_000, le=MAX_RATE, description="Of the samples in the body, in Hz.")


QUERY = query_parameters(ConvertQuery)
_places = threading.BoundedSemaphore(os.cpu_count() or 1)  # encoding keeps a core busy


@blueprint.post("/api/convert")
@operation(
    "Samples to a file",
    tag="Speech",
    access=Access.SPEAKS,
    takes=SAMPLES,
    gives=FILE,
    fails=(*BODY, 429, 507),
    parameters=QUERY,
)
def convert() -> Response:
    """The body: mono samples, signed 16 bit, little-endian (audio/pcm). Nothing is spoken and nothing is kept."""
    query = read_query(ConvertQuery)
    rates = ENCODERS[query.format].sample_rates()
    if rates and rate_of(query.format, query.sample_rate) not in rates:
        raise InvalidRequest(f"sample_rate: {query.format} takes {', '.join(map(str, rates))}.", param="sample_rate")
    if request.mimetype not in ("audio/pcm", "application/octet-stream"):
        raise UnsupportedMediaType("The body must be audio/pcm: mono samples, signed 16 bit, little-endian.")
    request.max_content_length = MAX_SECONDS * query.sample_rate * SAMPLE_BYTES
    with unnamed_file() as samples:
        with body_deadline(speech_service().settings.read_timeout):
            shutil.copyfileobj(request.stream, samples, PIECE_BYTES)
        file = unnamed_file()
        try:
            _encode(samples, query, file)
            size = file.tell()
            file.seek(0)
            response = send_file(file, mimetype=ENCODERS[query.format].media_type)
        except BaseException:
            file.close()
            raise
    response.content_length = size
    response.headers["Cache-Control"] = "no-store"
    return response


@contextmanager
def _place() -> Iterator[None]:
    """As many at once as there are cores, so that speech keeps its share. Raises TooManyRequests."""
    if not _places.acquire(blocking=False):
        raise TooManyRequests("As many files are being made as there are cores.", retry_after=RETRY_AFTER_S)
    try:
        yield
    finally:
        _places.release()


def _encode(body: IO[bytes], query: ConvertQuery, file: IO[bytes]) -> None:
    """Raises InvalidRequest for a body of no or of half samples, TooManyRequests."""
    body.seek(0)
    with _place(), closing(make_encoder(query.format, query.sample_rate, file=file)) as encoder:
        for samples in _samples(body):
            encoder.encode(samples)
        encoder.flush()


def _samples(body: IO[bytes]) -> Iterator[Samples]:
    rest, some = b"", False
    while piece := body.read(PIECE_BYTES):
        piece = rest + piece
        whole = len(piece) // SAMPLE_BYTES * SAMPLE_BYTES
        rest, some = piece[whole:], some or whole > 0
        yield np.frombuffer(piece[:whole], "<i2").astype(np.float32) / np.float32(FULL_SCALE)
    if rest or not some:
        raise InvalidRequest("The body must be whole 16-bit samples, at least one.", code=ErrorCode.INVALID_AUDIO)
