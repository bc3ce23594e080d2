"""The same door over HTTP (ServiceClient): what SpeechService does, done by a running service. For MCP and `say`.

Knows the service's API and HTTP; no engine, no MCP. It obeys no proxy variables: a proxy cannot reach the ports of
this machine, and the standard library's client never asks for one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from gpu_manager import State
from speech.errors import ErrorCode, SpeechError, Unavailable
from speech.remote.connection import refusal
from speech.remote.passage import RemotePassage
from speech.remote.speech import RemoteSpeech
from speech.remote.talk import RemoteTalk
from speech.request import SpeechRequest
from speech.status import LoadingStatus, ServiceStatus
from speech.voices.catalogue import Voice, VoiceCatalogue

Data = TypeVar("Data")

SERVICE = "kyutai-tts"  # what /health calls itself
CONNECT_S = 3.0  # on this machine a refusal takes a millisecond
ANSWER_S = 5.0  # /health and the lists never wait for the model
RELEASE_S = 60.0
JOB_S = 600.0  # a million characters are read
_PIECE_BYTES = 1 << 16
_LONGEST_ANSWER = 16 * 2**20  # bytes; a list of some hundred voices has a tenth of a megabyte


class ServiceClient:
    """A running service at one address. Every method may be called from any thread; each has its own connection."""

    def __init__(
        self, url: str, api_key: str | None = None, *, connect_s: float = CONNECT_S, answer_s: float = ANSWER_S
    ) -> None:
        """url: http or https, host, port, and the path it is served under, if any. Raises ValueError for others.

        connect_s, answer_s: seconds until a service that does not answer counts as stuck.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a service, such as http://127.0.0.1:8900")
        self.url = url
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._connect_s, self._answer_s = connect_s, answer_s
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def present(self) -> bool:
        """True when our service answers; False when the port is closed, or another program has it.

        Raises Unavailable when a program accepts and does not answer: a service too busy to answer still holds the
        model. Likewise when the address cannot be reached at all.
        """
        try:
            status, body = self._ask("GET", "/health", self._answer_s)
            return status == 200 and json.loads(body)["service"] == SERVICE
        except ConnectionRefusedError:
            return False
        except OSError as error:
            raise self._silent(error) from None
        except (HTTPException, ValueError, KeyError, TypeError):
            return False  # a stranger, who speaks something else

    def speak(self, request: SpeechRequest) -> RemoteSpeech:
        """Speech that the service will make; nothing is sent before it is read. The caller closes it."""
        return RemoteSpeech(self._connection(), f"{self._prefix}/api/tts", self._headers, request)

    def passage(self, request: SpeechRequest) -> RemotePassage:
        """A passage that the service will say; nothing is sent before it is read. The caller closes it."""
        return RemotePassage(self._connection(), self._prefix, self._headers, request)

    def talk(self, request: SpeechRequest) -> RemoteTalk:
        """Speech whose words come later; nothing is sent before it is opened. The caller closes it."""
        return RemoteTalk(self._connection(), f"{self._prefix}/api/stream", self._headers, request)

    @property
    def voices(self) -> VoiceCatalogue:
        """The service's voices as they are now. Raises SpeechError."""
        body = self._json("GET", "/api/voices")
        voices = [_known(Voice, voice) for voice in body["voices"]]
        return VoiceCatalogue(voices, default=body["default"])

    def status(self) -> ServiceStatus:
        """What SpeechService.status says there. Raises SpeechError."""
        body = self._json("GET", "/api/gpu/status")
        try:
            loading = _known(LoadingStatus, body["loading"]) if body["loading"] else None
            return _known(ServiceStatus, {**body, "state": State(body["state"]), "loading": loading})
        except (KeyError, TypeError, ValueError):
            message = f"The service at {self.url} is of another version: its status cannot be read."
            raise SpeechError(message, code=ErrorCode.BAD_ANSWER) from None

    def release(self, force: bool = False) -> bool:
        """Give the GPU back; False if nothing was loaded. Raises SpeechError while in use, unless force."""
        return bool(self._json("POST", "/api/gpu/offload", {"force": force}, RELEASE_S)["released"])

    def start_job(self, request: SpeechRequest) -> dict[str, Any]:
        """Have a long text said; the job, as the API tells it. Raises SpeechError."""
        unknown = dict.fromkeys(("caller", "passages", "embedding", "turns"))
        fields = {name: value for name, value in {**vars(request), **unknown}.items() if value is not None}
        return self._json("POST", "/api/jobs", fields, JOB_S)

    def job(self, job_id: str) -> dict[str, Any]:
        """How far it is. Raises SpeechError."""
        return self._json("GET", f"/api/jobs/{quote(job_id, safe='')}")

    def job_audio(self, job_id: str, format_name: str) -> Iterator[bytes]:
        """The file of a job that is done, in pieces; waits while it is put together. Raises SpeechError."""
        while True:
            try:
                yield from self._job_audio(job_id, format_name)
                return
            except SpeechError as error:
                if error.code is not ErrorCode.FILE_IN_MAKING:
                    raise
                time.sleep(error.retry_after_s or 0.0)

    def _job_audio(self, job_id: str, format_name: str) -> Iterator[bytes]:
        path = f"{self._prefix}/api/jobs/{quote(job_id, safe='')}/audio?format={quote(format_name)}"
        try:
            with closing(self._connection()) as connection:
                connection.connect()
                connection.sock.settimeout(JOB_S)
                connection.request("GET", path, headers=self._headers)
                with connection.getresponse() as response:
                    if response.status != 200:
                        body = response.read(_LONGEST_ANSWER)
                        raise refusal(response.status, body, response.headers["Retry-After"])
                    while piece := response.read(_PIECE_BYTES):
                        yield piece
        except (OSError, HTTPException) as error:
            raise self._silent(error) from None

    # -- inside -------------------------------------------------------------------------------------------------

    def _json(self, method: str, path: str, body: object = None, answer_s: float | None = None) -> dict[str, Any]:
        try:
            status, data = self._ask(method, path, answer_s or self._answer_s, body)
            if status not in (200, 202):
                raise refusal(status, data)
            answer: dict[str, Any] = json.loads(data)
            return answer
        except (OSError, HTTPException, ValueError) as error:
            raise self._silent(error) from None

    def _ask(self, method: str, path: str, answer_s: float, body: object = None) -> tuple[int, bytes]:
        """One request and its whole answer. Raises OSError and HTTPException."""
        with closing(self._connection()) as connection:
            connection.connect()
            connection.sock.settimeout(answer_s)
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, self._prefix + path, sent, self._headers)
            with connection.getresponse() as response:
                return response.status, response.read(_LONGEST_ANSWER)

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self._secure else HTTPConnection
        return kind(self._host, self._port, timeout=self._connect_s)

    def _silent(self, error: Exception) -> Unavailable:
        reason = str(error) or type(error).__name__
        return Unavailable(f"The speech service at {self.url} does not answer ({reason}).", code=ErrorCode.NO_ANSWER)


def _known(kind: type[Data], given: dict[str, Any]) -> Data:
    """The dataclass of these fields; a newer service may send more. Raises TypeError if one is missing."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in given.items() if name in names})
