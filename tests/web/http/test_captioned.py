"""POST /api/tts with captions: two files in one answer."""

from __future__ import annotations

import email
import io
import json
from email.message import Message
from typing import Any

import pytest
import soundfile
import srt
import webvtt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from tests.fakes import fake_service

TEXT = "Read along. It is not hard, and **there** are nine words."


@pytest.fixture
def client() -> FlaskClient:
    service = fake_service()
    return create_app(service.settings, service).test_client()


def parts(answer: TestResponse) -> list[Message]:
    assert answer.status_code == 200
    assert answer.content_length == len(answer.data)
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    found: Any = email.message_from_bytes(head + answer.data).get_payload()
    return list(found)


def data(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert part["Content-Length"] == str(len(payload))
    return payload


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_the_audio_is_the_same_and_the_captions_fit_it(client: FlaskClient, format: str) -> None:
    audio, captions = parts(client.post("/api/tts", json={"text": TEXT, "format": format, "captions": "srt"}))
    alone = client.post("/api/tts", json={"text": TEXT, "format": format})
    assert data(audio) == alone.data
    assert (audio.get_content_type(), audio.get_filename()) == (alone.mimetype, f"speech.{format}")
    assert captions.get_filename() == "speech.srt"
    cues = list(srt.parse(data(captions).decode()))
    assert " ".join(cue.content for cue in cues).split() == TEXT.replace("*", "").split()
    info = soundfile.info(io.BytesIO(alone.data))
    assert cues[-1].start.total_seconds() < info.frames / info.samplerate


def test_vtt_and_json(client: FlaskClient) -> None:
    _, vtt = parts(client.post("/api/tts", data={"text": TEXT, "captions": "vtt"}))
    assert vtt.get_content_type() == "text/vtt"
    read = webvtt.from_buffer(io.StringIO(data(vtt).decode()))
    _, told = parts(client.post("/api/tts", data={"text": TEXT, "captions": "json"}))
    assert [cue["text"] for cue in json.loads(data(told))["cues"]] == [cue.text for cue in read]


@pytest.mark.parametrize("more", [{"stream": True}, {"stream_format": "sse"}])
def test_a_stream_has_none(client: FlaskClient, more: dict[str, Any]) -> None:
    answer = client.post("/api/tts", json={"text": TEXT, "captions": "srt"} | more)
    assert (answer.status_code, answer.json["error"]["param"]) == (400, "captions")  # type: ignore[index]
    assert client.post("/api/tts/stream", json={"text": TEXT, "captions": "srt"}).status_code == 400


def test_unknown_captions_are_refused(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": TEXT, "captions": "ass"})
    assert (answer.status_code, answer.json["error"]["param"]) == (400, "captions")  # type: ignore[index]
