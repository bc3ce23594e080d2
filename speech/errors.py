"""What can go wrong: the tree of SpeechError, and the table of codes. Plain data; knows no engine, no thread, no HTTP.

`python -m speech.errors` prints the table as it stands in docs/api.md.
"""

from __future__ import annotations

import errno
from enum import StrEnum


class ErrorCode(StrEnum):
    """Every `code` that an error can have, with its meaning. A public contract: what is here stays."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> ErrorCode:
        code = str.__new__(cls, value)
        code._value_, code.meaning = value, meaning
        return code

    @classmethod
    def known(cls, value: object, otherwise: ErrorCode) -> ErrorCode:
        """The code of that value; `otherwise` if there is none, as from a service of another version."""
        return next((code for code in cls if code == value), otherwise)

    SPEECH_ERROR = "speech_error", "something went wrong that has no code of its own"
    INVALID_VALUE = "invalid_value", "a field must be changed; `param` names it"
    VOICE_NOT_FOUND = "voice_not_found", "no voice has that id"
    MODEL_NOT_FOUND = "model_not_found", "no model has that name (OpenAI's API)"
    NOT_SUPPORTED = "not_supported", "the service cannot do that"
    QUEUE_FULL = "queue_full", "every slot is taken and the queue is full, or another caller had a right to the place"
    UNAVAILABLE = "unavailable", "not now; the message says why"
    ENGINE_BUSY = "engine_busy", "the model is in use; `force` interrupts it"
    ENGINE_FAILED = "engine_failed", "a fault of ours or of the machine's while loading or speaking"
    CANCELLED = "cancelled", "the client left, or the speech was stopped"
    NOTHING_TO_SAY = "nothing_to_say", "no words of the text can be said"
    TEXT_TOO_LONG = "text_too_long", "more than `MAX_TEXT_CHARS`, or more than one socket takes"
    DRAINING = "draining", "the service is about to end"
    ENGINE_CLOSED = "engine_closed", "the engine was released while it spoke"
    ENGINE_DIED = "engine_died", "the engine failed for good and is replaced"
    GPU_HANGS = "gpu_hangs", "the GPU does not answer any more; the service starts anew"
    LOAD_FAILED = "load_failed", "the model could not be loaded"
    MODEL_NOT_LOADED = "model_not_loaded", "the model was not loaded in time; loading goes on"
    TOO_LITTLE_MEMORY = "too_little_memory", "the GPU has too little free memory for the model"
    OUT_OF_MEMORY = "out_of_memory", "the GPU's memory ran out while it spoke"
    QUEUE_TIMEOUT = "queue_timeout", "no slot became free within `QUEUE_TIMEOUT`"
    STORAGE_FULL = "storage_full", "the disk is full, or `VOICES_QUOTA_MB` of uploaded voices are reached"
    NO_SOUND = "no_sound", "the model made numbers that are no sound"
    SPEECH_WITHOUT_END = "speech_without_end", "the model came to no end and was stopped"
    SPEECH_TOO_LONG = "speech_too_long", "one speech cannot last longer"
    VOICE_EXISTS = "voice_exists", "there is a voice of that name already"
    VOICE_CLONING_NOT_RELEASED = (
        "voice_cloning_not_released",
        "the part of the model that makes voices of recordings is not published",
    )
    CLONING_NOT_READY = (
        "cloning_not_ready",
        "making voices takes weights that are not here; the message says how to get them",
    )
    UNSUPPORTED_PARAMETER = "unsupported_parameter", "a field of OpenAI's that means nothing here"
    BAD_EMBEDDING = "bad_embedding", "the file is no voice embedding of this model"
    JOB_NOT_FOUND = "job_not_found", "no job of yours has that id"
    JOB_STATE = "job_state", "not in this state of the job; the message says which it must be"
    PASSAGE_DAMAGED = "passage_damaged", "the audio of a job's passage is gone or damaged; make that passage again"
    JOB_QUOTA = "job_quota", "the files of jobs take as much as `JOB_QUOTA_GB` allows"
    INVALID_JSON = "invalid_json", "the body is not a JSON object"
    INVALID_AUDIO = "invalid_audio", "the body is not whole samples, or the recording cannot be used"
    BAD_MESSAGE = "bad_message", "a message that the WebSocket's protocol does not have there"
    SILENT = "silent", "the WebSocket's client sent nothing for `SILENCE_TIMEOUT`"
    UNREAD = "unread", "the WebSocket's client left its audio unread"
    TOO_LONG = "too_long", "the WebSocket was open for `MAX_SOCKET_TIME`"
    BAD_FRAME = "bad_frame", "a frame that is none, or a message that is too large"
    MISSING_API_KEY = "missing_api_key", "the service needs a key"
    INVALID_API_KEY = "invalid_api_key", "the key is not a known one"
    RATE_LIMITED = "rate_limited", "more requests from one caller than `RATE_LIMIT` allows"
    BAD_REQUEST = "bad_request", "the request is malformed"
    NOT_FOUND = "not_found", "there is no such path"
    METHOD_NOT_ALLOWED = "method_not_allowed", "the path does not take that method"
    REQUEST_TIMEOUT = "request_timeout", "the body did not come in time"
    REQUEST_ENTITY_TOO_LARGE = "request_entity_too_large", "the body is too large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", "the body is of a type that is not taken"
    UNPROCESSABLE_ENTITY = "unprocessable_entity", "JSON of another shape (moshi-server's API)"
    UPGRADE_REQUIRED = "upgrade_required", "another version of WebSocket than 13"
    REQUEST_HEADER_FIELDS_TOO_LARGE = "request_header_fields_too_large", "the request's head is too long"
    FILE_IN_MAKING = "file_in_making", "a file of a job is being put together; it is there when asked for again"
    TOO_MANY_REQUESTS = "too_many_requests", "as many of these are under way as may be"
    SERVICE_UNAVAILABLE = "service_unavailable", "too many long requests are being received"
    TOO_MANY_FRAMES = "too_many_frames", "a WebSocket's client sent more frames than speech needs"
    FOREIGN_ORIGIN = "foreign_origin", "from a page of an origin that `CORS_ORIGINS` does not name"
    HOST_NOT_ALLOWED = "host_not_allowed", "the request's `Host` is not one of `ALLOWED_HOSTS`"
    INTERNAL_ERROR = "internal_error", "the fault is ours; the log says more"
    NO_ANSWER = "no_answer", "MCP: the service does not answer"
    BROKEN_OFF = "broken_off", "MCP: the service stopped in the middle"
    BAD_ANSWER = "bad_answer", "MCP: the service answered with what is no error of ours"
    MODEL_HELD_ELSEWHERE = "model_held_elsewhere", "MCP: another process of this machine holds the model"


def as_markdown() -> str:
    rows = [f"| `{code}` | {code.meaning} |" for code in ErrorCode]
    return "\n".join(["| code | when |", "|---|---|", *rows])


ENGINE_AGAIN_S = 1.0  # until an engine that was released can be loaded again
MEMORY_AGAIN_S = 5.0  # until speech that runs has given some of the memory back that ran out
NO_ROOM = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
)  # the disk, a quota, `ulimit -f`


class SpeechError(Exception):
    """Speech that could not be made. web/http/errors.py alone knows which HTTP status each kind has.

    message: one sentence for the caller. param: the field at fault, if one is. code: one of the table, for programs.
    retry_after_s: when it makes sense to ask again, where that is known.
    """

    code = ErrorCode.SPEECH_ERROR

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: ErrorCode | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.retry_after_s = retry_after_s


class InvalidRequest(SpeechError):
    """The caller must change the request."""

    code = ErrorCode.INVALID_VALUE


class VoiceNotFound(SpeechError):
    """No voice has that id."""

    code = ErrorCode.VOICE_NOT_FOUND


class JobNotFound(SpeechError):
    """No job of this caller has that id."""

    code = ErrorCode.JOB_NOT_FOUND


class JobState(SpeechError):
    """The job is in a state in which that cannot be done."""

    code = ErrorCode.JOB_STATE


class OutOfQuota(SpeechError):
    """The audio of jobs takes as much room as it may."""

    code = ErrorCode.JOB_QUOTA


class NotSupported(SpeechError):
    """A thing that this service honestly cannot do."""

    code = ErrorCode.NOT_SUPPORTED


class QueueFull(SpeechError):
    """All slots speak and the queue is full. Nothing was computed."""

    code = ErrorCode.QUEUE_FULL

    def __init__(
        self, message: str = "Every slot is taken and the queue is full.", *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)


class Unavailable(SpeechError):
    """Not now: draining, still loading, too little memory, waited too long."""

    code = ErrorCode.UNAVAILABLE


class EngineClosed(Unavailable):
    """The engine was released by force, or is about to end. The next request loads it again."""

    code = ErrorCode.ENGINE_CLOSED

    def __init__(self, message: str = "The engine was released while it was speaking.") -> None:
        super().__init__(message, retry_after_s=ENGINE_AGAIN_S)


class StorageFull(SpeechError):
    """No room for a file: the disk's, a quota's or a limit's. A person must make room."""

    code = ErrorCode.STORAGE_FULL


class EngineBusy(SpeechError):
    """The engine is speaking and was asked to go away."""

    code = ErrorCode.ENGINE_BUSY


class EngineFailed(SpeechError):
    """A fault of ours or of the machine's while loading or speaking."""

    code = ErrorCode.ENGINE_FAILED


class EngineBroken(EngineFailed):
    """The engine failed in a way that it cannot come back from; it must be discarded, or even the process."""


class Cancelled(SpeechError):
    """The caller left, or the speech was stopped by hand."""

    code = ErrorCode.CANCELLED


if __name__ == "__main__":
    print(as_markdown())
