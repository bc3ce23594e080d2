"""A job is followed and heard while it is made."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from speech.errors import JobState, SpeechError
from speech.jobs.job import Job, Part, State
from speech.jobs.whole import Wanted
from speech.request import SpeechRequest
from speech.text.document import Document
from tests.speech.jobs.test_jobs import LONG, ME, WORDS, jobs_over, service_in, staged, wait_for
from tests.stage import StageEngine


def never() -> bool:
    return False


def test_every_passage_is_told_once_and_the_end_ends_it(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        news = jobs.follow(job.id, ME, None, never)
        assert isinstance(next(news), Job)
        told: list[int] = []
        for _ in range(6):
            stage.play(stage.next(), *WORDS)
            told.append(next(each.number for each in news if isinstance(each, Part)))
        assert told == list(range(6))
        last = list(news)[-1]
        assert isinstance(last, Job)
        assert last.state is State.DONE


def test_a_client_that_comes_again_gets_what_it_missed(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path)) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        wait_for(jobs, job.id, State.DONE)
        told = [each for each in jobs.follow(job.id, ME, 0, never) if isinstance(each, Part)]
        assert sorted(part.number for part in told) == list(range(6))
        again = [each for each in jobs.follow(job.id, ME, told[3].change, never) if isinstance(each, Part)]
        assert [part.number for part in again] == [part.number for part in told[4:]]
        assert len(list(jobs.follow(job.id, ME, None, never))) == 1


def test_a_follower_that_left_is_let_go(tmp_path: Path) -> None:
    stage, gone = StageEngine(slots=1), list[bool]()
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG))
        stage.next()
        news = jobs.follow(job.id, ME, None, lambda: bool(gone))
        next(news)
        gone.append(True)
        jobs.look_again()
        assert all(isinstance(each, Job) for each in news)


def test_it_is_heard_while_it_is_made_and_sounds_as_the_file(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(format="pcm"), ME, Document.of_text(LONG))
        heard = jobs.listen(job.id, ME, Wanted("pcm"), never)
        assert heard is not None
        stage.play(stage.next(), *WORDS)
        begin = next(heard)
        assert jobs.job(job.id, ME).done == 1
        for _ in range(5):
            stage.play(stage.next(), *WORDS)
        whole = begin + b"".join(heard)
        wait_for(jobs, job.id, State.DONE)
        assert jobs.listen(job.id, ME, Wanted("pcm"), never) is None
        assert jobs.file(job.id, ME, Wanted("pcm")).read_bytes() == whole


def test_a_job_that_stops_breaks_off_who_hears_it(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(format="pcm"), ME, Document.of_text(LONG))
        heard = jobs.listen(job.id, ME, Wanted("pcm"), never)
        assert heard is not None
        stage.play(stage.next(), *WORDS)
        list(islice(heard, 1))
        stage.next()
        jobs.cancel(job.id, ME)
        with pytest.raises(SpeechError, match="cancelled"):
            list(heard)
        for wanted in (Wanted("pcm"), Wanted("m4b"), Wanted("mp3", zipped=True)):
            with pytest.raises(JobState):
                jobs.listen(job.id, ME, wanted, never)
