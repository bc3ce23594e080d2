"""The own copy's lock: one model on a GPU, also when processes die."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.own import LockedEngine, build_under_lock, lock_folder, take_lock
from gpu_manager import GPUManager
from speech.engines import ENGINES
from speech.errors import EngineFailed, Unavailable
from speech.gpus import GPU
from speech.selection import EngineChoice
from speech.service import SpeechService, build_service
from speech.settings import Settings
from tests.live_server import ROOT
from tests.stage import StageEngine

GPU_0 = GPU(0, "GPU-5f3c", "Some GPU", 0, 24_000_000_000)
GPU_1 = replace(GPU_0, index=1, uuid="GPU-77aa")

HOLD = """
import sys
from pathlib import Path
from speech.gpus import GPU
from assistant.own import take_lock
lock = take_lock(GPU(0, "GPU-5f3c", "Some GPU", 0, 0), Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Another process that holds the lock of GPU_0."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_told_what_to_do(other_process, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unavailable, match=r"Start the service \(./start.sh\)"):
        take_lock(GPU_0, tmp_path)
    take_lock(GPU_1, tmp_path).release()


def test_a_killed_process_leaves_no_lock(other_process, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    other_process.kill()
    other_process.wait()
    take_lock(GPU_0, tmp_path).release()


def test_the_lock_lasts_from_load_to_release(tmp_path: Path) -> None:
    manager, stage = GPUManager(), StageEngine()
    manager.configure(lambda _: LockedEngine(stage, take_lock(GPU_0, tmp_path)), -1)
    for _ in range(2):
        with manager.use() as engine:
            assert engine.sample_rate == stage.sample_rate
            assert engine.status() == stage.status()
            with pytest.raises(Unavailable):
                take_lock(GPU_0, tmp_path)
        manager.release()
        take_lock(GPU_0, tmp_path).release()


def test_an_engine_that_fails_to_close_still_gives_the_lock_back(tmp_path: Path) -> None:
    class Broken(StageEngine):
        def close(self) -> None:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        LockedEngine(Broken(), take_lock(GPU_0, tmp_path)).close()
    take_lock(GPU_0, tmp_path).release()


def test_a_load_that_fails_gives_the_lock_back(tmp_path: Path) -> None:
    settings = Settings(hf_home=tmp_path)
    spec = replace(ENGINES["hibari"], module="tests.assistant.no_such_engine")
    choice = EngineChoice(spec, "cuda:0", "a test", GPU_0)
    with pytest.raises(ModuleNotFoundError):
        build_under_lock(choice, settings, lambda *_: None)
    take_lock(GPU_0, lock_folder(settings)).release()


def test_a_model_on_a_gpu_holds_the_lock_beside_its_cache(tmp_path: Path) -> None:
    settings = Settings(engine="hibari", hf_home=tmp_path)
    choice = EngineChoice(ENGINES["hibari"], "cuda:0", "a test", GPU_0)
    engine = build_under_lock(choice, settings, lambda *_: None)
    with pytest.raises(Unavailable, match=str(tmp_path / "hub" / "kyutai-tts-GPU-5f3c.lock")):
        build_under_lock(choice, settings, lambda *_: None)
    engine.close()
    build_under_lock(choice, settings, lambda *_: None).close()


def test_the_builder_reaches_the_manager(settings: Settings) -> None:
    """A service whose GPU another process holds says so to the one who wanted to speak."""
    manager = GPUManager()

    def held(choice: EngineChoice, settings: Settings, progress: object) -> StageEngine:
        raise Unavailable("Another MCP server holds the model.")

    service: SpeechService = build_service(settings, manager, build=held)
    with pytest.raises((Unavailable, EngineFailed), match="Another MCP server"):
        service.load()


def test_no_lock_where_no_gpu_is_used(tmp_path: Path) -> None:
    settings = Settings(engine="hibari", hf_home=tmp_path)
    engine = build_under_lock(EngineChoice(ENGINES["hibari"], "cpu", "a test"), settings, lambda *_: None)
    engine.close()
    assert list(tmp_path.iterdir()) == []
