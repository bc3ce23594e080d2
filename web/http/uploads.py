"""A multipart form with a file of several megabytes: read in pieces, onto the disk where it is long.

The field's name is FIELD. What is in the file is read elsewhere (speech/documents).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from speech.documents.blocks import FIELD
from speech.errors import InvalidRequest
from web.http.context import speech_service
from web.http.errors import TooLarge
from web.http.files import unnamed_file
from web.http.security import body_deadline

MB = 1_000_000
MOST_PARTS = 1000  # as Flask has it for other forms


@dataclass(frozen=True)
class Upload:
    """file: open at its beginning until the form is left. charset: what the sender says of a text."""

    name: str
    file: IO[bytes]
    charset: str | None


@contextmanager
def uploaded_form() -> Iterator[tuple[dict[str, Any], Upload | None]]:
    """The request's fields, all of them text, and the file if there is one. Nothing of it is left afterwards.

    Raises TooLarge for more than MAX_UPLOAD_MB, InvalidRequest for a form that is none or has other files.
    """
    most_mb = speech_service().settings.max_upload_mb
    request.max_content_length = round(most_mb * MB)
    files: list[IO[bytes]] = []
    try:
        with body_deadline(speech_service().settings.read_timeout):
            fields, found = _parsed(files)
        yield fields, found
    except RequestEntityTooLarge:
        message = (
            f"{FIELD}: the form may have {most_mb:g} MB (MAX_UPLOAD_MB), its other fields MAX_BODY_BYTES bytes, and "
            f"{MOST_PARTS} parts in all; it has more."
        )
        raise TooLarge(message, param=FIELD) from None
    finally:
        for file in files:
            file.close()


def _parsed(files: list[IO[bytes]]) -> tuple[dict[str, Any], Upload | None]:
    """files: gets what must be closed."""
    settings = speech_service().settings

    def to_file(*_: object, **__: object) -> IO[bytes]:
        files.append(unnamed_file())
        return files[-1]

    parser = FormDataParser(
        stream_factory=to_file,
        max_form_memory_size=settings.max_body_bytes,
        max_content_length=request.max_content_length,
        max_form_parts=MOST_PARTS,
        silent=False,
    )
    try:
        _, form, found = parser.parse(request.stream, request.mimetype, request.content_length, request.mimetype_params)
    except ValueError:
        raise InvalidRequest("The body is no multipart form, or was cut.") from None
    if others := [name for name in found if name != FIELD]:
        raise InvalidRequest(f"{others[0]}: there is no such field for a file; it is {FIELD}.", param=others[0])
    if len(files) > 1:
        raise InvalidRequest(f"{FIELD}: there may be one file.", param=FIELD)
    return _texts(form.to_dict()), _upload(found[FIELD]) if found else None


def _texts(fields: dict[str, str]) -> dict[str, Any]:
    """Raises InvalidRequest for a field that is no UTF-8: werkzeug puts U+FFFD where it cannot read."""
    if odd := next((name for name, value in fields.items() if "\ufffd" in value), None):
        raise InvalidRequest(f"{odd}: must be UTF-8 text.", param=odd)
    return dict(fields)


def _upload(file: FileStorage) -> Upload:
    return Upload(file.filename or "", file.stream, file.mimetype_params.get("charset"))
