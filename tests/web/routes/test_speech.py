"""The REST core through Flask's test client: answers, headers, errors."""

from __future__ import annotations

import gzip
import io
import json
import logging
import wave
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from app import create_app
from speech.encoders import ENCODERS
from speech.encoders.wav import UNKNOWN
from speech.engines.hibari.voice import HibariVoice
from speech.engines.sentence.engine import SentenceEngine
from speech.voices.catalogue import Voice, VoiceCatalogue
from tests.ear import heard, pcm16, word_errors
from tests.services import make_service
from web.http.forms import SpeechForm

FOX = "The quick brown fox jumped over the lazy dog."


def test_a_whole_wav_tells_its_true_sizes(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": FOX})
    assert answer.status_code == 200
    assert answer.mimetype == "audio/wav"
    assert answer.content_length == len(answer.data)
    with wave.open(io.BytesIO(answer.data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.getnframes() * 2 + 44 == len(answer.data)
        assert float(answer.headers["X-Audio-Duration"]) == pytest.approx(file.getnframes() / 24_000, abs=0.001)
        samples = file.readframes(file.getnframes())
    assert word_errors(FOX, heard(pcm16(samples), 24_000)) == 0


@pytest.mark.parametrize("path", ["/api/tts/stream", "/api/tts"])
def test_a_streamed_wav_says_that_its_size_is_unknown(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={"text": FOX, "stream": True} if path == "/api/tts" else {"text": FOX})
    assert answer.content_length is None
    assert int.from_bytes(answer.data[4:8], "little") == UNKNOWN
    assert int.from_bytes(answer.data[40:44], "little") == UNKNOWN
    whole = client.post("/api/tts", json={"text": FOX}).data
    assert answer.data[44:] == whole[44:]


def test_pcm_is_the_wav_without_its_header(client: FlaskClient) -> None:
    wav = client.post("/api/tts", json={"text": FOX}).data
    pcm = client.post("/api/tts", json={"text": FOX, "format": "pcm"})
    assert pcm.data == wav[44:]
    assert pcm.headers["X-Sample-Rate"] == "24000"


def test_form_fields_do_as_well_as_json(client: FlaskClient) -> None:
    answer = client.post("/api/tts", data={"text": "Hello.", "format": "pcm", "stream": "true"})
    assert answer.status_code == 200
    assert answer.data == client.post("/api/tts", json={"text": "Hello.", "format": "pcm"}).data


def test_headers_name_engine_voice_and_what_was_ignored(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": "Hello.", "cfg_coef": 2.0}, headers={"X-Request-Id": "abc-1"})
    assert answer.headers["X-Engine"] == "hibari"
    assert answer.headers["X-Voice"] == "heart"
    assert answer.headers["X-Ignored"] == "cfg_coef"
    assert answer.headers["X-Request-Id"] == "abc-1"


def test_a_voice_of_any_name_can_stand_in_a_header(voice: HibariVoice) -> None:
    """A header has ASCII alone: gunicorn breaks off at another letter, and a line feed would begin another header."""
    odd = Voice("mér/声 50%\n.wav", "An odd one", "en", "CC0-1.0", True)
    service = make_service(lambda _: SentenceEngine(voice, 1, 1), voices=VoiceCatalogue([odd]))
    answer = create_app(service.settings, service).test_client().post("/api/tts", json={"text": "Hello."})
    service.close()
    assert answer.headers["X-Voice"] == "m%C3%A9r/%E5%A3%B0 50%25%0A.wav"
    assert unquote(answer.headers["X-Voice"]) == odd.id


def test_a_request_id_that_could_forge_a_log_line_is_replaced(client: FlaskClient) -> None:
    answer = client.get("/health", headers={"X-Request-Id": "a b"})
    assert len(answer.headers["X-Request-Id"]) == 32


def test_voices_and_formats_are_listed(client: FlaskClient) -> None:
    voices = client.get("/api/voices").json
    assert voices is not None
    assert [voice["id"] for voice in voices["voices"]] == ["heart", "emma", "fenrir", "fable", "kore"]
    assert voices["default"] == "heart"
    formats = client.get("/api/formats").json
    assert formats is not None
    assert {f["name"] for f in formats["formats"]} == set(ENCODERS)


def test_a_telephone_and_other_rates(client: FlaskClient) -> None:
    said = {"text": "Hello there.", "seed": 1}
    whole = client.post("/api/tts", json=said)
    for name, kind, rate, bytes_a_sample in [
        ("mulaw", "audio/pcmu", None, 1),
        ("alaw", "audio/pcma", 8_000, 1),
        ("pcm", "audio/pcm", 16_000, 2),
        ("pcm", "audio/pcm", 44_100, 2),
    ]:
        answer = client.post("/api/tts", json={**said, "format": name, "sample_rate": rate})
        assert answer.content_type == kind
        assert answer.headers["X-Sample-Rate"] == str(rate or 8_000)
        seconds = len(answer.data) / bytes_a_sample / (rate or 8_000)
        assert seconds == pytest.approx(float(whole.headers["X-Audio-Duration"]), abs=0.001)


BAD = {
    "no text": ({}, 400, "text"),
    "empty text": ({"text": ""}, 400, "text"),
    "blank text": ({"text": " \n\t "}, 400, "text"),
    "only a break": ({"text": '<break time="1s"/>'}, 400, "text"),
    "nothing to say": ({"text": "…"}, 400, "text"),
    "another script": ({"text": "你好"}, 400, "text"),
    "too long": ({"text": "word " * 5000}, 400, "text"),
    "text is a number": ({"text": 5}, 400, "text"),
    "text is a list": ({"text": ["a"]}, 400, "text"),
    "NUL": ({"text": "a\0b"}, 400, "text"),
    "unknown voice": ({"text": "Hi.", "voice": "nobody"}, 404, "voice"),
    "a path as voice": ({"text": "Hi.", "voice": "../../etc/passwd"}, 404, "voice"),
    "NUL in voice": ({"text": "Hi.", "voice": "a\0"}, 400, "voice"),
    "a rate that no format has": ({"text": "Hi.", "sample_rate": 11_025}, 400, "sample_rate"),
    "a rate that this format has not": ({"text": "Hi.", "format": "mulaw", "sample_rate": 16_000}, 400, "sample_rate"),
    "a rate for mp3": ({"text": "Hi.", "format": "mp3", "sample_rate": 16_000}, 400, "sample_rate"),
    "unknown format": ({"text": "Hi.", "format": "exe"}, 400, "format"),
    "cfg_coef is a word": ({"text": "Hi.", "cfg_coef": "much"}, 400, "cfg_coef"),
    "cfg_coef is endless": ({"text": "Hi.", "cfg_coef": 1e400}, 400, None),
    "seed below zero": ({"text": "Hi.", "seed": -1}, 400, "seed"),
    "stream is a word": ({"text": "Hi.", "stream": "perhaps"}, 400, "stream"),
    "unknown field": ({"text": "Hi.", "tekst": "Hi."}, 400, "tekst"),
}


@pytest.mark.parametrize(("body", "status", "param"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_the_field_named(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, body: dict[str, object], status: int, param: str | None
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = client.post("/api/tts", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == status
    assert answer.json is not None
    error = answer.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert caplog.records == []


RAW = {
    "not JSON": (b"text=hi", "application/json", 400),
    "not an object": (b"[1]", "application/json", 400),
    "deeply nested": (b"[" * 100_000, "application/json", 400),
    "not UTF-8": (b'{"text": "\xff"}', "application/json", 400),
    "lone surrogate": (b'{"text": "\\ud800"}', "application/json", 400),
    "nothing at all": (b"", "application/json", 400),
    "another type": (b"hello", "text/plain", 415),
    "JSON that says it is a form": (b'{"text": "Hi."}', "application/x-www-form-urlencoded", 415),
    "ten megabytes": (b'{"text": "' + b"a" * 10_000_000 + b'"}', "application/json", 413),
    "ten megabytes of form": (b"text=" + b"a" * 10_000_000, "application/x-www-form-urlencoded", 413),
}


@pytest.mark.parametrize(("data", "kind", "status"), RAW.values(), ids=RAW)
def test_bad_bodies_are_refused_in_the_one_shape(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, data: bytes, kind: str, status: int
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = client.post("/api/tts", data=data, content_type=kind)
    assert answer.status_code == status
    assert answer.json is not None
    assert set(answer.json["error"]) == {"message", "type", "param", "code"}
    assert caplog.records == []


def test_a_compressed_body_is_refused_for_what_it_is(client: FlaskClient) -> None:
    body = gzip.compress(b'{"text": "Hi."}')
    answer = client.post("/api/tts", data=body, content_type="application/json", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert "compressed" in answer.json["error"]["message"]  # type: ignore[index]


def test_a_byte_order_mark_before_the_json_does_no_harm(client: FlaskClient) -> None:
    answer = client.post("/api/tts", data=b'\xef\xbb\xbf{"text": "Hi."}', content_type="application/json")
    assert answer.status_code == 200


def test_unknown_paths_and_methods_have_the_same_shape(client: FlaskClient) -> None:
    missing, wrong = client.get("/nowhere"), client.get("/api/tts/stream")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert "POST" in wrong.headers["Allow"]
    for answer in (missing, wrong):
        assert answer.json is not None
        assert set(answer.json["error"]) == {"message", "type", "param", "code"}


def test_break_tags_lengthen_the_audio(client: FlaskClient) -> None:
    plain = client.post("/api/tts", json={"text": "One. Two.", "format": "pcm"}).data
    paused = client.post("/api/tts", json={"text": 'One. <break time="2s"/> Two.', "format": "pcm"}).data
    assert len(paused) - len(plain) == 2 * 24_000 * 2


@pytest.mark.parametrize("name", [name for name in SpeechForm.model_fields if name != "text"])
def test_null_means_unset(client: FlaskClient, name: str) -> None:
    assert client.post("/api/tts", json={"text": "Hello.", name: None}).status_code == 200


MULTIPART = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\ncaf\xe9\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"text=caf%E9", "application/x-www-form-urlencoded"),
        (b"text=caf\xe9", "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=x"),
    ],
)
def test_a_form_that_is_no_utf_8(client: FlaskClient, data: bytes, kind: str) -> None:
    answer = client.post("/api/tts", data=data, content_type=kind)
    assert answer.status_code == 400
    error = answer.json["error"]  # type: ignore[index]
    assert "UTF-8" in error["message"]
    assert error["param"] == "text"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"text=caf%C3%A9+100%25", "application/x-www-form-urlencoded"),
        ("text=café \ufffd".encode(), "application/x-www-form-urlencoded"),
        (MULTIPART.replace(b"\xe9", "é \ufffd %E9".encode()), "multipart/form-data; boundary=x"),
    ],
)
def test_a_form_that_is_utf_8(client: FlaskClient, data: bytes, kind: str) -> None:
    assert client.post("/api/tts", data=data, content_type=kind).status_code == 200


def test_turns(client: FlaskClient) -> None:
    turns = [{"text": "Good evening.", "voice": "alloy"}, {"text": "Who is there?"}]
    answer = client.post("/api/tts", json={"turns": turns, "format": "pcm"})
    assert answer.status_code == 200
    marked = client.post(
        "/api/tts", json={"text": "[voice:alloy] Good evening.\n[voice:] Who is there?", "format": "pcm"}
    )
    assert marked.data == answer.data


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "text"),
        ({"text": "a", "turns": [{"text": "b"}]}, "turns"),
        *(({"turns": turns}, "turns") for turns in ([], "x", [{}], [{"text": ""}], [{"text": "a", "who": "b"}])),
    ],
)
def test_turns_that_are_none(client: FlaskClient, body: dict[str, object], param: str) -> None:
    answer = client.post("/api/tts", json=body)
    assert (answer.status_code, answer.json["error"]["param"]) == (400, param)  # type: ignore[index]


def test_a_turns_voice_that_is_not_there(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"turns": [{"text": "Hi.", "voice": "nobody"}]})
    assert answer.status_code == 404
    assert "'nobody'" in answer.json["error"]["message"]  # type: ignore[index]
