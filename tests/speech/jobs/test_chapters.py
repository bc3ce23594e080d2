"""Documents as jobs: chapters, voices, what people take away, and a passage that is made again."""

from __future__ import annotations

import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
import soundfile

from speech.errors import InvalidRequest, JobState, VoiceNotFound
from speech.jobs.job import Job, State
from speech.jobs.jobs import Change, Jobs
from speech.jobs.whole import Wanted
from speech.request import SpeechRequest
from speech.text.document import Chapter, Document, Paragraph
from tests.services import make_service
from tests.speech.jobs.test_jobs import LONG, ME, SENTENCE, jobs_over, service_in, wait_for
from tests.waiting import wait_until

BOOK = Document(
    "The lighthouse / a book",
    (
        Chapter("The sea", (Paragraph(SENTENCE), Paragraph("It was calm."))),
        Chapter("***", (Paragraph("* * *"),)),
        Chapter("The lamp", (Paragraph(SENTENCE * 2),)),
    ),
)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with jobs_over(service_in(tmp_path)) as found:
        yield found


def book(jobs: Jobs) -> Job:
    job = jobs.add(SpeechRequest(format="flac"), ME, BOOK)
    wait_for(jobs, job.id, State.DONE)
    return jobs.job(job.id, ME)


def test_chapters_have_titles_and_times(jobs: Jobs) -> None:
    job = book(jobs)
    sea, lamp = jobs.progress(job.id, ME).chapters
    assert (sea.title, sea.start_s, lamp.title) == ("The sea", 0.0, "The lamp")
    assert lamp.start_s == pytest.approx(sea.seconds + 2)
    whole = soundfile.info(jobs.file(job.id, ME, Wanted("flac"))).duration
    assert whole == pytest.approx(lamp.start_s + lamp.seconds, abs=0.001)
    assert soundfile.info(jobs.file(job.id, ME, Wanted("flac", chapter=1))).duration == pytest.approx(lamp.seconds)
    assert jobs.captions(job.id, ME, "srt", chapter=1).splitlines()[2].startswith("The lamp")
    with pytest.raises(InvalidRequest, match="no chapter 2"):
        jobs.file(job.id, ME, Wanted("flac", chapter=2))


def test_m4b_has_chapters_that_two_parsers_see(jobs: Jobs) -> None:
    job = book(jobs)
    lamp = jobs.progress(job.id, ME).chapters[1]
    assert lamp.start_s is not None
    path = jobs.file(job.id, ME, Wanted("m4b"))
    with av.open(str(path)) as container:
        assert container.metadata["title"] == BOOK.title
        found = [(chapter["metadata"]["title"], chapter["start"]) for chapter in container.chapters()]
        assert found == [("The sea", 0), ("The lamp", round(1000 * lamp.start_s))]
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", path], capture_output=True, text=True, check=False
    ).stderr
    assert [float(start) for start in re.findall(r"Chapter #0:\d+: start ([\d.]+)", told)] == [
        0,
        round(lamp.start_s, 3),
    ]


def test_a_zip_has_a_file_for_each_chapter(jobs: Jobs) -> None:
    job = book(jobs)
    wanted = Wanted("wav", zipped=True)
    with zipfile.ZipFile(jobs.file(job.id, ME, wanted)) as archive:
        assert archive.namelist() == ["001 The sea.wav", "002 The lamp.wav"]
        assert archive.testzip() is None
    assert wanted.title(job) == "The lighthouse _ a book.wav.zip"


def test_voices_must_exist(jobs: Jobs) -> None:
    with pytest.raises(VoiceNotFound):
        jobs.add(SpeechRequest(), ME, Document("", (Chapter("", (Paragraph(SENTENCE, "nobody"),)),)))
    with pytest.raises(InvalidRequest, match="no words"):
        jobs.add(SpeechRequest(), ME, Document("", (Chapter("***"),)))


def test_a_lexicon_holds_for_the_whole_job(jobs: Jobs) -> None:
    job = jobs.add(SpeechRequest(lexicon={"keeper": "warden"}), ME, BOOK)
    passage = jobs.passages(job.id, ME, 2)[1].passage
    assert "warden" in [getattr(piece, "spoken", "") for piece in passage.pieces]


def test_one_passage_is_made_again(jobs: Jobs) -> None:
    job = book(jobs)
    before = {part.number: part for part in jobs.passages(job.id, ME, 10)}
    old = soundfile.info(jobs.file(job.id, ME, Wanted("flac"))).duration
    again = jobs.make_again(job.id, ME, 1, Change(text=f"{SENTENCE} It was calm. Now it is longer.", seed=9))
    assert (again.state, again.done) == (State.QUEUED, again.total - 1)
    wait_for(jobs, job.id, State.DONE)
    after = {part.number: part for part in jobs.passages(job.id, ME, 10)}
    assert [number for number in after if after[number].passage != before[number].passage] == [1]
    assert after[1].seed == 9
    assert soundfile.info(jobs.file(job.id, ME, Wanted("flac"))).duration > old
    assert "Now it is longer." in jobs.captions(job.id, ME, "srt")
    with pytest.raises(InvalidRequest, match="passage may have"):
        jobs.make_again(job.id, ME, 1, Change(text=LONG))
    with pytest.raises(InvalidRequest, match="no passage 99"):
        jobs.make_again(job.id, ME, 99, Change())
    assert jobs.job(job.id, ME).state is State.DONE


def test_a_job_of_another_engine_rests_and_says_so(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path, job_quota_gb=1e-9)) as jobs:
        job = jobs.add(SpeechRequest(), ME, BOOK)
        wait_for(jobs, job.id, State.PAUSED)
        assert "JOB_QUOTA_GB" in jobs.job(job.id, ME).reason
    service = service_in(tmp_path)
    other = replace(service.choice, spec=replace(service.choice.spec, name="another"))
    service.close()
    with jobs_over(make_service(None, service.settings, choice=other)) as jobs:
        jobs.resume()
        wait_for_reason(jobs, job.id, "made with the engine hibari, and another runs")
        with pytest.raises(JobState, match="engine hibari"):
            jobs.make_again(job.id, ME, 0, Change())
    with jobs_over(service_in(tmp_path)) as jobs:
        jobs.resume()
        wait_for(jobs, job.id, State.DONE)


def test_what_cannot_be_written_pauses_the_job_and_it_goes_on_by_itself(tmp_path: Path) -> None:
    service = service_in(tmp_path)
    with jobs_over(service, rest_s=0.05) as jobs:
        jobs.jobs(ME, 1)
        blocked = tmp_path / "jobs" / ".blocked"
        job = jobs.add(SpeechRequest(), ME, Document.of_text(LONG * 4))
        blocked.touch()
        jobs.cancel(job.id, ME)
        folder = tmp_path / "jobs" / job.id
        if folder.exists():
            folder.rename(tmp_path / "aside")
        blocked.rename(folder)
        jobs.go_on(job.id, ME)
        wait_for_reason(jobs, job.id, "cannot be written")
        folder.unlink()
        wait_for(jobs, job.id, State.DONE)


def wait_for_reason(jobs: Jobs, job_id: str, reason: str) -> None:
    wait_for(jobs, job_id, State.PAUSED)
    wait_until(lambda: reason in jobs.job(job_id, ME).reason)
