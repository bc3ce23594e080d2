"""POST /api/jobs with a file: spoken as a document; what is no such file is refused, and nothing of it is left."""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, stream_encode_multipart

from app import create_app
from speech.settings import Settings
from tests.fakes import fake_service
from tests.live_server import LiveServer, live_server
from tests.speech.documents.files import docx, epub, paragraph
from tests.speech.documents.test_hostile import bomb
from tests.waiting import wait_until

BOOK = {"a.xhtml": "<h1>One</h1><p>It was calm.</p>", "b.xhtml": "<h1>Two</h1><p>It was [voice:x] not.</p>"}

LATIN_TITLE = (
    b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\ncaf\xe9\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\na\r\n--x--\r\n'
)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    environ = {"ENGINE": "hibari", "GPU_IDLE_TIMEOUT": "-1", "OUTPUT_DIR": str(tmp_path), "MAX_UPLOAD_MB": "1"}
    settings = Settings.load(environ | {"MAX_JOB_CHARS": "1000"})
    service = fake_service(settings=settings)
    app = create_app(settings, service)
    yield app
    app.extensions["jobs"].close()
    service.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def send(client: FlaskClient, name: str, data: bytes, kind: str = "", **fields: str) -> TestResponse:
    """Not as the client makes forms itself: it leaves large ones in a file that it does not close."""
    form = {"file": FileStorage(io.BytesIO(data), name, content_type=kind or None), **fields}
    body, _, boundary = stream_encode_multipart(form, use_tempfile=False)
    return client.post("/api/jobs", data=body.read(), content_type=f"multipart/form-data; boundary={boundary}")


def send_raw(client: FlaskClient, body: bytes) -> TestResponse:
    """body: with the boundary x."""
    return client.post("/api/jobs", data=body, content_type="multipart/form-data; boundary=x")


def refused(answer: TestResponse, status: int, match: str, param: str | None = "file") -> None:
    assert answer.status_code == status, answer.text
    error = answer.json["error"]  # type: ignore[index]
    assert error["param"] == param
    assert match in error["message"]


def test_an_ebook_is_spoken_in_chapters(client: FlaskClient) -> None:
    answer = send(client, "a book.epub", epub(BOOK), format="mp3", speed="1.5")
    assert answer.status_code == 202, answer.text
    place = answer.headers["Location"]
    wait_until(lambda: client.get(place).json["state"] == "done")  # type: ignore[index]
    job = client.get(place).json
    assert job is not None
    assert (job["title"], job["format"]) == ("A Book", "mp3")
    assert [chapter["title"] for chapter in job["chapters"]] == ["One", "Two"]
    said = [part["text"] for part in client.get(f"{place}/passages").json["passages"]]  # type: ignore[index]
    assert " ".join(said) == "# One It was calm. # Two It was [voice:x] not."


def test_every_format_is_taken_and_a_title_goes_before_the_files(client: FlaskClient) -> None:
    files = {
        "a.txt": "caf\xe9".encode(),
        "a.md": b"# T\n\nHello.",
        "a.html": b"<h1>T</h1><p>Hello.",
        "a.docx": docx(paragraph("Hello.")),
        "a.srt": b"1\n00:00:01,000 --> 00:00:02,000\nHello.\n",
    }
    for name, data in files.items():
        answer = send(client, name, data, title="Mine")
        assert answer.status_code == 202, answer.text
        assert answer.json["title"] == "Mine"  # type: ignore[index]
    assert send(client, "a.txt", "caf\xe9".encode("latin-1"), "text/plain; charset=iso-8859-1").status_code == 202


def test_a_form_without_a_file_is_read_as_ever(client: FlaskClient) -> None:
    answer = client.post("/api/jobs", data={"text": "Hello."}, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.text
    refused(client.post("/api/jobs", data={}, content_type="multipart/form-data"), 400, "a file is required", "text")


def test_marks_of_voices_count(client: FlaskClient) -> None:
    place = send(client, "a.txt", b"One.\n\n[voice:echo] Two.\n\nThree.").headers["Location"]
    said = [part["text"] for part in client.get(f"{place}/passages").json["passages"]]  # type: ignore[index]
    assert [" ".join(text.split()) for text in said] == ["One.", "Two. Three."]
    refused(send(client, "a.txt", b"[voice:nobody] One."), 404, "'nobody'", "voice")


def test_what_is_refused(client: FlaskClient, tmp_path: Path) -> None:
    hostile = {
        "a.pdf": (b"%PDF", "must be one of .txt, "),
        "a.docx": (b"no zip", "is no .docx: it is no zip file"),
        "b.docx": (bomb("word/document.xml", b"<a>", b"<b>" + b" " * 999_993 + b"</b>", 30), "200 times its size"),
        "a.epub": (epub(BOOK, **{"../evil": "x"}), "leads out of it"),
        "a.txt": ("caf\xe9".encode("latin-1"), "is no UTF-8 text: byte 3"),
        "b.txt": (b"a " * 1000, "more than 1000 characters"),
        "c.txt": (b" " * 900_000, "MAX_JOB_CHARS"),
    }
    for name, (data, match) in hostile.items():
        refused(send(client, name, data), 400, match)
    refused(send(client, "a.txt", b" " * 1_100_000), 413, "MAX_UPLOAD_MB")
    refused(send(client, "a.txt", b"a", text="b"), 400, "a file in its place", "text")
    refused(send(client, "a.txt", b"a", format="ogg"), 400, "format", "format")
    refused(send_raw(client, LATIN_TITLE), 400, "must be UTF-8 text", "title")
    refused(client.post("/api/jobs", data={"book": (io.BytesIO(b"a"), "a.txt")}), 400, "it is file", "book")
    refused(send_raw(client, b"--x\r\nContent-Disposition: form-data; name="), 400, "no multipart form", None)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("uploads")
    with live_server(folder, ENGINE="hibari", OUTPUT_DIR=str(folder), GPU_IDLE_TIMEOUT="0") as server:
        yield server


def post(server: LiveServer, pieces: Iterator[bytes], **headers: str) -> int:
    """The status; the body goes until the server has had enough."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/api/jobs")
    for name, value in ({"Content-Type": "multipart/form-data; boundary=x"} | headers).items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    try:
        for piece in pieces:
            connection.send(piece)
    except OSError:
        pass  # it has answered and hung up
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.slow
def test_two_hundred_megabytes_of_nothing_cost_nothing(running: LiveServer) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    before = running.worker().memory_info().rss

    def chunks() -> Iterator[bytes]:
        for data in (head, *([bytes(1_000_000)] * 200)):
            yield b"%x\r\n%s\r\n" % (len(data), data)
        yield b"0\r\n\r\n"

    assert post(running, iter([head]), Content_Length=str(200_000_000)) == 413
    assert post(running, chunks(), Transfer_Encoding="chunked") == 413
    bombs = bomb("word/document.xml", b"<a>", b"<b>" + b" " * 999_993 + b"</b>", 200)
    body = head.replace(b".txt", b".docx") + bombs + b"\r\n--x--\r\n"
    for _ in range(3):
        assert post(running, iter([body]), Content_Length=str(len(body))) == 400
    grown = running.worker().memory_info().rss - before
    assert grown < 60_000_000, grown
