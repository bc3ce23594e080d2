"""Who speaks (Doors): the running service if there is one, else this process's own copy of the model.

One model is the rule. A service that answers does the work, and an own copy from earlier is let go. A service that
accepts and does not answer still holds its model: that is an error, never a reason for a second copy.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self

from assistant.results import Backend

if TYPE_CHECKING:
    from gpu_manager import LoadProgress
    from speech.remote.client import ServiceClient
    from speech.request import SpeechRequest
    from speech.service import SpeechService
    from speech.status import ServiceStatus
    from speech.voices.catalogue import VoiceCatalogue

log = logging.getLogger("kyutai_tts.mcp")


class SpeechInProgress(Protocol):
    """What Speech and RemoteSpeech have in common."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def ignored(self) -> tuple[str, ...]: ...
    @property
    def seconds(self) -> float: ...
    @property
    def share(self) -> float | None: ...
    @property
    def loading(self) -> LoadProgress | None: ...
    @property
    def queue_position(self) -> int | None: ...
    def encoded(self) -> Iterator[bytes]: ...
    def cancel(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Door(Protocol):
    """What SpeechService and ServiceClient have in common. Every method may be called from any thread."""

    @property
    def voices(self) -> VoiceCatalogue: ...
    def speak(self, request: SpeechRequest) -> SpeechInProgress: ...
    def status(self) -> ServiceStatus: ...
    def release(self, force: bool = False) -> bool: ...


class Chosen(NamedTuple):
    backend: Backend
    door: Door


class Doors:
    """See the module's docstring. Every method may be called from any thread, and may take as long as the network."""

    def __init__(
        self,
        client: Callable[[], ServiceClient],
        own: Callable[[], SpeechService],
        allowed: Literal["auto", "service", "local"] = "auto",
    ) -> None:
        """client, own: make the one and the other at first need; own imports what speaks."""
        self._make_client, self._make_own, self._allowed = client, own, allowed
        self._making = threading.Lock()
        self._client: ServiceClient | None = None
        self._own: SpeechService | None = None
        self._closed = False

    def choose(self) -> Chosen:
        """Whom to ask now. Raises SpeechError if the service is stuck, or missing where only it may speak."""
        if self._allowed == "local":
            return Chosen("this process", self._own_copy())
        client = self._service_client()
        if client.present():
            self._let_own_copy_go()
            return Chosen("service", client)
        if self._allowed == "auto":
            return Chosen("this process", self._own_copy())
        from speech.errors import Unavailable

        raise Unavailable(f"No speech service answers at {client.url}. Start it (./start.sh), or set KYUTAI_TTS_URL.")

    def close(self) -> None:
        """Release the own copy, if there is one, and make no other."""
        with self._making:
            self._closed = True
            own = self._own
        if own is not None:
            own.close()

    # -- inside -------------------------------------------------------------------------------------------------

    def _service_client(self) -> ServiceClient:
        with self._making:
            if self._client is None:
                self._client = self._make_client()
            return self._client

    def _own_copy(self) -> SpeechService:
        from speech.errors import Unavailable

        with self._making:
            if self._closed:
                raise Unavailable("The MCP server is shutting down.")
            if self._own is None:
                self._own = self._make_own()
            return self._own

    def _let_own_copy_go(self) -> None:
        """The service came up: a second copy is no longer needed. While ours still speaks it stays for that."""
        from speech.errors import EngineBusy

        try:
            if self._own is not None and self._own.release():
                log.info("the service runs now; this process let its own copy of the model go")
        except EngineBusy:
            log.info("the service runs now; the own copy still speaks and goes later")
