"""Speech -> one response with two files: the audio, and its captions (multipart/mixed, RFC 2046)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing

from flask import Response

from speech.errors import InvalidRequest
from speech.request import Word
from speech.session import Speech
from speech.subtitles import CAPTIONS, cues
from web.http.audio import Body, answer
from web.http.files import Unnamed, pieces_of, unnamed_file

MULTIPART: dict[str, dict[str, object]] = {"multipart/mixed": {"schema": {}}}  # for the document


def check_whole(stream: bool) -> None:
    """Raises InvalidRequest where the audio is not one whole file."""
    if stream:
        raise InvalidRequest(
            "captions come with a whole file: leave stream and stream_format out. Events have the words' times.",
            param="captions",
        )


def captioned_response(speech: Speech, captions: str) -> Response:
    """captions: one of CAPTIONS."""

    def begin(held: ExitStack) -> Body:
        speech.start()
        file = held.enter_context(unnamed_file())
        words = list(_written(speech, file))
        return _parts(speech, file, captions, CAPTIONS[captions].write(cues(words)).encode())

    return answer(speech, begin)


def _written(speech: Speech, file: Unnamed) -> Iterator[Word]:
    """The words of all that is written to the file."""
    with closing(speech.encoder(file)) as encoder:
        for chunk in speech.chunks():
            encoder.encode(chunk.samples)
            yield from chunk.words
        encoder.flush()


def _parts(speech: Speech, file: Unnamed, captions: str, text: bytes) -> Body:
    boundary = secrets.token_hex(16)
    size = file.tell()
    audio_head = _head(boundary, speech.media_type, f"speech.{speech.request.format}", size)
    text_type = CAPTIONS[captions].media_type
    captions_head = b"\r\n" + _head(boundary, text_type, f"speech.{captions}", len(text))
    end = f"\r\n--{boundary}--\r\n".encode()
    total = len(audio_head) + size + len(captions_head) + len(text) + len(end)
    headers = {
        "Content-Type": f"multipart/mixed; boundary={boundary}",
        "Content-Length": str(total),
        "X-Audio-Duration": f"{speech.seconds:.3f}",
    }
    return _joined([audio_head], pieces_of(file), [captions_head, text, end]), headers


def _head(boundary: str, media_type: str, name: str, size: int) -> bytes:
    lines = (
        f"--{boundary}",
        f"Content-Type: {media_type}",
        f'Content-Disposition: attachment; filename="{name}"',
        f"Content-Length: {size}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


def _joined(*parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield from part
