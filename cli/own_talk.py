"""What RemoteTalk is, with an engine of this process (OwnTalk)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from gpu_manager import LoadProgress
from speech.errors import Cancelled, SpeechError
from speech.request import Piece, SpeechRequest
from speech.service import SpeechService

REST_S = 1.0  # text that brings nothing new for so long is said as far as it is there


class OwnTalk:
    """See RemoteTalk. The writer is one thread, the reader another."""

    def __init__(self, service: SpeechService, request: SpeechRequest) -> None:
        self._service, self._request = service, request
        self._lock = threading.Lock()  # of the text's reader
        self._rest: threading.Timer | None = None
        self._error: SpeechError | None = None

    def open(self) -> None:
        """Raises as SpeechService.open does."""
        self._speech = self._service.open(self._request)
        self._reader = self._speech.reader()

    def say(self, text: str) -> None:
        self._rested()
        self._heard(lambda: self._reader.feed(text))
        self._rest = threading.Timer(REST_S, self._nudge)
        self._rest.daemon = True
        self._rest.start()

    def end(self) -> None:
        self._rested()
        self._heard(self._reader.flush)
        self._speech.end()

    def encoded(self) -> Iterator[bytes]:
        try:
            yield from self._speech.encoded()
        except Cancelled:
            raise self._error or Cancelled("The speech was cancelled.") from None

    def cancel(self) -> None:
        if hasattr(self, "_speech"):
            self._speech.cancel()

    def close(self) -> None:
        self._rested()
        if hasattr(self, "_speech"):
            self._speech.close()

    def __enter__(self) -> OwnTalk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def sample_rate(self) -> int:
        return self._speech.encoded_rate

    @property
    def ignored(self) -> tuple[str, ...]:
        return self._speech.ignored

    @property
    def seconds(self) -> float:
        return self._speech.seconds

    @property
    def share(self) -> float | None:
        return None  # more words may come

    @property
    def loading(self) -> LoadProgress | None:
        return self._speech.loading

    @property
    def queue_position(self) -> int | None:
        return self._speech.queue_position

    def _rested(self) -> None:
        if self._rest is not None:
            self._rest.cancel()

    def _nudge(self) -> None:
        self._heard(self._reader.nudge)

    def _heard(self, read: Callable[[], list[Piece]]) -> None:
        """What is wrong with the text ends the speech, and shows where its audio is read."""
        try:
            with self._lock:
                self._speech.say(*read())
        except SpeechError as error:
            self._error = error
            self._speech.cancel()
