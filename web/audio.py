"""Speech -> an HTTP response: whole with true sizes, or streamed as it is made."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import ExitStack

from flask import Response, request

from speech.request import Cancelled, SpeechError
from speech.stream import Speech
from web.clients import Client, client_socket
from web.context import client_watch
from web.requests import request_id

log = logging.getLogger("kyutai_tts.web")

PIECE_BYTES = 65_536  # a whole file is handed to the server in pieces, so that a slow reader is seen to read


def audio_response(speech: Speech, stream: bool) -> Response:
    """Answer with the speech. What fails before the first audio is raised; what fails later breaks the connection."""
    held = ExitStack()
    try:
        held.enter_context(speech)
        client = held.enter_context(client_watch().watch(client_socket(request.environ), speech.cancel))
        speech.start()
        response = _streamed(speech, client, held) if stream else _whole(speech, client, held)
    except BaseException:
        held.close()
        raise
    response.headers.update(headers(speech))
    return response


def headers(speech: Speech) -> dict[str, str]:
    headers = {
        "X-Engine": speech.engine.name,
        "X-Voice": speech.voice.id,
        "X-Sample-Rate": str(speech.sample_rate),
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",  # nginx would hold a stream back
    }
    if speech.ignored:
        headers["X-Ignored"] = ", ".join(speech.ignored)
    return headers


def _whole(speech: Speech, client: Client | None, held: ExitStack) -> Response:
    data = speech.whole()
    pieces = (data[i : i + PIECE_BYTES] for i in range(0, len(data), PIECE_BYTES))
    response = Response(Sent(pieces, client, held), mimetype=speech.media_type)
    response.content_length = len(data)
    response.headers["X-Audio-Duration"] = f"{speech.seconds:.3f}"
    return response


def _streamed(speech: Speech, client: Client | None, held: ExitStack) -> Response:
    return Response(Sent(speech.encoded(), client, held), mimetype=speech.media_type)


class Sent:
    """The body as the server wants it: an iterator that it closes when the response is over, however that comes."""

    def __init__(self, data: Iterator[bytes], client: Client | None, held: ExitStack) -> None:
        self._data, self._client, self._held = data, client, held
        self._request_id = request_id()
        self._body = self._send()

    def __iter__(self) -> Iterator[bytes]:
        return self._body

    def close(self) -> None:
        try:
            self._body.close()
        finally:
            self._held.close()

    def _send(self) -> Generator[bytes]:
        try:
            for data in self._data:
                if self._client is None:
                    yield data
                else:
                    with self._client.reading():
                        yield data
        except SpeechError as error:
            self._broke(error)

    def _broke(self, error: SpeechError) -> None:
        """The status is long sent. Break the connection; never put text inside audio."""
        if not isinstance(error, Cancelled):
            log.error("the stream broke: %s id=%s", error.message, self._request_id)
        if self._client is None:
            raise error
        self._client.hang_up()
