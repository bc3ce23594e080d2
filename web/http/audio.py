"""Speech -> an HTTP response: whole with true sizes, or streamed as it is made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from urllib.parse import quote

from flask import Response, request

from speech.encoders import ENCODERS
from speech.errors import Cancelled, SpeechError
from speech.session import Speech
from web.http.clients import Client, client_socket
from web.http.context import client_watch, speech_service
from web.http.files import pieces_of, unnamed_file
from web.http.requests import log_speech, request_id
from web.http.warnings import HEADER

log = logging.getLogger("kyutai_tts.web")

AUDIO: dict[str, dict[str, object]] = {
    **{encoder.media_type: {"schema": {}} for encoder in ENCODERS.values()},
    "text/event-stream": {"schema": {}},
}  # what speech can be answered with, for the document


PLAIN = "".join(map(chr, range(ord(" "), ord("~") + 1))).replace("%", "")  # stands in a header as it is

Body = tuple[Iterator[bytes], dict[str, str]]  # what is sent, and the headers that go with it


def answer(speech: Speech, begin: Callable[[ExitStack], Body]) -> Response:
    """Answer with the speech. What `begin` raises becomes a status; what fails later breaks the connection.

    begin: waits as long as errors shall be statuses, then says what is sent; what it enters is left with the response.
    """
    held = ExitStack()
    try:
        held.callback(log_speech(speech, speech_service().settings.log_text))
        held.enter_context(speech)
        client = held.enter_context(client_watch().watch(client_socket(request.environ), speech.cancel))
        data, headers = begin(held)
        response = Response(Sent(data, client, held), headers=headers_of(speech) | headers)
    except BaseException:
        held.close()
        raise
    return response


def audio_response(speech: Speech, stream: bool) -> Response:
    """Answer with a file of the requested format."""

    def begin(held: ExitStack) -> Body:
        speech.start()
        return _streamed(speech) if stream else _whole(speech, held)

    return answer(speech, begin)


def headers_of(speech: Speech) -> dict[str, str]:
    """What every answer with speech says of it."""
    headers = {
        "X-Engine": speech.engine.name,
        "X-Voice": quote(speech.voice.id, safe=PLAIN),
        "X-Sample-Rate": str(speech.encoded_rate),
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",  # nginx would hold a stream back
    }
    if speech.ignored:
        headers["X-Ignored"] = ", ".join(speech.ignored)
    if speech.remarks.count:
        headers[HEADER] = str(speech.remarks.count)
    return headers


def _whole(speech: Speech, held: ExitStack) -> Body:
    """Made as it is spoken, so that no more than a file lies anywhere, and a long one on disk."""
    file = held.enter_context(unnamed_file())
    speech.write(file)
    headers = {"Content-Length": str(file.tell()), "X-Audio-Duration": f"{speech.seconds:.3f}"}
    return pieces_of(file), {"Content-Type": speech.media_type, **headers}


def _streamed(speech: Speech) -> Body:
    return speech.encoded(), {"Content-Type": speech.media_type}


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
