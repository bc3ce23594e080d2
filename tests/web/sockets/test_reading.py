"""Words that wait for what follows, over a WebSocket whose client is still writing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import websocket

from tests.fakes import fake_service
from tests.staged import serving


@pytest.fixture
def address() -> Iterator[str]:
    service = fake_service()
    with serving(service) as url:
        yield url.replace("http", "ws")
    service.close()


def words(socket: websocket.WebSocket, count: int) -> list[str]:
    """The next words that are told; audio and progress between them are left out."""
    got: list[str] = []
    while len(got) < count:
        data = socket.recv()
        if isinstance(data, str) and (event := json.loads(data))["type"] == "word":
            got.append(event["word"])
    return got


def test_a_number_is_said_when_its_writer_rests(address: str) -> None:
    """No message comes behind it: only the second of rest lets it go."""
    with closing(websocket.create_connection(f"{address}/api/stream", timeout=30)) as socket:
        socket.send(json.dumps({"type": "start", "format": "pcm"}))
        socket.send(json.dumps({"type": "text", "text": "I have 3 "}))
        assert words(socket, 3) == ["I", "have", "3"]


def test_a_reading_over_several_messages_is_one_word_and_warnings_come_at_the_end(address: str) -> None:
    with closing(websocket.create_connection(f"{address}/api/stream", timeout=30)) as socket:
        socket.send(json.dumps({"type": "start", "format": "pcm", "language": "fr", "lexicon": {"oui": "si"}}))
        for text in ("Oui, 12", ",50 ", "€ ", "[soupir] ", "ici"):
            socket.send(json.dumps({"type": "text", "text": text}))
        socket.send(json.dumps({"type": "end"}))
        assert words(socket, 3) == ["Oui,", "12,50 €", "ici"]
        done = _last(socket)
    assert [warning["code"] for warning in done["warnings"]] == ["direction_unsaid", "other_language"]


def _last(socket: websocket.WebSocket) -> dict[str, Any]:
    while True:
        data = socket.recv()
        if isinstance(data, str) and (event := json.loads(data))["type"] == "done":
            return dict(event)


def test_kyutais_protocol_reads_too(address: str) -> None:
    import msgpack

    with closing(
        websocket.create_connection(f"{address}/api/tts_streaming?format=PcmMessagePack", timeout=30)
    ) as socket:
        for text in ("On", "5", "March", "we"):
            socket.send_binary(msgpack.packb({"type": "Text", "text": text}))
        socket.send_binary(msgpack.packb({"type": "Eos"}))
        said = []
        while len(said) < 3:
            message = msgpack.unpackb(socket.recv())
            if message["type"] == "Text":
                said.append(message["text"])
    assert said == ["On", "5 March", "we"]
