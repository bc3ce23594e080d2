"""A disk that takes nothing more: jobs pause and say why, lose nothing, and go on by themselves."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile

from speech.errors import JobNotFound, StorageFull, Unavailable
from speech.jobs.database import Database
from speech.jobs.job import State
from speech.jobs.jobs import Jobs
from speech.jobs.whole import Wanted
from speech.request import SpeechRequest
from speech.text.document import Document
from tests.live_server import LiveServer, live_server
from tests.speech.jobs.full_disk import small_disk
from tests.speech.jobs.test_jobs import LONG, ME, SENTENCE, WORDS, jobs_over, service_in, staged, wait_for
from tests.stage import StageEngine
from tests.waiting import wait_until

FULL = "The disk is full."


def database_of(jobs: Jobs) -> Database:
    return jobs._folder.open().store.database


@contextmanager
def refusing(jobs: Jobs) -> Iterator[None]:
    """SQLite refuses to write meanwhile, as on a disk that was mounted anew for reading only."""
    database_of(jobs).rows("PRAGMA query_only = ON")
    try:
        yield
    finally:
        database_of(jobs).rows("PRAGMA query_only = OFF")


def test_a_job_for_whose_text_there_is_no_room_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path)) as jobs:
        (pages,) = database_of(jobs).rows("PRAGMA page_count")[0]
        database_of(jobs).rows(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageFull, match=FULL):
            jobs.add(SpeechRequest(), ME, Document.of_text(LONG * 20))
        assert jobs.jobs(ME, 10) == ([], 0)
        database_of(jobs).rows("PRAGMA max_page_count = 1000000")
        job = jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE))
        wait_for(jobs, job.id, State.DONE)


def test_a_pause_is_told_also_where_it_cannot_be_written(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage, rest_s=0.05) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        first = stage.next()
        with refusing(jobs):
            stage.play(first, *WORDS)  # it was said, and that it is done cannot be written
            wait_for(jobs, job.id, State.PAUSED)
            told = jobs.job(job.id, ME)
            assert (told.done, "readonly" in told.reason) == (0, True)
            assert jobs.jobs(ME, 10)[0] == [told]
            assert jobs.progress(job.id, ME).job == told
            assert next(jobs.follow(job.id, ME, None, lambda: False)) == told
            for change in (jobs.cancel, jobs.delete):
                with pytest.raises(Unavailable, match="cannot be read or written"):
                    change(job.id, ME)
        for _ in range(6):
            stage.play(stage.next(), *WORDS)
        wait_for(jobs, job.id, State.DONE)
        assert jobs.job(job.id, ME).reason == ""


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 40_000, 1_000_000])
def test_a_real_disk_that_others_fill(tmp_path: Path, left: int) -> None:
    """left: bytes that are free: none, room for a line of the database, room for a passage and not for its state."""
    undisturbed = tmp_path / "undisturbed"
    with jobs_over(service_in(undisturbed)) as jobs:
        job = jobs.add(SpeechRequest(seed=5), ME, Document.of_text(LONG * 6))
        wait_for(jobs, job.id, State.DONE)
        expected = jobs.file(job.id, ME, Wanted("flac")).read_bytes()
    with small_disk(tmp_path / "disk") as disk, jobs_over(service_in(disk.folder), rest_s=0.05) as jobs:
        job = jobs.add(SpeechRequest(seed=5), ME, Document.of_text(LONG * 6))
        disk.fill(left)
        wait_until(lambda: jobs.job(job.id, ME).reason == FULL)
        assert jobs.job(job.id, ME).state is State.PAUSED
        if not left:
            for change in (
                lambda: jobs.cancel(job.id, ME),
                lambda: jobs.add(SpeechRequest(), ME, Document.of_text("A")),
            ):
                with pytest.raises(StorageFull, match=FULL):
                    change()
        disk.make_room()
        wait_for(jobs, job.id, State.DONE)
        assert jobs.file(job.id, ME, Wanted("flac")).read_bytes() == expected
        disk.fill()
        with pytest.raises(StorageFull, match="no room for this file"):
            jobs.file(job.id, ME, Wanted("wav"))
        jobs.delete(job.id, ME)  # people can make room, on a disk that has none
        with pytest.raises(JobNotFound):
            jobs.job(job.id, ME)
        assert disk.free > 0


@pytest.mark.slow
def test_a_start_on_a_full_disk_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        stage = StageEngine(slots=1)
        with staged(disk.folder, stage) as jobs:
            job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
            stage.play(stage.next(), *WORDS)
            stage.next()
        disk.fill()
        with jobs_over(service_in(disk.folder), rest_s=0.05) as jobs:
            with pytest.raises(StorageFull, match=FULL):
                jobs.jobs(ME, 10)
            jobs.resume()
            disk.make_room()
            wait_for(jobs, job.id, State.DONE)


def post(server: LiveServer, path: str, body: object) -> dict[str, object]:
    answer: dict[str, object] = json.loads(server.post(path, body))
    return answer


@pytest.mark.slow
def test_a_service_on_a_disk_that_fills_with_its_own_audio(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        settings = {"ENGINE": "hibari", "OUTPUT_DIR": str(disk.folder)}
        with live_server(tmp_path, **settings) as server:
            job = post(server, "/api/jobs", {"text": LONG * 8, "seed": 1})
            place = f"/api/jobs/{job['id']}"
            server.wait_until(lambda: server.get(place)["reason"] == FULL)
            told = server.get(place)
            assert told["state"] == "paused"
            assert 0 < int(str(told["passages_done"])) < int(str(told["passages_total"]))
            assert server.get("/health")["status"] == "ok"
            assert soundfile.info(io.BytesIO(server.post("/api/tts", {"text": "It speaks."}))).duration > 0.3
            disk.fill()
            with pytest.raises(urllib.error.HTTPError) as refused:
                server.post("/api/jobs", {"text": LONG})
            with refused.value as answer:
                assert (answer.code, json.load(answer)["error"]["code"]) == (507, "storage_full")
            disk.make_room()
            disk.grow(60)
            server.wait_until(lambda: server.get(place)["state"] == "done")
