"""Jobs whose passages three instances behind HAProxy say (JOB_WORKERS), and jobs of those instances; one is killed."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.verify.conftest import GPUS
from deploy.verify.containers import (
    at_work,
    bridge_address,
    containers,
    inspect,
    instances,
    process,
    sent_elsewhere,
    servers_up,
)
from deploy.verify.service import RATE, WAIT_S, free_port, healthy, shell, until
from tests.test_live import SENTENCES

TITLES = ("The road", "The river", "The house", "The evening")
CHAPTERS = [
    {"title": title, "paragraphs": [{"text": " ".join(SENTENCES[turn:] + SENTENCES[:turn])}]}
    for turn, title in enumerate(TITLES)
]
USER = 10001  # of the images
ONE_STEP = 1  # of 16 bits: kept as FLAC on the host, sent as PCM by the instance
Answer = dict[str, Any]


class Jobs:
    """The jobs at one address."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/jobs"

    def ask(self, path: str = "", body: Answer | None = None) -> bytes:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            content: bytes = answer.read()
            return content

    def make(self, chapters: list[dict[str, Any]]) -> str:
        """Its id. The same seed each time."""
        return str(json.loads(self.ask(body={"chapters": chapters, "seed": 7, "format": "pcm"}))["id"])

    def state(self, job: str) -> Answer:
        state: Answer = json.loads(self.ask(f"/{job}"))
        return state

    def passages(self, job: str) -> list[Answer]:
        found: list[Answer] = json.loads(self.ask(f"/{job}/passages?limit=100"))["passages"]
        return found

    def audio(self, job: str) -> NDArray[np.int16]:
        return np.frombuffer(self.ask(f"/{job}/audio?format=pcm"), "<i2")

    def ended(self, job: str) -> bool:
        """False while no instance answers."""
        try:
            return self.state(job)["state"] in ("done", "failed")
        except OSError:
            return False

    def wait(self, job: str) -> None:
        until(lambda: self.ended(job), "end of the job")
        assert self.state(job)["state"] == "done", self.state(job)


@pytest.fixture(scope="module")
def host(balanced: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The host of jobs: the cpu image with a folder of its own, whose JOB_WORKERS is the balancer. Its port."""
    folder = tmp_path_factory.mktemp("jobs")
    os.chown(folder, USER, USER)
    folder.parent.chmod(0o755)
    port = free_port()
    settings = {"JOB_WORKERS": f"http://{bridge_address()}:{balanced}", "OUTPUT_DIR": str(folder)}
    shell("docker compose up -d cpu", PORT=str(port), **settings)
    until(lambda: healthy(port), "/health of the host")
    yield port
    shell("docker compose --profile cpu down", PORT=str(port))


def test_one_is_killed_and_the_job_is_what_it_would_have_been(host: int, balanced: int) -> None:
    jobs = Jobs(host)
    jobs.wait(undisturbed := jobs.make(CHAPTERS))
    disturbed = jobs.make(CHAPTERS)
    until(lambda: jobs.state(disturbed)["passages_done"] >= 2, "beginning")
    victim = caught_at_work(balanced)
    shell(f"docker kill {victim}")
    try:
        begun = jobs.state(disturbed)
        assert begun["passages_done"] < begun["passages_total"]
        jobs.wait(disturbed)
        assert inspect(victim, "{{.State.Running}}") == "false"
        assert_equal(jobs, undisturbed, disturbed)
    finally:
        shell(f"docker start {victim}")
        until(lambda: servers_up(balanced) == GPUS, "its return")
    print(f"\nkilled after {begun['passages_done']} of {begun['passages_total']} passages")
    told = shell(f"docker logs {containers(host)[0]} 2>&1 | grep -c 'takes no passages' || true").strip()
    print(f"HAProxy sent {sent_elsewhere(balanced)} requests elsewhere, the host was told of {told} that broke off")


def caught_at_work(balancer: int) -> str:
    """An instance that says a passage, frozen in the middle of it."""
    for _ in range(100):
        for container in instances(balancer):
            shell(f"docker pause {container}")
            if at_work(balancer, container):
                return container
            shell(f"docker unpause {container}")
    raise AssertionError("no instance was ever at work")


def assert_equal(jobs: Jobs, expected: str, got: str) -> None:
    """Every passage once, and the same sound."""
    want, have = jobs.passages(expected), jobs.passages(got)
    assert all(passage["done"] and passage["words_spoken"] == passage["words"] for passage in have)
    assert [passage["text"] for passage in have] == [passage["text"] for passage in want]
    assert [passage["start_s"] for passage in have] == [passage["start_s"] for passage in want]
    sound, other = jobs.audio(expected), jobs.audio(got)
    assert len(sound) == len(other)
    apart = np.abs(sound.astype(np.int32) - other)
    print(
        f"\n{len(have)} passages, {len(sound) / RATE:.1f} s; {np.count_nonzero(apart)} samples differ by {apart.max()}"
    )
    assert apart.max() <= ONE_STEP


def test_through_the_balancer_a_job_stays_with_one_instance(balanced: int) -> None:
    jobs = Jobs(balanced)
    job = jobs.make(CHAPTERS[:1])
    assert {jobs.state(job)["id"] for _ in range(2 * GPUS)} == {job}
    jobs.wait(job)
    assert len(jobs.audio(job)) > RATE


def test_the_instance_that_has_the_jobs_dies_and_they_go_on(balanced: int) -> None:
    jobs = Jobs(balanced)
    jobs.wait(undisturbed := jobs.make(CHAPTERS[:2]))
    job = jobs.make(CHAPTERS[:2])
    until(lambda: jobs.state(job)["passages_done"] >= 1, "beginning")
    os.kill(process(owner(balanced)), signal.SIGKILL)
    until(lambda: jobs.ended(job), "end of the job")
    assert_equal(jobs, undisturbed, job)
    until(lambda: servers_up(balanced) == GPUS, "its return")


def owner(balancer: int) -> str:
    """The instance that has the folder of jobs."""
    look = "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c /outputs/jobs/jobs.lock || true"
    (found,) = (it for it in instances(balancer) if int(shell(f"docker exec {it} sh -c '{look}'")))
    return found
