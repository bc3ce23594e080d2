"""Speech that is read at an address: made once, read by any number of requests while it is made and a while after."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from speech.errors import Cancelled, SpeechError
from speech.session import Speech
from web.http.files import PIECE_BYTES, unnamed_file

GRACE_S = 10.0  # players close the connection that asked for two bytes, and ask for the rest on another


class Recording:
    """One speech and its bytes so far. Every method may be called from any thread."""

    def __init__(self, speech: Speech, headers: dict[str, str], over: Callable[[], None], grace_s: float) -> None:
        """over: called when the speech has ended or failed. grace_s: how long it is made without a reader."""
        self.headers, self.media_type = headers, speech.media_type
        self.etag = secrets.token_hex(12)  # without a seed the same words sound otherwise the next time
        self.size, self.complete = 0, False
        self.readers, self.used_at = 0, time.monotonic()
        self._speech, self._over, self._grace_s = speech, over, grace_s
        self._file = unnamed_file()
        self._error: SpeechError | None = None
        self._changed = threading.Condition()
        self._abandoned: threading.Timer | None = None
        threading.Thread(target=self._make, name="recording", daemon=True).start()

    def hold(self) -> None:
        """A request is about to read: `reading` follows. Meanwhile it is neither stopped nor dropped."""
        with self._changed:
            self.readers += 1
            if self._abandoned:
                self._abandoned.cancel()
                self._abandoned = None

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """After `hold`. The speech is stopped grace_s after the last reader has left."""
        try:
            yield Reader(self)
        finally:
            self._reader_left()

    @property
    def failed(self) -> bool:
        return self._error is not None

    def close(self) -> None:
        """Free the bytes, when there are no readers."""
        with self._changed:
            self._file.close()

    def wait(self, enough: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Until it is enough, complete or failed; False after timeout_s. Raises the error of the speech."""
        with self._changed:
            settled = self._changed.wait_for(lambda: enough() or self.complete or self.failed, timeout_s)
            if self._error and not enough():
                raise self._error
            return settled

    def piece(self, start: int, stop: int) -> bytes:
        """Some of the bytes that are there."""
        with self._changed:
            self._file.seek(start)
            return self._file.read(min(PIECE_BYTES, self.size - start, stop - start))

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _make(self) -> None:
        try:
            with self._speech as speech:
                for data in speech.encoded():
                    self._add(data)
            self.complete = True
        except SpeechError as error:
            self._error = error
        except Exception as error:  # a full disk; else the readers would wait for ever
            self._error = SpeechError(f"The speech could not be kept: {error}.")
        self.used_at = time.monotonic()
        self.notify()
        self._over()

    def _add(self, data: bytes) -> None:
        with self._changed:
            self._file.seek(self.size)
            self._file.write(data)
            self.size += len(data)
            self._changed.notify_all()

    def _reader_left(self) -> None:
        with self._changed:
            self.readers -= 1
            self.used_at = time.monotonic()
            if not (self.readers or self.complete or self.failed):
                self._abandoned = threading.Timer(self._grace_s, self._speech.cancel)
                self._abandoned.daemon = True
                self._abandoned.start()


class Reader:
    """One request that reads a recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording, self._gone = recording, False

    def leave(self) -> None:
        """The client is gone. Any thread."""
        self._gone = True
        self._recording.notify()

    def wait_for_sound(self) -> None:
        """Until the first bytes are there. Raises SpeechError if they never come, Cancelled if the client leaves."""
        self._recording.wait(lambda: self._gone or self._recording.size > 0)
        self._check()

    def wait_for_end(self, timeout_s: float) -> bool:
        """Until all bytes are there; False if it takes longer. Raises as `wait_for_sound`."""
        self._recording.wait(lambda: self._gone, timeout_s)
        self._check()
        return self._recording.complete

    def bytes(self, start: int = 0, stop: int = 2**63) -> Iterator[bytes]:
        """From start to before stop or the end, as they come. Raises SpeechError midway."""
        while start < stop:
            self._recording.wait(lambda at=start: self._gone or self._recording.size > at)  # type: ignore[misc]
            if self._gone or not (data := self._recording.piece(start, stop)):
                return
            start += len(data)
            yield data

    def _check(self) -> None:
        if self._gone:
            raise Cancelled("The client left.")


class Recordings:
    """Those that are made or kept, by what was asked for."""

    def __init__(self, keep_s: float, most_bytes: int, grace_s: float = GRACE_S) -> None:
        """keep_s: how long after the last reader. most_bytes: of those without readers; the oldest go first."""
        self._keep_s, self._most_bytes, self.grace_s = keep_s, most_bytes, grace_s
        self._lock = threading.Lock()
        self._kept: dict[str, Recording] = {}
        self._making: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # gone with its last holder

    def find(self, key: str) -> Recording | None:
        """The recording of that key, if it is made or kept."""
        self.tidy()
        with self._lock:
            return self._kept.get(key)

    def get(self, key: str, make: Callable[[Callable[[], None]], Recording]) -> Recording:
        """The one that is there, else a new one; it is held. make: is given what to call when the speech is over.

        `make` may wait for a list of voices from the hub: requests for the same wait with it, and no others.
        """
        self.tidy()
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if recording := self._held(key):
                return recording
            recording = make(self._ended)
            recording.hold()
            with self._lock:
                self._kept[key] = recording
            return recording

    def _held(self, key: str) -> Recording | None:
        with self._lock:
            recording = self._kept.get(key)
            if recording:
                recording.hold()
            return recording

    def tidy(self) -> None:
        """Drop what failed, what is too old, and the oldest of what is too much."""
        with self._lock:
            idle = [(r.used_at, key) for key, r in self._kept.items() if not r.readers and (r.complete or r.failed)]
            bytes_kept = sum(self._kept[key].size for _, key in idle)
            for used_at, key in sorted(idle):
                recording = self._kept[key]
                old = time.monotonic() - used_at >= self._keep_s
                if old or recording.failed or bytes_kept > self._most_bytes:
                    bytes_kept -= recording.size
                    self._kept.pop(key).close()

    def _ended(self) -> None:
        """Look again when it may be too old, also if no request comes."""
        self.tidy()
        timer = threading.Timer(self._keep_s + self.grace_s, self.tidy)
        timer.daemon = True
        timer.start()
