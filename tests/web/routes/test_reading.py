"""How a text will be read, over HTTP, and what listeners are told of what is not said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from speech.settings import Settings
from tests.fakes import fake_service
from tests.speech.text.reading.reading import CASES, plain
from tests.web.http.events import read_events


def asked(client: FlaskClient, text: str, **fields: object) -> dict[str, Any]:
    answer = client.post("/api/reading", json={"text": text, **fields})
    assert answer.status_code == 200, answer.json
    got: dict[str, Any] = answer.json
    return got


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_trials(client: FlaskClient, language: str) -> None:
    trials = json.loads((CASES / "trials.json").read_text(encoding="utf-8"))[language]
    wrong = [
        case["written"]
        for case in trials
        if plain(asked(client, case["written"], language=language)["spoken"]) not in map(plain, case["spoken"])
    ]
    assert wrong == []


def test_words_lie_on_the_text(client: FlaskClient) -> None:
    text = "😀 Cela coûte 12,50 €."
    got = asked(client, text, language="fr")
    assert got["language"] == "fr"
    assert got["spoken"] == "Cela coûte douze euros cinquante."
    units = text.encode("utf-16-le")
    places = [units[2 * word["start"] : 2 * word["stop"]].decode("utf-16-le") for word in got["words"]]
    assert places == [word["written"] for word in got["words"]] == ["😀", "Cela", "coûte", "12,50 €."]
    assert [word["spoken"] for word in got["words"]] == ["", "Cela", "coûte", "douze euros cinquante."]


def test_wishes(client: FlaskClient) -> None:
    text = "Kyutai has 3.\n\n```\ncode\n```"
    assert asked(client, text)["spoken"] == "Kyutai has three."
    assert asked(client, text, normalize=False)["spoken"] == "Kyutai has 3."
    assert asked(client, text, lexicon={"Kyutai": "kyoo-tie"})["spoken"] == "kyoo-tie has three."
    assert asked(client, text, code="read")["spoken"] == "Kyutai has three. code."


def test_warnings_name_what_is_not_said_also_without_normalizing(client: FlaskClient) -> None:
    got = asked(client, "Hello 你好 [sigh] friend.", normalize=False)
    assert [(warning["code"], warning["text"]) for warning in got["warnings"]] == [
        ("direction_unsaid", "[sigh]"),
        ("signs_unsaid", "你好"),
    ]
    assert all(warning["text"] in warning["message"] for warning in got["warnings"])


def test_a_french_text_with_an_english_voice_is_said_and_warned_of(client: FlaskClient) -> None:
    answer = client.post("/api/tts", json={"text": "Il est tard et la nuit est belle."})
    assert answer.status_code == 200
    assert answer.headers["X-Warnings"] == "1"
    answer.close()
    assert b'tts_warnings_total{about="other_language"} 1.0' in client.get("/metrics").data
    assert "X-Warnings" not in client.post("/api/tts", json={"text": "It is late."}).headers


def test_events_tell_them_and_name_words_as_written(client: FlaskClient) -> None:
    body = {"text": "It costs $12.50 你好 now.", "stream_format": "sse", "format": "pcm"}
    events = list(read_events([client.post("/api/tts", json=body).data]))
    start = next(data for name, data in events if name == "start")
    assert [warning["code"] for warning in start["warnings"]] == ["signs_unsaid"]
    words = [data for name, data in events if name == "word"]
    assert [word["word"] for word in words] == ["It", "costs", "$12.50", "now."]
    assert all(word["stop_s"] > word["start_s"] for word in words)


def test_openais_api_takes_the_same_wishes(client: FlaskClient) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": "Il est tard et la nuit est belle.", "lexicon": {"Il": "eel"}}
    answer = client.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200
    assert answer.headers["X-Warnings"] == "1"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"language": "english"}, "language"),
        ({"lexicon": {"": "x"}}, "lexicon"),
        ({"lexicon": {"x": "y" * 101}}, "lexicon"),
        ({"lexicon": {"a b c d e f g": "y"}}, "lexicon"),
        ({"lexicon": {str(n): "y" for n in range(201)}}, "lexicon"),
        ({"lexicon": ["x"]}, "lexicon"),
        ({"code": "say"}, "code"),
        ({"normalize": 1}, "normalize"),
    ],
)
def test_wrong_wishes_are_named(client: FlaskClient, fields: dict[str, object], param: str) -> None:
    for path in ("/api/reading", "/api/tts"):
        answer = client.post(path, json={"text": "One.", **fields})
        assert answer.status_code == 400
        assert answer.json is not None
        assert answer.json["error"]["param"] == param


def test_a_form_brings_its_lexicon_as_json(client: FlaskClient) -> None:
    answer = client.post(
        "/api/reading", data={"text": "Kyutai", "lexicon": '{"Kyutai": "kyoo-tie"}', "normalize": "false"}
    )
    assert answer.json is not None
    assert answer.json["spoken"] == "kyoo-tie"
    wrong = client.post("/api/reading", data={"text": "Kyutai", "lexicon": "Kyutai"})
    assert wrong.status_code == 400
    assert wrong.json is not None
    assert wrong.json["error"]["param"] == "lexicon"


@pytest.fixture
def own_words(tmp_path: Path) -> Iterator[tuple[FlaskClient, Path]]:
    settings = Settings(lexicon_dir=tmp_path)
    service = fake_service(settings=settings)
    yield create_app(settings, service).test_client(), tmp_path / "en.txt"
    service.close()


def test_the_operators_lexicon_is_read_again_when_it_changes(own_words: tuple[FlaskClient, Path]) -> None:
    client, path = own_words
    assert asked(client, "SQL")["spoken"] == "S Q L"
    path.write_text("sql = sequel\n", encoding="utf-8")
    assert asked(client, "SQL")["spoken"] == "sequel"
    assert asked(client, "SQL", lexicon={"SQL": "squirrel"})["spoken"] == "squirrel"
    path.write_text("sql = the letters\n", encoding="utf-8")
    assert asked(client, "SQL")["spoken"] == "the letters"


def test_a_text_that_is_too_long_is_refused(own_words: tuple[FlaskClient, Path]) -> None:
    answer = own_words[0].post("/api/reading", json={"text": "a " * 10_001})
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["code"] == "text_too_long"
