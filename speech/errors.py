"""What can go wrong: the tree of SpeechError. Plain data; knows no engine, no thread, no HTTP."""

from __future__ import annotations


class SpeechError(Exception):
    """Speech that could not be made. web/http/errors.py alone knows which HTTP status each kind has.

    message: one sentence for the caller. param: the field at fault, if one is. code: a stable word for programs.
    retry_after_s: when it makes sense to ask again, where that is known.
    """

    code = "speech_error"

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.retry_after_s = retry_after_s


class InvalidRequest(SpeechError):
    """The caller must change the request."""

    code = "invalid_value"


class VoiceNotFound(SpeechError):
    """No voice has that id."""

    code = "voice_not_found"


class NotSupported(SpeechError):
    """A thing that this service honestly cannot do."""

    code = "not_supported"


class QueueFull(SpeechError):
    """All slots speak and the queue is full. Nothing was computed."""

    code = "queue_full"

    def __init__(
        self, message: str = "Every slot is taken and the queue is full.", *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)


class Unavailable(SpeechError):
    """Not now: draining, still loading, too little memory, waited too long."""

    code = "unavailable"


class EngineBusy(SpeechError):
    """The engine is speaking and was asked to go away."""

    code = "engine_busy"


class EngineFailed(SpeechError):
    """A fault of ours or of the machine's while loading or speaking."""

    code = "engine_failed"


class EngineBroken(EngineFailed):
    """The engine failed in a way that it cannot come back from; it must be discarded, or even the process."""


class Cancelled(SpeechError):
    """The caller left, or the speech was stopped by hand."""

    code = "cancelled"
