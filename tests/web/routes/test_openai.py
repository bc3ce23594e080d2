"""The real openai package against the real service."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from base64 import b64decode
from collections.abc import Iterator

import openai
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openai import AsyncOpenAI, OpenAI
from werkzeug.test import TestResponse

from app import create_app
from speech.encoders import ENCODERS
from speech.errors import EngineFailed
from speech.service import SpeechService
from speech.settings import Settings, SettingsError
from tests.ear import heard, word_error_rate
from tests.live_server import LiveServer
from tests.speech.encoders.test_encoders import SENTENCE, TELEPHONE, decode
from tests.stage import StageEngine
from tests.web.http.events import read_events
from web.routes.openai import OpenAISpeechForm

FOX = "The quick brown fox jumped over the lazy dog."


@pytest.fixture
def sdk(server: LiveServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="anything", max_retries=0) as sdk:
        yield sdk


@pytest.mark.parametrize("name", ENCODERS)
def test_every_format_is_heard(sdk: OpenAI, name: str) -> None:
    answer = sdk.audio.speech.create(
        model="tts-1",
        voice="alloy",
        input=SENTENCE,
        response_format=name,  # type: ignore[arg-type]
        extra_body={"seed": 1},
    )
    assert answer.response.headers["content-type"].split(";")[0] == ENCODERS[name].media_type
    most = 0.4 if name in TELEPHONE else 0.1  # of what is cut off above 4 kHz the recogniser misses much
    assert word_error_rate(SENTENCE, heard(decode(name, answer.content), 24_000)) <= most


def test_mp3_is_the_default(sdk: OpenAI) -> None:
    answer = sdk.audio.speech.create(model="tts-1", voice="nova", input="Hello.")
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert answer.content[0] == 0xFF
    assert answer.content[1] & 0xE0 == 0xE0  # a frame, no tag


def test_with_streaming_response(sdk: OpenAI) -> None:
    with sdk.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="verse", input=FOX, response_format="pcm"
    ) as answer:
        parts = list(answer.iter_bytes())
        assert answer.headers["x-request-id"] == answer.request_id
        assert "content-length" not in answer.headers
    assert len(parts) > 1
    assert word_error_rate(FOX, heard(decode("pcm", b"".join(parts)), 24_000)) == 0


def test_async(server: LiveServer) -> None:
    async def both() -> list[bytes]:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as sdk:
            ask = [
                sdk.audio.speech.create(model="tts-1", voice="alloy", input=text, response_format="flac")
                for text in (FOX, "Hello.")
            ]
            return [answer.content for answer in await asyncio.gather(*ask)]

    fox, hello = asyncio.run(both())
    assert word_error_rate(FOX, heard(decode("flac", fox), 24_000)) == 0
    assert len(hello) < len(fox)


@pytest.mark.parametrize("name", ["pcm", "mp3", "opus", "wav"])
def test_events_are_openais(sdk: OpenAI, name: str) -> None:
    with sdk.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts",
        voice="alloy",
        input=FOX,
        response_format=name,  # type: ignore[arg-type]
        stream_format="sse",
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [data for _, data in read_events(answer.iter_bytes())]
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert all(set(event) == {"type", "audio"} for event in events[:-1])
    audio = decode(name, b"".join(b64decode(event["audio"]) for event in events[:-1]))
    assert word_error_rate(FOX, heard(audio, 24_000)) == 0
    usage = events[-1]["usage"]
    assert events[-1] == {"type": "speech.audio.done", "usage": usage}
    assert usage["output_tokens"] == pytest.approx(len(audio) / 1_920, abs=2)
    assert usage["input_tokens"] >= len(FOX.split())
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_words_come_only_for_those_who_ask(sdk: OpenAI) -> None:
    with sdk.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=FOX, stream_format="sse", extra_body={"timestamps": ["word"]}
    ) as answer:
        events = [data for _, data in read_events(answer.iter_bytes())]
    words = [event for event in events if event["type"] == "speech.text.word"]
    assert " ".join(word["word"] for word in words) == FOX
    assert all(word["start"] <= word["end"] for word in words)


def test_speed_and_a_voice_by_id(sdk: OpenAI) -> None:
    def seconds(speed: float) -> float:
        answer = sdk.audio.speech.create(
            model="tts-1", voice={"id": "heart"}, input=FOX, response_format="pcm", speed=speed, extra_body={"seed": 3}
        )
        return len(answer.content) / 48_000

    assert seconds(2.0) == pytest.approx(seconds(1.0) / 2, rel=0.02)


@pytest.mark.parametrize(
    ("change", "kind", "param", "code"),
    [
        ({"voice": "nobody"}, openai.BadRequestError, "voice", "voice_not_found"),
        ({"voice": "../../etc/passwd"}, openai.BadRequestError, "voice", "voice_not_found"),
        ({"model": "whisper-1"}, openai.NotFoundError, "model", "model_not_found"),
        ({"input": ""}, openai.BadRequestError, "input", "invalid_value"),
        ({"input": "a " * 20_000}, openai.BadRequestError, "input", "text_too_long"),
        ({"speed": 4.5}, openai.BadRequestError, "speed", "invalid_value"),
        ({"speed": 0.2}, openai.BadRequestError, "speed", "invalid_value"),
        ({"response_format": "ogg"}, openai.BadRequestError, "response_format", "invalid_value"),
        ({"instructions": "Whisper."}, openai.BadRequestError, "instructions", "unsupported_parameter"),
        ({"stream_format": "text"}, openai.BadRequestError, "stream_format", "invalid_value"),
        ({"extra_body": {"timestamps": ["word"]}}, openai.BadRequestError, "timestamps", "invalid_value"),
        ({"extra_body": {"pitch": 2}}, openai.BadRequestError, "pitch", "invalid_value"),
        ({"extra_body": {"bitrate": 64}, "response_format": "wav"}, openai.BadRequestError, "bitrate", "invalid_value"),
    ],
)
def test_errors_are_typed(
    sdk: OpenAI, change: dict[str, object], kind: type[openai.APIStatusError], param: str, code: str
) -> None:
    given = {"model": "tts-1", "voice": "alloy", "input": FOX} | change
    with pytest.raises(kind) as caught:
        sdk.audio.speech.create(**given)  # type: ignore[arg-type]
    error = caught.value
    assert isinstance(error, openai.APIStatusError)
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")
    assert error.request_id


def test_a_missing_voice_is_named(client: FlaskClient) -> None:
    error = client.post("/v1/audio/speech", json={"model": "tts-1", "input": FOX}).json["error"]  # type: ignore[index]
    assert (error["param"], error["message"]) == ("voice", "voice: is required.")


def test_models(sdk: OpenAI) -> None:
    names = [model.id for model in sdk.models.list()]
    assert names[0] == "hibari"
    assert {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "kyutai-tts-1.6b"} <= set(names)
    assert sdk.models.retrieve("kyutai/tts-1.6b-en_fr").object == "model"
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"


def test_lists_as_open_webui_reads_them(client: FlaskClient) -> None:
    voices = client.get("/v1/audio/voices").json
    assert voices is not None
    assert voices["voices"][0].items() >= {"id": "heart", "name": "Heart"}.items()
    assert voices["data"] == voices["voices"]
    models = client.get("/v1/audio/models").json
    assert models is not None
    assert {"id": "tts-1", "name": "tts-1"} in models["models"]


def test_an_unknown_route_and_method_have_openais_shape(client: FlaskClient) -> None:
    for answer, status in ((client.get("/v1/nothing"), 404), (client.delete("/v1/audio/speech"), 405)):
        assert answer.status_code == status
        assert set(answer.json["error"]) == {"message", "type", "param", "code"}  # type: ignore[index]


def test_any_model_if_the_operator_says_so(voice, service: SpeechService) -> None:  # type: ignore[no-untyped-def]
    service.settings = Settings(engine="hibari", openai_any_model=True)
    client = create_app(service.settings, service).test_client()
    answer = client.post("/v1/audio/speech", json={"model": "kokoro", "voice": "alloy", "input": "Hello."})
    assert answer.status_code == 200


def test_what_fails_is_not_asked_again(app: Flask, service: SpeechService) -> None:
    def broken(_progress: object) -> object:
        raise EngineFailed("The file is damaged.")

    service.manager.configure(broken, -1)  # type: ignore[arg-type]
    answer = app.test_client().post("/v1/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": FOX})
    assert (answer.status_code, answer.headers["X-Should-Retry"]) == (500, "false")


# -- voices ---------------------------------------------------------------------------------------------------------


LENIENT = Settings(engine="hibari", gpu_idle_timeout=-1, openai_lenient=True)


@pytest.fixture
def lenient(service: SpeechService) -> FlaskClient:
    service.settings = LENIENT
    return create_app(LENIENT, service).test_client()


def test_lenient_leaves_aside_what_is_not_supported_and_says_so(lenient: FlaskClient) -> None:
    answer = say(lenient, input="Hello.", instructions="Whisper.", lang_code="a", **{"odd\r\nname": 1})
    assert answer.status_code == 200
    assert answer.headers["X-Ignored"] == "instructions, lang_code, ?"
    assert say(lenient, input="Hello.", instructions="", lang_code=None).headers.get("X-Ignored") is None


def test_lenient_speaks_with_the_default_voice_for_an_unknown_one(lenient: FlaskClient) -> None:
    answer = say(lenient, input="Hello.", voice="Rachel")
    assert (answer.status_code, answer.headers["X-Voice"]) == (200, "heart")


def test_lenient_says_so_in_the_answer_to_a_text_without_words(lenient: FlaskClient) -> None:
    answer = say(lenient, input=".", instructions="Whisper.")
    assert (answer.headers["X-Silence"], answer.headers["X-Ignored"]) == ("nothing_to_say", "instructions")


def test_lenient_still_refuses_what_is_wrong(lenient: FlaskClient) -> None:
    assert say(lenient, input="Hello.", speed=9).status_code == 400


def test_our_own_api_takes_the_names_too(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": "Hello.", "voice": "Alloy"})
    assert (answer.status_code, answer.headers["X-Voice"]) == (200, "heart")


def test_a_wrong_setting_is_one_line() -> None:
    with pytest.raises(SettingsError, match="OPENAI_VOICES"):
        Settings.load({"OPENAI_VOICES": "alloy"})


def test_error_midway_is_an_event_and_the_end(app: Flask, service: SpeechService) -> None:
    stage = StageEngine()
    service.manager.configure(lambda _: stage, -1)
    service.load()

    def play() -> None:
        utterance = stage.next()
        stage.play(utterance, "Hello", finish=False)
        utterance.fail(EngineFailed("It broke."))

    player = threading.Thread(target=play)
    player.start()
    body = {"model": "tts-1", "voice": "alloy", "input": FOX, "stream_format": "sse", "response_format": "pcm"}
    answer = app.test_client().post("/v1/audio/speech", json=body)
    player.join()
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    assert [event["type"] for event in events] == ["speech.audio.delta", "error"]
    assert events[-1]["error"]["message"] == "It broke."


# -- what clients send ----------------------------------------------------------------------------------------------

BODY: dict[str, object] = {"model": "tts-1", "voice": "alloy", "input": "Good evening."}


def say(client: FlaskClient, **fields: object) -> TestResponse:
    return client.post("/v1/audio/speech", json={**BODY, **fields})


@pytest.mark.parametrize("text", [".", "...", "\u2014", "😀", "---", "**", "你好", " "])
def test_a_text_without_words_is_a_short_silence(client: FlaskClient, text: str) -> None:
    """Clients that cut an answer into sentences send such pieces. Some find words only in the engine."""
    answer = say(client, input=text, response_format="wav")
    assert (answer.status_code, answer.headers["X-Silence"]) == (200, "nothing_to_say")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    audio = decode("wav", answer.data)
    assert len(audio) == 2400
    assert not audio.any()


@pytest.mark.parametrize("name", ENCODERS)
def test_the_silence_has_the_format_asked_for(client: FlaskClient, name: str) -> None:
    answer = say(client, input=".", response_format=name)
    assert answer.content_type.split(";")[0] == ENCODERS[name].media_type
    assert abs(decode(name, answer.data)).max() < 1e-3


def test_silence_as_events(client: FlaskClient) -> None:
    answer = say(client, input=".", response_format="wav", stream_format="sse")
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    assert [event["type"] for event in events] == ["speech.audio.delta", "speech.audio.done"]
    assert len(b64decode(events[0]["audio"])) == 44 + 2 * 2400


def test_our_own_api_refuses_a_text_without_words(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": "."})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "nothing_to_say")  # type: ignore[index]


def test_silence_holds_nothing(client: FlaskClient, service: SpeechService) -> None:
    say(client, input=".")
    assert service.streams_open == 0
    assert 'outcome="ok"' in service.metrics.text().decode()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": "a" * 20_001}, "input"),
        ({"response_format": "mp3", "bitrate": 1}, "bitrate"),
        ({"input": ""}, "input"),
    ],
)
def test_a_message_names_the_field_of_this_api(client: FlaskClient, fields: dict[str, object], param: str) -> None:
    error = say(client, **fields).json["error"]  # type: ignore[index]
    assert error["param"] == param
    assert error["message"].startswith(param)


@pytest.mark.parametrize(
    "name", [name for name, field in OpenAISpeechForm.model_fields.items() if not field.is_required()]
)
def test_null_means_unset(client: FlaskClient, name: str) -> None:
    assert say(client, **{name: None}).status_code == 200


@pytest.mark.parametrize("name", ["model", "input", "voice"])
def test_null_is_no_value_of_what_is_required(client: FlaskClient, name: str) -> None:
    assert say(client, **{name: None}).json["error"]["param"] == name  # type: ignore[index]


def test_a_whole_file_has_true_sizes(client: FlaskClient) -> None:
    answer = say(client, response_format="wav", stream=False)
    size = int.from_bytes(answer.data[40:44], "little")
    assert int(answer.headers["Content-Length"]) == len(answer.data) == size + 44
    streamed = say(client, response_format="wav")
    assert "Content-Length" not in streamed.headers


@pytest.mark.parametrize("name", ["tts-1-1106", "tts-1-hd-1106", "gpt-4o-mini-tts-2025-03-20", "tts-1"])
def test_a_dated_model_is_its_base(client: FlaskClient, name: str) -> None:
    assert say(client, model=name).status_code == 200
    assert client.get(f"/v1/models/{name}").json["id"] == name  # type: ignore[index]


@pytest.mark.parametrize("name", ["tts-2-1106", "tts-1-110", "tts-1-1106-1106", "whisper-1-1106"])
def test_other_names_are_none(client: FlaskClient, name: str) -> None:
    assert client.get(f"/v1/models/{name}").status_code == 404


@pytest.mark.parametrize("path", ["//v1/audio/speech", "/v1//audio/speech", "///v1/audio//speech"])
def test_a_base_url_that_ends_in_a_slash(server: LiveServer, path: str) -> None:
    request = urllib.request.Request(
        f"{server.url}{path}", json.dumps(BODY).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"{server.url}//v1/models", timeout=60) as answer:
        assert answer.status == 200
