"""Jobs: spoken where no request waits, kept, and gone on with after the process was killed."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import soundfile
import srt

from speech.engines.base import UtteranceStatus
from speech.engines.sentence.engine import SentenceEngine
from speech.errors import EngineFailed, InvalidRequest, JobNotFound, JobState, OutOfQuota, Unavailable
from speech.jobs.job import State
from speech.jobs.jobs import Change, Jobs
from speech.jobs.whole import Wanted
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.settings import Settings
from speech.text.document import Document
from tests.services import make_service
from tests.stage import StageEngine
from tests.toy_engine import Hummer
from tests.waiting import wait_until

SENTENCE = "The keeper of the lighthouse walks along the shore before the sun comes up."
LONG = " ".join([SENTENCE] * 4 * 6)  # six passages
WORDS = SENTENCE.split() * 4  # of each of them
ME = "me"


class Hum(Hummer):
    sample_rate = 24_000  # as the row of the embedded voice says


def service_in(folder: Path, **more: object) -> SpeechService:
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, output_dir=folder, **more)  # type: ignore[arg-type]
    return make_service(lambda _: SentenceEngine(Hum(), 8, 8), settings)


@contextmanager
def jobs_over(service: SpeechService, rest_s: float = 10.0) -> Iterator[Jobs]:
    jobs = Jobs(service, rest_s)
    try:
        yield jobs
    finally:
        jobs.close()
        service.close()


@contextmanager
def staged(folder: Path, stage: StageEngine, rest_s: float = 10.0) -> Iterator[Jobs]:
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, output_dir=folder)
    with jobs_over(make_service(lambda _: stage, settings), rest_s) as jobs:
        yield jobs


def wait_for(jobs: Jobs, job_id: str, state: State) -> None:
    wait_until(lambda: jobs.job(job_id, ME).state is state)


def test_a_text_is_spoken_and_kept(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path)) as jobs:
        job = jobs.add(SpeechRequest(format="wav"), ME, Document.of_text(LONG, "A story"))
        assert (job.title, job.total) == ("A story", 6)
        assert len(job.id) >= 20
        wait_for(jobs, job.id, State.DONE)
        samples, rate = soundfile.read(jobs.file(job.id, ME, Wanted("wav")))
        assert rate == Hum.sample_rate
        assert len(samples) / rate == pytest.approx(jobs.job(job.id, ME).seconds, abs=0.01)
        assert soundfile.info(jobs.file(job.id, ME, Wanted("flac"))).frames == len(samples)
        cues = list(srt.parse(jobs.captions(job.id, ME, "srt")))
        assert " ".join(cue.content for cue in cues).split() == LONG.split()
        assert all(one.end <= two.start for one, two in pairwise(cues))


def test_a_job_is_its_owners(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path)) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE))
        for ask in (jobs.job, jobs.cancel, jobs.delete, jobs.progress):
            with pytest.raises(JobNotFound):
                ask(job.id, "another")
        assert jobs.jobs("another", 10) == ([], 0)
        assert [each.id for each in jobs.jobs(ME, 10)[0]] == [job.id]


def test_people_come_first(tmp_path: Path) -> None:
    stage = StageEngine(slots=4)
    with staged(tmp_path, stage) as jobs:
        jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        first = stage.next()
        begun = [first, stage.next(), stage.next()]
        assert stage.status().slots_used == 3
        utterances = [jobs._service.speak(SpeechRequest("Hello.")) for _ in range(2)]
        threads = [threading.Thread(target=speech.start) for speech in utterances]
        for thread in threads:
            thread.start()
        people = [stage.next(), stage.next()]
        assert [person.status for person in people].count(UtteranceStatus.SPEAKING) == 1
        assert [each.patient for each in (*begun, *people)] == [True] * 3 + [False] * 2
        stage.play(begun[0], *WORDS)
        wait_until(lambda: all(person.status is UtteranceStatus.SPEAKING for person in people))
        for person in people:
            stage.play(person, "hello")
        for thread, speech in zip(threads, utterances, strict=True):
            thread.join(20)
            speech.close()


def test_twenty_jobs_keep_none_of_ten_listeners_waiting_for_more_than_a_passage(tmp_path: Path) -> None:
    stage = StageEngine(slots=4, max_queue=16)
    with staged(tmp_path, stage) as jobs:
        for _ in range(20):
            jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE))
        begun = [stage.next() for _ in range(3)]
        speeches = [jobs._service.speak(SpeechRequest("Hello.")) for _ in range(10)]
        threads = [threading.Thread(target=speech.start) for speech in speeches]
        for thread in threads:
            thread.start()
        people = [stage.next() for _ in range(10)]
        assert {person.request.caller for person in people} == {""}
        for utterance in begun:  # the passages that had begun end, and people get every slot
            stage.play(utterance, *SENTENCE.split())
        heard = 0
        while heard < 10:
            for person in [each for each in people if each.status is UtteranceStatus.SPEAKING]:
                stage.play(person, "hello")
                heard += 1
            if heard <= 6:
                assert stage.taken.empty()  # people still wait: no passage was begun
        for thread, speech in zip(threads, speeches, strict=True):
            thread.join(20)
            speech.close()
        for _ in range(17):
            stage.play(stage.next(), *SENTENCE.split())
        wait_until(lambda: all(job.state is State.DONE for job in jobs.jobs(ME, 50)[0]))


def test_cancel_and_resume(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        stage.play(stage.next(), *WORDS)
        second = stage.next()
        assert jobs.cancel(job.id, ME).state is State.CANCELLED
        assert second.over
        assert jobs.job(job.id, ME).done == 1
        with pytest.raises(JobState):
            jobs.file(job.id, ME, Wanted("wav"))
        with pytest.raises(JobState):
            jobs.cancel(job.id, ME)
        jobs.go_on(job.id, ME)
        for _ in range(5):
            stage.play(stage.next(), *WORDS)
        wait_for(jobs, job.id, State.DONE)


def test_delete_leaves_nothing(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        stage.play(stage.next(), *WORDS)
        stage.next()
        assert (tmp_path / "jobs" / job.id).is_dir()
        jobs.delete(job.id, ME)
        assert not (tmp_path / "jobs" / job.id).exists()
        assert jobs.jobs(ME, 10) == ([], 0)


def test_closing_lets_a_job_rest_and_the_next_process_goes_on(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        stage.play(stage.next(), *WORDS)
        stage.next()
    unfinished = tmp_path / "jobs" / job.id / ".killed"  # as a process leaves it that is killed while it writes
    unfinished.mkdir()
    with jobs_over(service_in(tmp_path)) as jobs:
        jobs.resume()
        wait_for(jobs, job.id, State.DONE)
        assert jobs.job(job.id, ME).done == 6
        assert not unfinished.exists()


def test_a_passage_that_fails_three_times_fails_the_job(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        for _ in range(3):
            stage.next().fail(EngineFailed("no sound"))
        wait_for(jobs, job.id, State.FAILED)
        assert jobs.job(job.id, ME).reason == "Passage 0: no sound"


def test_limits(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path, max_job_chars=10)) as jobs:
        with pytest.raises(InvalidRequest, match="MAX_JOB_CHARS"):
            jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE))
        with pytest.raises(InvalidRequest, match="no words"):
            jobs.add(SpeechRequest(), ME, Document.of_text("* #"))
    with jobs_over(service_in(tmp_path, job_quota_gb=0)) as jobs, pytest.raises(OutOfQuota, match="JOB_QUOTA_GB"):
        jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE))


def test_old_jobs_are_deleted(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path)) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE))
        wait_for(jobs, job.id, State.DONE)
    with jobs_over(service_in(tmp_path, job_ttl=0)) as jobs:
        assert jobs.jobs(ME, 10) == ([], 0)
        assert not (tmp_path / "jobs" / job.id).exists()


WORKER = """
import sys, time
from pathlib import Path
from speech.jobs.jobs import Change, Jobs
from speech.request import SpeechRequest
from speech.text.document import Document
from tests.speech.jobs.test_jobs import LONG, ME, service_in
jobs = Jobs(service_in(Path(sys.argv[1])))
if len(sys.argv) > 2:
    jobs.add(SpeechRequest(seed=5), ME, Document.of_text(LONG * 3))
jobs.resume()
print("begun", flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_killed_at_any_moment_the_audio_is_the_same(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "one", tmp_path / "two"
    with jobs_over(service_in(undisturbed)) as jobs:
        job = jobs.add(SpeechRequest(seed=5), ME, Document.of_text(LONG * 3))
        wait_for(jobs, job.id, State.DONE)
        expected = jobs.file(job.id, ME, Wanted("wav")).read_bytes()
    for attempt in range(3):
        more = ["add"] if not attempt else []
        process = subprocess.Popen([sys.executable, "-c", WORKER, str(killed), *more], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        wait_until(lambda seen=attempt: len(list(killed.rglob("*.flac"))) > 2 * seen)  # type: ignore[misc]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with jobs_over(service_in(killed)) as jobs:
        jobs.resume()
        (job,), _ = jobs.jobs(ME, 10)
        wait_for(jobs, job.id, State.DONE)
        assert jobs.file(job.id, ME, Wanted("wav")).read_bytes() == expected


def test_a_state_that_is_damaged_is_told_once_and_can_be_moved_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "jobs" / "jobs.sqlite3"
    state.parent.mkdir()
    state.write_bytes(b"no database at all " * 100)
    with jobs_over(service_in(tmp_path)) as jobs, caplog.at_level(logging.WARNING, "kyutai_tts.jobs"):
        jobs.resume()
        wait_until(lambda: "do not go on yet" in caplog.text)
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"jobs/jobs\.sqlite3 in OUTPUT_DIR, is damaged"):
                jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE))
        state.rename(state.with_suffix(".broken"))
        wait_until(state.exists)  # by itself
        wait_for(jobs, jobs.add(SpeechRequest(), ME, Document.of_text(SENTENCE)).id, State.DONE)
    assert caplog.text.count("do not go on yet") == 1


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "gone": lambda data: None,
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "of something else": lambda data: b"\7" * len(data),
    "of another passage": lambda data: data,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_passage_that_is_damaged_is_told_and_can_be_made_again(tmp_path: Path, kind: str) -> None:
    with jobs_over(service_in(tmp_path)) as jobs:
        job = jobs.add(SpeechRequest(seed=1), ME, Document.of_text(f"{LONG} It ends."))
        wait_for(jobs, job.id, State.DONE)
        whole = jobs.file(job.id, ME, Wanted("flac"))
        before, captions = whole.read_bytes(), jobs.captions(job.id, ME, "srt")
        whole.unlink()
        first, *_, last = sorted(whole.parent.glob("0*.flac"))
        damaged = DAMAGE[kind](last.read_bytes() if kind == "of another passage" else first.read_bytes())
        if damaged is None:
            first.unlink()
        else:
            first.write_bytes(damaged)
        with pytest.raises(Unavailable, match=r"passage 0 cannot be used .* again"):
            jobs.file(job.id, ME, Wanted("flac"))
        assert jobs.captions(job.id, ME, "srt") == captions, "they are not read from the sound"
        jobs.make_again(job.id, ME, 0, Change())
        wait_for(jobs, job.id, State.DONE)
        assert jobs.file(job.id, ME, Wanted("flac")).read_bytes() == before
        assert jobs.captions(job.id, ME, "srt") == captions
