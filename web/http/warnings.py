"""What a text's remarks look like to a client: `warnings` in JSON and events, a count in X-Warnings otherwise."""

from __future__ import annotations

from typing import Any

from speech.session import Speech
from speech.text.remarks import Remarks

HEADER = "X-Warnings"


def warnings(remarks: Remarks) -> list[dict[str, Any]]:
    """Each with its code, the part of the text that it is about, and a sentence."""
    return [{"code": r.about.value, "text": r.quoted, "message": r.sentence} for r in list(remarks.listed)]


def warnings_of(speech: Speech) -> list[dict[str, Any]]:
    """Those of what was read of its text so far."""
    return warnings(speech.remarks)
