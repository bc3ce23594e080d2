"""Long texts through the assistant: a job that is asked about, and its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from mcp.server import MCPServer

from assistant.doors import Doors
from speech.remote.client import ServiceClient
from tests.assistant.conftest import never
from tests.assistant.test_tools import Session
from tests.speech.jobs.test_jobs import SENTENCE, service_in
from tests.staged import serving
from tests.waiting import wait_until

LONG = f"{SENTENCE} " * 60


@pytest.fixture
def session(serve: Callable[..., MCPServer], tmp_path: Path) -> Iterator[Session]:
    service = service_in(tmp_path / "outputs")
    with serving(service) as url:
        yield Session(serve(Doors(lambda: ServiceClient(url), never)), "auto")
    service.close()


def told(session: Session, name: str, **arguments: object) -> dict[str, object]:
    result = session.call(name, **arguments)
    assert result.structured_content is not None, result.content
    return dict(result.structured_content)


def test_a_long_text_is_a_job_that_is_asked_about(session: Session, folder: Path) -> None:
    begun = told(session, "text_to_speech", text=LONG, output_path="book.flac")
    assert (begun["status"], begun["output_path"]) == ("started", str(folder / "book.flac"))
    job: dict[str, object] = {}

    def done() -> bool:
        job.update(told(session, "get_speech_job", job_id=begun["job_id"]))
        return job["state"] == "done"

    wait_until(done)
    assert job["output_path"] == begun["output_path"]
    assert job["passages_done"] == job["passages_total"]
    assert soundfile.info(str(folder / "book.flac")).duration == pytest.approx(float(str(job["audio_s"])), abs=0.01)
    again = told(session, "get_speech_job", job_id=begun["job_id"], output_path="copy.mp3")
    assert again["output_path"] == str(folder / "copy.mp3")
    assert (folder / "copy.mp3").stat().st_size > 0


def test_a_file_that_came_meanwhile_stays_if_it_was_not_to_be_replaced(session: Session, folder: Path) -> None:
    begun = told(session, "text_to_speech", text=LONG, output_path="book.flac", overwrite=False)
    (folder / "book.flac").write_bytes(b"another's")
    wait_until(lambda: session.call("get_speech_job", job_id=begun["job_id"]).is_error)
    assert "exists" in session.refused("get_speech_job", job_id=begun["job_id"])
    assert (folder / "book.flac").read_bytes() == b"another's"
    replaced = told(session, "get_speech_job", job_id=begun["job_id"], overwrite=True)
    assert replaced["output_path"] == str(folder / "book.flac")
    assert (folder / "book.flac").read_bytes() != b"another's"


def test_a_short_text_is_said_at_once(session: Session) -> None:
    assert told(session, "text_to_speech", text=SENTENCE)["status"] == "success"


def test_there_is_no_such_job(session: Session) -> None:
    assert session.refused("get_speech_job", job_id="none") == "There is no such job."


def test_without_the_service_it_says_what_to_do(serve: Callable[..., MCPServer], own_doors: Doors) -> None:
    session = Session(serve(own_doors), "auto")
    assert "need the running speech service" in session.refused("get_speech_job", job_id="one")
    assert "more than 20000 characters need" in session.refused("text_to_speech", text=LONG * 5)
