"""JOB_WORKERS: passages said by other instances; in the slow test real ones in processes of their own, one killed."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from werkzeug.serving import make_server

from app import create_app
from speech.engines.base import Engine
from speech.engines.sentence.engine import SentenceEngine
from speech.errors import InvalidRequest, QueueFull, Unavailable, VoiceNotFound
from speech.jobs.job import State
from speech.jobs.jobs import Jobs
from speech.jobs.whole import Wanted
from speech.jobs.workers import ASK_S, TakenBack, Workers
from speech.remote.client import ServiceClient
from speech.request import Piece, SpeechRequest, Token
from speech.settings import Settings
from speech.text.document import Chapter, Document, Paragraph
from tests.live_server import LiveServer, free_port, live_server
from tests.services import make_service
from tests.speech.jobs.test_jobs import LONG, ME, Hum, jobs_over, service_in
from tests.stage import StageEngine
from tests.waiting import wait_until

HELLO: list[Piece] = [Token("Hello,", "Hello,", 0, 6), Token("you.", "you.", 7, 11)]


def humming() -> Engine:
    return SentenceEngine(Hum(), 8, 8)


@contextmanager
def instance(folder: Path, engine: Engine, port: int = 0) -> Iterator[str]:
    """Another service over HTTP; its address."""
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, output_dir=folder, job_ttl=-1)
    service = make_service(lambda _: engine, settings)
    app = create_app(settings, service)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["jobs"].close()
        service.close()
        engine.close()  # also where it was never loaded: its threads would keep the tests' process alive


@contextmanager
def host(folder: Path, *urls: str) -> Iterator[Jobs]:
    """Jobs whose own engine says nothing: it would be seen to have been loaded."""
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, output_dir=folder, job_workers=urls)
    service = make_service(lambda _: humming(), settings)
    jobs = Jobs(service, rest_s=0.2)
    try:
        yield jobs
        assert service.manager.peek() is None
    finally:
        jobs.close()
        service.close()


def finished(jobs: Jobs, document: Document) -> bytes:
    """The audio of the document, when it is done."""
    job = jobs.add(SpeechRequest(format="wav", seed=4, speed=1.5), ME, document)
    wait_until(lambda: jobs.job(job.id, ME).state is State.DONE, 240)
    return jobs.file(job.id, ME, Wanted("wav")).read_bytes()


def test_it_sounds_as_if_it_was_said_here(tmp_path: Path) -> None:
    document = Document.of_text(f'{LONG}\n\n<break time="1s"/>\n\n[voice:echo] It costs 3 €.')
    with jobs_over(service_in(tmp_path / "here")) as jobs:
        expected = finished(jobs, document)
    with (
        instance(tmp_path / "there", humming()) as one,
        instance(tmp_path / "too", humming()) as two,
        host(tmp_path / "host", one, two) as jobs,
    ):
        heard = finished(jobs, document)
    ours, theirs = (soundfile.read(io.BytesIO(data), dtype="int16")[0].astype(int) for data in (heard, expected))
    assert len(ours) == len(theirs)
    assert np.abs(ours - theirs).max() <= 1, "16 bits on the way round a sample twice"


def test_without_an_instance_a_job_waits_and_says_why(tmp_path: Path) -> None:
    port = free_port()
    with host(tmp_path / "host", f"http://127.0.0.1:{port}") as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text("Hello there."))
        wait_until(lambda: jobs.job(job.id, ME).state is State.PAUSED)
        assert f"127.0.0.1:{port} takes no passages" in jobs.job(job.id, ME).reason
        with instance(tmp_path / "there", humming(), port):
            wait_until(lambda: jobs.job(job.id, ME).state is State.DONE)


def test_a_job_that_is_stopped_is_stopped_there(tmp_path: Path) -> None:
    stage = StageEngine(slots=3)
    with instance(tmp_path / "there", stage) as one, host(tmp_path / "host", one) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text("Hello there."))
        utterance = stage.next()
        jobs.cancel(job.id, ME)
        assert jobs.job(job.id, ME).state is State.CANCELLED
        utterance.cancel()


def test_an_instance_keeps_a_slot_for_its_people(tmp_path: Path) -> None:
    stage = StageEngine(slots=2)
    with instance(tmp_path / "there", stage) as one:
        client = ServiceClient(one)
        client._json("POST", "/api/gpu/load", {}, 60)
        first, second = client.passage(SpeechRequest()), client.passage(SpeechRequest())
        for passage in (first, second):
            passage.say(*HELLO)
        reader = threading.Thread(target=lambda: list(first.chunks()))
        reader.start()
        utterance = stage.next()
        with pytest.raises(QueueFull) as told:
            list(second.chunks())
        assert told.value.retry_after_s == 2
        stage.play(utterance, "Hello,")
        reader.join(60)
        first.close()
        second.close()


@pytest.mark.parametrize(
    ("request_", "pieces", "error"),
    [
        (SpeechRequest(voice="nobody"), HELLO, VoiceNotFound),
        (SpeechRequest(speed=9), HELLO, InvalidRequest),
        (SpeechRequest(), [Token("*", "")], InvalidRequest),
    ],
)
def test_what_no_instance_can_say_keeps_its_error(
    tmp_path: Path, request_: SpeechRequest, pieces: list[Piece], error: type[Exception]
) -> None:
    with instance(tmp_path, humming()) as one:
        passage = ServiceClient(one).passage(request_)
        passage.say(*pieces)
        with pytest.raises(error):
            list(passage.chunks())
        passage.close()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_room_grows_with_what_was_said_and_shrinks_with_refusals(tmp_path: Path) -> None:
    clock = Clock()
    with instance(tmp_path, StageEngine(slots=3)) as one:
        workers = Workers([ServiceClient(one)], clock)
        workers.look()
        (worker,) = workers._workers
        assert worker.limit == 1, "no model is loaded: one may try"
        ServiceClient(one)._json("POST", "/api/gpu/load", {}, 60)
        clock.now += ASK_S
        workers.look()
        assert worker.limit == 2, "one slot stays free"
        rooms = [workers.claim(number) for number in range(3)]
        assert [room is not None for room in rooms] == [True, True, False]
        with rooms[0].open(SpeechRequest()):  # type: ignore[union-attr]
            pass
        assert worker.limit == 3, "there may be more instances behind the address"
        with pytest.raises(TakenBack), rooms[1].open(SpeechRequest()):  # type: ignore[union-attr]
            raise QueueFull(retry_after_s=7)
        assert (worker.limit, workers.claim(2), workers.obstacle) == (1, None, "")
        for room in rooms[:2]:
            room.leave()  # type: ignore[union-attr]
        clock.now += 6.9
        assert workers.claim(0) is None
        clock.now += 0.2
        assert workers.claim(0) is not None


def test_what_broke_off_rests_longer_each_time() -> None:
    clock = Clock()
    workers = Workers([ServiceClient(f"http://127.0.0.1:{free_port()}") for _ in range(2)], clock)
    rests = []
    for _ in range(7):
        workers.look()
        assert workers.claim(0) is None
        assert "takes no passages" in workers.obstacle
        rests.append(workers._workers[0].rests_until - clock.now)
        clock.now = max(clock.now + ASK_S, *(worker.rests_until for worker in workers._workers))
    assert rests == [2, 4, 8, 16, 32, 60, 60]
    workers.refused(workers._workers[0], Unavailable("draining", retry_after_s=5))
    assert workers._workers[0].rests_until == clock.now + 5


BOOK = Document(
    "A book",
    tuple(Chapter("", (Paragraph(f"This is the sentence number {n}, and it is long enough."),)) for n in range(30)),
)


def killed_in_the_middle(jobs: Jobs, victim: LiveServer) -> bytes:
    job = jobs.add(SpeechRequest(format="wav", seed=4), ME, BOOK)
    wait_until(lambda: jobs.job(job.id, ME).done >= 4, 240)
    victim.worker().kill()
    victim.process.kill()
    wait_until(lambda: jobs.job(job.id, ME).state is State.DONE, 240)
    parts = jobs.passages(job.id, ME, 100)
    assert len(parts) == 30
    assert all(part.seconds for part in parts)
    return jobs.file(job.id, ME, Wanted("wav")).read_bytes()


@pytest.mark.slow
def test_one_of_two_instances_is_killed_in_the_middle_of_a_job(tmp_path: Path) -> None:
    with ExitStack() as held:
        running = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            own = {"ENGINE": "hibari", "OUTPUT_DIR": str(tmp_path / name)}
            running.append(held.enter_context(live_server(tmp_path / name, **own)))
        with host(tmp_path / "host", *(server.url for server in running)) as jobs:
            disturbed = killed_in_the_middle(jobs, running[1])
        with host(tmp_path / "again", running[0].url) as jobs:
            job = jobs.add(SpeechRequest(format="wav", seed=4), ME, BOOK)
            wait_until(lambda: jobs.job(job.id, ME).state is State.DONE, 240)
            assert jobs.file(job.id, ME, Wanted("wav")).read_bytes() == disturbed
