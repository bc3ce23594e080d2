"""How `say` ends: the exit codes (docs/say.md), and which of them an error means."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speech.errors import SpeechError


class Exit(IntEnum):
    SAID = 0
    FAILED = 1
    USAGE = 2
    NO_SERVICE = 3
    NO_SOUND = 4
    NOT_WRITTEN = 5
    INTERRUPTED = 130  # 128 + SIGINT, as shells count
    TERMINATED = 143


class Ended(Exception):
    """It cannot be said. The message is one sentence for people."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def ending_of(error: SpeechError) -> Ended:
    """The ending that an error of the service's or the engine's means."""
    from speech.errors import ErrorCode

    usage = {ErrorCode.VOICE_NOT_FOUND, ErrorCode.INVALID_VALUE, ErrorCode.NOTHING_TO_SAY, ErrorCode.TEXT_TOO_LONG}
    broken = {
        *(ErrorCode.SPEECH_ERROR, ErrorCode.ENGINE_FAILED, ErrorCode.LOAD_FAILED, ErrorCode.INTERNAL_ERROR),
        *(ErrorCode.NO_SOUND, ErrorCode.SPEECH_WITHOUT_END, ErrorCode.SPEECH_TOO_LONG, ErrorCode.GPU_HANGS),
        *(ErrorCode.BROKEN_OFF, ErrorCode.ENGINE_DIED, ErrorCode.ENGINE_CLOSED, ErrorCode.OUT_OF_MEMORY),
    }
    key = {ErrorCode.MISSING_API_KEY, ErrorCode.INVALID_API_KEY}
    if error.code in usage:
        return Ended(Exit.USAGE, error.message)
    if error.code in key:
        return Ended(Exit.NO_SERVICE, f"{error.message} say takes the key from KYUTAI_TTS_API_KEY.")
    return Ended(Exit.FAILED if error.code in broken else Exit.NO_SERVICE, error.message)
