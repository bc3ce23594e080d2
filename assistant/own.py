"""This process's own copy of what speaks, for when no service runs. Imported only then.

Two hosts start two MCP servers. A lock beside the model cache lets one of them hold the model on a GPU; the other is
told what to do. The operating system frees the lock when its holder ends, however it ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from gpu_manager import gpu_manager
from speech.engines.base import Engine, EngineStatus, Utterance
from speech.errors import ErrorCode, Unavailable
from speech.gpus import GPU
from speech.progress import Progress
from speech.selection import EngineChoice
from speech.service import SpeechService, build_engine, build_service
from speech.settings import Settings, SettingsError


def own_service(environ: Mapping[str, str], env_file: Path) -> SpeechService:
    """A SpeechService over this process's gpu_manager. Loads nothing yet. Raises SpeechError."""
    try:
        settings = Settings.load(environ, env_file)
    except SettingsError as error:
        raise Unavailable(f"The service's settings are wrong: {error}") from None
    return build_service(
        settings, gpu_manager, visible_gpus=environ.get("CUDA_VISIBLE_DEVICES"), build=build_under_lock
    )


def build_under_lock(choice: EngineChoice, settings: Settings, progress: Progress) -> Engine:
    """The engine; on a GPU it holds that GPU's lock until it is closed. Raises Unavailable if another has it."""
    if choice.gpu is None:
        return build_engine(choice, settings, progress)
    lock = take_lock(choice.gpu, lock_folder(settings))
    try:
        return LockedEngine(build_engine(choice, settings, progress), lock)
    except BaseException:
        lock.release()
        raise


class LockedEngine(Engine):
    """The engine in every respect; closing it also gives the lock back."""

    def __init__(self, engine: Engine, lock: FileLock) -> None:
        self._engine, self._lock = engine, lock
        self.sample_rate = engine.sample_rate

    def start(self, utterance: Utterance) -> None:
        self._engine.start(utterance)

    def close(self) -> None:
        try:
            self._engine.close()
        finally:
            self._lock.release()

    def status(self) -> EngineStatus:
        return self._engine.status()

    def position(self, utterance: Utterance) -> int | None:
        return self._engine.position(utterance)


def take_lock(gpu: GPU, folder: Path) -> FileLock:
    """Raises Unavailable if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"kyutai-tts-{re.sub(r'[^A-Za-z0-9-]', '_', gpu.uuid)}.lock"
    lock = FileLock(path, thread_local=False)  # loaded on one thread, closed on another
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise Unavailable(
            f"Another MCP server on this machine holds the model on GPU {gpu.index} ({path}); a second copy is not "
            "loaded. Start the service (./start.sh): every assistant then shares its one copy. Or call "
            "offload_gpu there first.",
            code=ErrorCode.MODEL_HELD_ELSEWHERE,
        ) from None
    return lock


def lock_folder(settings: Settings) -> Path:
    """The model cache: processes that share it run on this machine and load the same model."""
    from speech.hub.files import make_hub

    return make_hub(settings).cache_dir
