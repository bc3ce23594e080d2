"""A call while it runs: progress, phases, cancelling in each of them, time limits, several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from mcp import Client, MCPError
from mcp.server import MCPServer

from assistant.doors import Doors
from assistant.job import Job, Order, run_job
from speech.errors import EngineFailed, SpeechError
from speech.remote.client import ServiceClient
from speech.service import SpeechService
from tests.stage import StageEngine
from tests.staged import nothing_is_held, staged_service
from tests.waiting import wait_until
from tests.whole import whole_file

ORDER = Order("Hello there", "wav")


class Reports:
    """What a client is told; a test can wait for a phase."""

    def __init__(self) -> None:
        self.progress: list[float] = []
        self.phases: list[str] = []
        self._came = anyio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append(progress)
        self.phases.append(message or "")
        self._came.set()
        self._came = anyio.Event()

    async def until(self, phase: str) -> None:
        with anyio.fail_after(20):
            while not any(phase in p for p in self.phases):
                await self._came.wait()


@pytest.fixture(params=["own_doors", "remote_doors"])
def doors(request: pytest.FixtureRequest) -> Doors:
    found: Doors = request.getfixturevalue(request.param)
    return found


async def taken(stage: StageEngine):  # type: ignore[no-untyped-def]
    return await anyio.to_thread.run_sync(stage.next)


async def until(condition: Callable[[], bool]) -> None:
    await anyio.to_thread.run_sync(wait_until, condition)


def test_progress_grows_and_names_the_phase(doors: Doors, stage: StageEngine) -> None:
    async def work() -> None:
        reports = Reports()
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                spoken = await run_job(Job(doors, ORDER), reports, every_s=0.01)
                assert spoken.seconds == pytest.approx(4 * 0.08)

            tasks.start_soon(call)
            utterance = await taken(stage)
            await reports.until("Waiting for the first audio")
            stage.play(utterance, frames=2, finish=False)
            await reports.until("Speaking: 0.2 s of audio")
            stage.play(utterance, frames=2)
        assert all(a < b for a, b in pairwise(reports.progress))

    anyio.run(work)


def test_the_queue_is_named(doors: Doors, stage: StageEngine, staged: SpeechService) -> None:
    async def work() -> None:
        reports = Reports()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_job, Job(doors, ORDER), Reports())
            first = await taken(stage)
            tasks.start_soon(run_job, Job(doors, ORDER), reports, 60, 0.01)
            await reports.until("Waiting for a slot: number 1 in line")
            stage.play(first)
            stage.play(await taken(stage))

    anyio.run(work)
    wait_until(lambda: nothing_is_held(staged, stage))  # a service lets go after the last byte


class SlowLoad:
    """A model whose loading the test ends."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.stage = StageEngine()

    def service(self) -> SpeechService:
        service = staged_service(self.stage)
        service.manager.configure(self._build, -1)
        return service

    def _build(self, progress: Callable[[str, float, float, float | None], None]) -> StageEngine:
        progress("reading the weights", 1e9, 4e9, 12.4)
        self.begun.set()
        assert self.go_on.wait(20)
        return self.stage


def test_loading_is_named_and_can_be_cancelled(no_server: str) -> None:
    slow = SlowLoad()
    service = slow.service()
    doors = Doors(lambda: ServiceClient(no_server), lambda: service)

    async def work() -> None:
        reports = Reports()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_job, Job(doors, ORDER), reports, 60, 0.01)
            await reports.until("Loading the model: reading the weights, 25%, about 12 s left")
            tasks.cancel_scope.cancel()

    anyio.run(work)  # returns although the loading goes on
    assert slow.begun.is_set()
    slow.go_on.set()
    service.load()
    assert slow.stage.taken.empty()
    service.close()


@pytest.mark.parametrize("phase", ["queued", "waiting for audio", "speaking"])
def test_cancelling_frees_the_slot_and_writes_nothing(
    serve: Callable[..., MCPServer],
    doors: Doors,
    stage: StageEngine,
    staged: SpeechService,
    mode: str,
    folder: Path,
    phase: str,
) -> None:
    async def work() -> None:
        async with Client(serve(doors), mode=mode) as client, anyio.create_task_group() as tasks:
            if phase == "queued":
                blocker = staged.speak(request_of("Somebody else"))
                tasks.start_soon(anyio.to_thread.run_sync, drain, blocker)
                held = await taken(stage)
            tasks.start_soon(cancelled_call, client)
            mine = await taken(stage)
            if phase == "speaking":
                stage.play(mine, frames=3, finish=False)
            ready.set()
            await until(lambda: mine.over)
            if phase == "queued":
                stage.play(held)
        await until(lambda: nothing_is_held(staged, stage))

    ready = anyio.Event()

    async def cancelled_call(client: Client) -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def call() -> None:
                    await client.call_tool("text_to_speech", {"text": "Hello", "output_path": "x.wav"})
                    raise AssertionError("it was answered")

                tasks.start_soon(call)
                await ready.wait()
                scope.cancel()

    anyio.run(work)
    assert list(folder.iterdir()) == []


def request_of(text: str):  # type: ignore[no-untyped-def]
    from speech.request import SpeechRequest

    return SpeechRequest(text)


def drain(speech) -> None:  # type: ignore[no-untyped-def]
    with speech:
        whole_file(speech)


def test_a_call_that_takes_too_long_is_given_up(
    serve: Callable[..., MCPServer], doors: Doors, stage: StageEngine, staged: SpeechService, folder: Path
) -> None:
    async def work() -> None:
        async with Client(serve(doors, timeout_s=0.3)) as client:
            result = await client.call_tool("text_to_speech", {"text": "Hello", "output_path": "x.wav"})
        assert result.is_error
        assert "Given up after 0.3 s; nothing was written" in result.content[0].text  # type: ignore[union-attr]
        await until(lambda: nothing_is_held(staged, stage))

    anyio.run(work)
    assert list(folder.iterdir()) == []


def test_a_clients_own_time_limit_frees_the_slot(
    serve: Callable[..., MCPServer], doors: Doors, stage: StageEngine, staged: SpeechService, folder: Path
) -> None:
    async def work() -> None:
        async with Client(serve(doors), mode="legacy") as client:
            with pytest.raises(MCPError):
                await client.call_tool("text_to_speech", {"text": "Hello"}, read_timeout_seconds=0.3)
            await until(lambda: nothing_is_held(staged, stage))

    anyio.run(work)
    assert list(folder.glob("*")) == []  # which is not there if the client's patience ended even before


def test_others_are_answered_during_speech_and_several_speak_at_once(
    serve: Callable[..., MCPServer], no_server: str, folder: Path
) -> None:
    stage = StageEngine(slots=8)
    service = staged_service(stage)

    doors = Doors(lambda: ServiceClient(no_server), lambda: service)

    async def work() -> None:
        async with Client(serve(doors)) as client, anyio.create_task_group() as tasks:
            for index in range(8):
                call = {"text": f"Number {index}", "output_path": f"{index}.wav"}
                tasks.start_soon(client.call_tool, "text_to_speech", call)
            all_of_them = [await taken(stage) for _ in range(8)]
            status = await client.call_tool("get_gpu_status", {})
            assert status.structured_content is not None
            assert status.structured_content["model_loaded"] is True
            for utterance in all_of_them:
                stage.play(utterance)

    anyio.run(work)
    service.close()
    assert len(list(folder.iterdir())) == 8


def test_an_engine_that_fails_midway_leaves_no_file(
    serve: Callable[..., MCPServer], doors: Doors, stage: StageEngine, folder: Path
) -> None:
    async def work() -> None:
        async with Client(serve(doors)) as client, anyio.create_task_group() as tasks:

            async def call() -> None:
                result = await client.call_tool("text_to_speech", {"text": "Hello"})
                assert result.is_error
                assert "out of memory" in result.content[0].text  # type: ignore[union-attr]

            tasks.start_soon(call)
            utterance = await taken(stage)
            stage.play(utterance, frames=3, finish=False)
            utterance.fail(EngineFailed("The GPU is out of memory."))

    anyio.run(work)
    assert list(folder.iterdir()) == []


def test_cancelled_before_it_began() -> None:
    service = staged_service(StageEngine())
    job = Job(Doors(lambda: ServiceClient("http://127.0.0.1:1"), lambda: service, "local"), ORDER)
    job.cancel()
    with pytest.raises(SpeechError, match="cancelled"):
        job.run()
    service.close()
