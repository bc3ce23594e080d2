"""Speech.start on a thread of its own (Opening), so that a client can be told meanwhile why it waits."""

from __future__ import annotations

import threading
from types import TracebackType

from speech.session import Speech

DECIDED_S = 0.5  # a loaded engine takes an utterance in, or refuses it, within much less


class Opening:
    """From admission to the first audio. Use it in a `with` block inside the speech's own: it joins its thread."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._start, name="opening")

    def __enter__(self) -> Opening:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._done.is_set():
            self._speech.cancel()
        self._thread.join()

    def admitted(self) -> None:
        """Return once the engine has taken the speech in, or has to be loaded first. Raises what is wrong by then."""
        if self._speech.loaded:
            self._speech.decided.wait(DECIDED_S)
        if self._speech.decided.is_set() and not self._speech.accepted:
            self.result()

    def wait(self, timeout_s: float) -> bool:
        """True as soon as there is audio, or an error."""
        return self._done.wait(timeout_s)

    def result(self) -> None:
        """Wait for the end of it. Raises as Speech.start does."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _start(self) -> None:
        try:
            self._speech.start()
        except BaseException as error:  # of any kind: the one who waits must hear it
            self._error = error
        finally:
            self._done.set()
