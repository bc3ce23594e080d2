"""What the bytes of a piece of speech depend on, as one string (fingerprint)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256

from speech.request import SpeechRequest
from speech.text.manner import Manner

OF_NO_SOUND = ("caller", "embedding")  # fields that say who asks, or that only sockets have


def fingerprint(request: SpeechRequest, engine: str, voices: Sequence[object], manners: Sequence[Manner]) -> str:
    """request: settled, so that what is unset and what is the default are the same.

    voices: each that speaks, and what tells its file from another of that name. manners: how each one's text is read,
    with the entries of the lexicons.
    """
    fields = {name: value for name, value in asdict(request).items() if name not in OF_NO_SOUND}
    return sha256(repr((fields, engine, tuple(voices), tuple(manners))).encode()).hexdigest()
