"""A whole speech as the bytes of its file."""

from __future__ import annotations

import io

from speech.session import Speech


def whole_file(speech: Speech) -> bytes:
    file = io.BytesIO()
    speech.write(file)
    return file.getvalue()
