"""No room on the disk: 507 in words, before a byte of the answer was sent."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.live_server import LiveServer, live_server

MB = 1_000_000
LONG = "Five minutes. " + '<break time="10s"/> ' * 30 + "They are over."  # more than lies in memory


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A service whose files end at 1 MB, as on a disk with so much room."""
    with live_server(
        tmp_path_factory.mktemp("cramped"), before=("prlimit", f"--fsize={MB}"), ENGINE="hibari"
    ) as running:
        yield running


def refusal(url: str, body: bytes, kind: str) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(url, body, {"content-type": kind}, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    with refused.value as answer:
        return answer.code, dict(answer.headers), json.load(answer)["error"]


def test_a_full_disk_at_any_time_before_the_answer(app: Flask) -> None:
    @app.get("/full")
    def full() -> str:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")
        return "written"

    answer = app.test_client().get("/full", headers={"Authorization": "Bearer any"})
    assert answer.status_code == 507
    assert answer.json is not None
    assert answer.json["error"]["code"] == "storage_full"
    assert "/dev/full" not in answer.text


def test_other_errors_of_the_system_stay_faults_of_ours(app: Flask) -> None:
    @app.get("/gone")
    def gone() -> str:
        return Path("/no/such/file").read_text()

    assert app.test_client().get("/gone").status_code == 500


@pytest.mark.skipif(not Path("/usr/bin/prlimit").exists(), reason="no prlimit")
@pytest.mark.parametrize("form", [{"format": "wav"}, {"format": "mp3", "bitrate": 160}])
def test_a_file_that_is_longer_than_the_disk_has_room(cramped: LiveServer, form: dict[str, object]) -> None:
    body = json.dumps({"text": LONG, **form}).encode()
    status, headers, error = refusal(f"{cramped.url}/api/tts", body, "application/json")
    assert (status, error["code"], headers["X-Should-Retry"]) == (507, "storage_full", "false")  # type: ignore[index]
    assert cramped.post("/api/tts", {"text": "Short."})[:4] == b"RIFF", "the service goes on"


@pytest.mark.skipif(not Path("/usr/bin/prlimit").exists(), reason="no prlimit")
def test_a_body_that_is_longer_than_the_disk_has_room(cramped: LiveServer) -> None:
    status, _, error = refusal(f"{cramped.url}/api/convert?format=wav", bytes(8 * MB), "audio/pcm")
    assert (status, error["code"]) == (507, "storage_full")  # type: ignore[index]


@pytest.mark.skipif(not Path("/usr/bin/prlimit").exists(), reason="no prlimit")
def test_a_book_that_is_longer_than_the_disk_has_room(cramped: LiveServer) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="book.txt"\r\n\r\n'
    body = head + b"word " * (6 * MB // 5) + b"\r\n--x--\r\n"
    status, _, error = refusal(f"{cramped.url}/api/jobs", body, "multipart/form-data; boundary=x")
    assert (status, error["code"]) == (507, "storage_full")  # type: ignore[index]
