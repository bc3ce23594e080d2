"""BatchedEngine: the one thread that owns a model, from loading to release. What it does there is in stepper.py."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable

from speech.engines.base import Engine, EngineStatus, Utterance
from speech.engines.batch.runner import ModelRunner
from speech.engines.batch.stepper import Soundless, Stepper
from speech.engines.batch.watchdog import Watchdog
from speech.errors import EngineBroken, EngineClosed, EngineFailed, ErrorCode, SpeechError

STEP_TIMEOUT_S = 30.0
log = logging.getLogger("kyutai_tts.engine")


class BatchedEngine(Engine):
    """The thread that owns the model, from loading to release."""

    def __init__(
        self,
        build: Callable[[], ModelRunner],
        max_queue: int,
        free: Callable[[], None] = lambda: None,
        step_timeout_s: float = STEP_TIMEOUT_S,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        """Returns when the model is loaded.

        build: makes the runner, on the engine's thread. free: called when that thread has ended, to collect what is
        left. step_timeout_s: a turn that takes longer will never end; the engine is broken then. rest: called, on the
        engine's thread, whenever there is nothing to do.
        Raises the SpeechError that build raised, or EngineFailed.
        """
        self.fatal: SpeechError | None = None  # why it can never speak again; only a new process helps
        self._free, self._rest = free, rest
        self._stepper: Stepper | None = None
        self._wake, self._loaded = threading.Event(), threading.Event()
        self._closing = False
        self._watchdog = Watchdog(step_timeout_s, self._hang)
        self._thread = threading.Thread(target=self._live, args=(build, max_queue), name="engine")
        self._thread.start()
        self._loaded.wait()
        self._raise_if_not_loaded()

    def start(self, utterance: Utterance) -> None:
        stepper = self._stepper
        if stepper is None:
            raise _bare(self.fatal or EngineClosed("The engine is closed."))
        stepper.admit(utterance)
        utterance.listen(self._wake.set)

    def status(self) -> EngineStatus:
        stepper = self._stepper
        return stepper.status() if stepper is not None else EngineStatus(0, 0, 0)

    def position(self, utterance: Utterance) -> int | None:
        stepper = self._stepper
        return stepper.position(utterance) if stepper is not None else None

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        if self._watchdog.barked:  # that thread waits for a GPU that does not answer; nothing can be freed
            return
        self._thread.join()
        self._watchdog.close()
        free, self._free = self._free, lambda: None
        free()

    def _raise_if_not_loaded(self) -> None:
        if self.fatal is not None:
            self.close()
            raise self.fatal

    def _hang(self) -> None:
        """Called by the watchdog: end all speech with an error, on its thread."""
        log.error(
            "a step of the model has not ended for %g s: the GPU hangs, this worker gives up", self._watchdog.limit_s
        )
        self.fatal = EngineBroken(
            "The GPU does not answer any more; the service starts anew.", code=ErrorCode.GPU_HANGS
        )
        stepper, self._stepper = self._stepper, None
        if stepper is not None:
            stepper.abandon(self.fatal)

    # -- on the engine's thread -----------------------------------------------------------------------------------

    def _live(self, build: Callable[[], ModelRunner], max_queue: int) -> None:
        runner = self._load(build)
        if runner is None:
            return
        self._stepper = stepper = Stepper(runner, max_queue)
        self._loaded.set()
        try:
            self._speak(stepper)
        except Soundless as error:
            log.error("%s It is to be loaded anew.", error)
            self.fatal = EngineBroken(str(error), code=ErrorCode.NO_SOUND)
        except Exception:
            log.error("the engine died\n%s", traceback.format_exc())  # as text: a kept record must not keep the model
            self.fatal = EngineBroken("The engine failed; the log says why.", code=ErrorCode.ENGINE_DIED)
        finally:
            self._stepper = None
            stepper.abandon(self.fatal or EngineClosed())
            _close(runner)

    def _load(self, build: Callable[[], ModelRunner]) -> ModelRunner | None:
        try:
            return build()
        except SpeechError as error:
            self.fatal = _bare(error)
        except Exception as error:
            log.error("the engine could not be loaded\n%s", traceback.format_exc())
            self.fatal = EngineFailed(f"The model could not be loaded: {error}", code=ErrorCode.LOAD_FAILED)
        self._loaded.set()
        return None

    def _speak(self, stepper: Stepper) -> None:
        """Turn after turn until it is closed; asleep while there is nothing to do."""
        while True:
            self._wake.clear()  # before looking, so that what changes meanwhile is not missed
            if self._closing:
                return
            with self._watchdog:
                busy = stepper.turn()
            if not busy:
                self._rest()
                self._wake.wait()


def _bare(error: SpeechError) -> SpeechError:
    """Without what it remembers of the frames it came through: they hold the half-loaded model."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _close(runner: ModelRunner) -> None:
    try:
        runner.close()
    except Exception:  # after a CUDA error even this fails; the process is to be replaced anyway
        log.error("the model could not be released cleanly\n%s", traceback.format_exc())
