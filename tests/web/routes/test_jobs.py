"""/api/jobs: from the text to the audio, for its own key only."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import webvtt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from speech.settings import Settings
from tests.fakes import fake_service
from tests.waiting import wait_until

TEXT = "The keeper walks along the shore before the sun comes up. " * 20
ME, OTHER = {"Authorization": "Bearer mine"}, {"Authorization": "Bearer other"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    environ = {"ENGINE": "hibari", "GPU_IDLE_TIMEOUT": "-1", "OUTPUT_DIR": str(tmp_path), "API_KEYS": "a:mine,b:other"}
    settings = Settings.load(environ)
    service = fake_service(settings=settings)
    app = create_app(settings, service)
    yield app.test_client()
    app.extensions["jobs"].close()
    service.close()


def done(client: FlaskClient, place: str) -> dict[str, object]:
    def asked() -> dict[str, object]:
        answer = client.get(place, headers=ME).json
        assert answer is not None
        return answer

    wait_until(lambda: asked()["state"] == "done")
    return asked()


def got(client: FlaskClient, place: str, **headers: str) -> TestResponse:
    """The answer, read to its end."""
    with client.get(place, headers=ME | headers) as answer:
        assert answer.data
    return answer


def test_from_the_text_to_the_audio(client: FlaskClient) -> None:
    taken = client.post("/api/jobs", json={"text": TEXT, "title": "A day", "format": "flac", "speed": 2}, headers=ME)
    assert taken.status_code == 202
    place = taken.headers["Location"]
    assert place == f"/api/jobs/{taken.json['id']}"  # type: ignore[index]
    job = done(client, place)
    assert (job["title"], job["passages_done"], job["format"]) == ("A day", job["passages_total"], "flac")
    whole = got(client, f"{place}/audio")
    assert whole.mimetype == "audio/flac"
    assert soundfile.info(io.BytesIO(whole.data)).duration == pytest.approx(float(str(job["audio_s"])), abs=0.01)
    part = got(client, f"{place}/audio", Range="bytes=0-3")
    assert (part.status_code, part.data) == (206, b"fLaC")
    with client.get(f"{place}/audio", headers=ME | {"If-None-Match": whole.headers["ETag"]}) as again:
        assert again.status_code == 304
    assert got(client, f"{place}/audio?format=wav").data[:4] == b"RIFF"
    captions = client.get(f"{place}/captions?format=vtt", headers=ME)
    read = webvtt.from_buffer(io.StringIO(captions.text))
    assert " ".join(cue.text for cue in read).split() == TEXT.split()
    assert client.delete(place, headers=ME).status_code == 204
    assert client.get(place, headers=ME).status_code == 404


def test_another_key_sees_nothing(client: FlaskClient) -> None:
    place = client.post("/api/jobs", data={"text": TEXT}, headers=ME).headers["Location"]
    assert client.get("/api/jobs", headers=OTHER).json == {"jobs": [], "total": 0}
    for method, path in (("get", ""), ("get", "/audio"), ("get", "/captions"), ("post", "/cancel"), ("delete", "")):
        answer = client.open(place + path, method=method.upper(), headers=OTHER)
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "job_not_found")  # type: ignore[index]
    assert client.get("/api/jobs").status_code == 401
    assert [job["id"] for job in client.get("/api/jobs?limit=5", headers=ME).json["jobs"]] == [place.split("/")[-1]]  # type: ignore[index]


def test_states_are_told(client: FlaskClient) -> None:
    place = client.post("/api/jobs", json={"text": TEXT}, headers=ME).headers["Location"]
    done(client, place)
    for path in ("/cancel", "/resume"):
        answer = client.post(place + path, headers=ME)
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "job_state")  # type: ignore[index]
    assert client.get("/api/jobs?limit=0", headers=ME).status_code == 400
    assert client.get(f"{place}/audio?format=ogg", headers=ME).status_code == 400
    assert client.post("/api/jobs", json={"text": "* #"}, headers=ME).status_code == 400


def test_a_document_its_passages_and_its_events(client: FlaskClient) -> None:
    chapters = [{"title": "The sea", "paragraphs": [{"text": TEXT}]}, {"paragraphs": [{"text": "It ends."}]}]
    taken = client.post("/api/jobs", json={"chapters": chapters, "title": "A book"}, headers=ME)
    assert taken.status_code == 202
    place = taken.headers["Location"]
    job = done(client, place)
    assert [chapter["title"] for chapter in job["chapters"]] == ["The sea", ""]  # type: ignore[attr-defined]
    listed = client.get(f"{place}/passages?limit=2&offset=1", headers=ME).json
    assert listed is not None
    assert [(part["number"], part["chapter"], part["done"]) for part in listed["passages"]] == [
        (1, 0, True),
        (2, 0, True),
    ]
    assert (listed["total"], listed["passages"][0]["words"]) == (
        job["passages_total"],
        listed["passages"][0]["words_spoken"],
    )
    events = got(client, f"{place}/events", **{"Last-Event-ID": "0"}).text
    assert events.count("event: passage\n") == job["passages_total"]
    assert events.startswith("id: ")
    again = client.post(f"{place}/passages/0", json={"text": "The ocean"}, headers=ME)
    assert again.status_code == 202
    done(client, place)
    assert client.get(f"{place}/captions", headers=ME).text.splitlines()[2].startswith("The ocean")
    for number in (99, 10**30):
        answer = client.post(f"{place}/passages/{number}", json={}, headers=ME)
        assert (answer.status_code, answer.json["error"]["param"]) == (400, "number")  # type: ignore[index]
    assert got(client, f"{place}/audio?format=m4b&chapter=1").data[4:8] == b"ftyp"
    assert got(client, f"{place}/audio?zip=true").mimetype == "application/zip"


def test_what_a_document_must_have(client: FlaskClient) -> None:
    for body in ({}, {"text": "Hello.", "chapters": [{"paragraphs": []}]}):
        answer = client.post("/api/jobs", json=body, headers=ME)
        assert (answer.status_code, answer.json["error"]["param"]) == (400, "text")  # type: ignore[index]
    answer = client.post("/api/jobs", json={"chapters": [{"paragraphs": [{"txt": "Hello."}]}]}, headers=ME)
    assert (answer.status_code, answer.json["error"]["param"]) == (400, "chapters")  # type: ignore[index]
