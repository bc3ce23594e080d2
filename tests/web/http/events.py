"""Reading server-sent events, as a browser does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any


def read_events(chunks: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, data) of each event as it comes; comments are left out."""
    held = b""
    for chunk in chunks:
        held += chunk
        while b"\n\n" in held:
            block, held = held.split(b"\n\n", 1)
            lines = [line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":")]
            fields = dict(lines)
            if fields:
                yield fields.get("event", "message"), json.loads(fields["data"])
    assert held == b"", "the stream ended inside an event"
