"""What was played, compared with what the service says when it is asked directly."""

from __future__ import annotations

import json
import urllib.request
from itertools import pairwise

import numpy as np

from speech.request import Samples
from tests.ear import pcm16
from tests.page.site import Site

PIECE = 240  # samples: 10 ms


def ask(site: Site, text: str, **fields: object) -> bytes:
    body = json.dumps({"text": text, "format": "pcm", **fields}).encode()
    request = urllib.request.Request(f"{site.url}/api/tts", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        data: bytes = response.read()
        return data


def spoken(site: Site, text: str) -> Samples:
    return pcm16(ask(site, text))


def word_times(site: Site, text: str) -> list[float]:
    """When each word begins, in seconds of the audio."""
    lines = ask(site, text, stream_format="sse").decode().splitlines()
    return [json.loads(b[6:])["start_s"] for a, b in pairwise(lines) if a == "event: word"]


def place(want: Samples, got: Samples) -> int:
    """Where in `got` the samples of `want` begin."""
    size = 1 << (len(got) + len(want)).bit_length()
    match = np.fft.irfft(np.fft.rfft(got, size) * np.conj(np.fft.rfft(want, size)), size)
    return int(np.argmax(match[: len(got)]))


def in_order(want: Samples, got: Samples) -> float:
    """How much of `want` (0 to 1) is in `got` bit by bit, piece after piece, with any pauses between them."""
    heard = np.round(got * 32768).astype("<i2").tobytes()
    pieces = [want[i : i + PIECE] for i in range(0, len(want) - PIECE, PIECE)]
    loud = [np.round(p * 32768).astype("<i2").tobytes() for p in pieces if np.max(np.abs(p)) > 0.01]
    at = found = 0
    for piece in loud:
        there = heard.find(piece, at)
        if there >= 0:
            at, found = there + len(piece), found + 1
    return found / len(loud)
