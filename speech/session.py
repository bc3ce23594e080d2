"""One piece of speech from request to last byte (Speech): load, slot, audio, encoding. Knows no HTTP."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gpu_manager import GPUManager, LoadProgress, NotLoaded, State
from speech.captions import with_times
from speech.engines.base import Engine, Utterance
from speech.engines.spec import EngineSpec
from speech.errors import Cancelled, EngineBroken, ErrorCode, InvalidRequest, QueueFull, SpeechError, Unavailable
from speech.length import Length
from speech.relay import Relay, Share
from speech.request import AudioChunk, Piece, SpeechRequest, Token
from speech.sound import Sound
from speech.tempo import with_tempo
from speech.text.manner import Manner
from speech.text.passages import Passage
from speech.text.pipe import Reader
from speech.text.remarks import Remarks
from speech.voices.catalogue import Voice


class Speech(Sound):
    """Speech that was accepted. Nothing is computed and nothing waits before `start` or `chunks` is called.

    `say`, `end` and `cancel` may be called from any thread at any time; `start`, `chunks`, `encoded`, `whole` and
    `close` belong to one reader, who must call `close`, best by `with`.
    """

    def __init__(
        self,
        request: SpeechRequest,
        voice: Voice,
        engine: EngineSpec,
        manager: GPUManager[Engine],
        *,
        load_timeout_s: float,
        queue_timeout_s: float,
        prepare: Callable[[], None] = lambda: None,
        ignored: tuple[str, ...] = (),
        most_s: float = math.inf,
        manner: Manner | None = None,
        refusal: Callable[[SpeechRequest], QueueFull] = lambda _: QueueFull(),
        on_close: Callable[[Speech], None] = lambda _: None,
    ) -> None:
        super().__init__(request, engine.sample_rate)
        self.voice, self.engine, self.ignored = voice, engine, ignored
        self.remarks = Remarks()  # what is told beside the sound: of its text what was not said
        self._manner = manner or Manner(voice.language)
        self._length = Length(most_s, request.speed)
        self.utterance = Utterance(request)
        self._relay: Relay | None = None  # of a text in passages; the utterance is then that of the first
        self._manager, self._load_timeout_s, self._queue_timeout_s = manager, load_timeout_s, queue_timeout_s
        self._prepare, self._refusal, self._on_close = prepare, refusal, on_close
        self._held = ExitStack()
        self._audio: Iterator[AudioChunk] | None = None
        self._first: AudioChunk | None = None
        self.opened_at = time.monotonic()
        self.first_audio_s: float | None = None  # from the opening to the first samples
        self._asked = False  # it wants a slot; a socket may be silent for long before
        self.decided = threading.Event()  # it is accepted, or never will be
        self.accepted = False  # the engine has taken it in: it speaks or waits for a slot
        self.failure: ErrorCode | None = None  # the code of the error that ended it
        self._engine: Engine | None = None
        self._closing = threading.Lock()
        self._closed = False

    # -- text in ------------------------------------------------------------------------------------------------

    def reader(self, messages: bool = False) -> Reader:
        """The pipe through which its text goes. messages: each piece of text ends a word."""
        return self._manner.reader(self.remarks, messages)

    def say(self, *pieces: Piece) -> None:
        """More of what a Reader gives. Raises InvalidRequest when all of it would sound for too long."""
        self._length.add(pieces)
        self.counts.starts.extend(piece.start for piece in pieces if isinstance(piece, Token))
        self.utterance.say(*pieces)

    def end(self) -> None:
        self.utterance.end()

    def say_passages(self, passages: Sequence[Passage], share: Share) -> None:
        """A whole text instead of `say` and `end`: its passages, at least one, side by side and heard in order."""
        for passage in passages:
            self._length.add(passage.pieces)
            self.counts.starts.extend(piece.start for piece in passage.pieces if isinstance(piece, Token))
        self._relay = Relay(self.request, passages, share, self.utterance)

    def be_patient(self) -> None:
        """No one waits for its first sound: those who speak already do not stand by for it."""
        self.utterance.patient = True

    def cancel(self) -> None:
        """Stop at once, in any phase: waiting for the model, for a slot, or speaking."""
        self.utterance.cancel()
        if self._relay is not None:
            self._relay.cancel()

    def bring_voice(self, embedding: NDArray[np.float32]) -> None:
        """Speak as this speaker (SpeechRequest.embedding). Only before `start`; later it has no effect."""
        self.request = self.utterance.request = replace(self.request, embedding=embedding)

    # -- audio out ----------------------------------------------------------------------------------------------

    def preload(self) -> None:
        """Have the model loaded for a `start` that will come soon; nothing is held meanwhile.

        Raises what loading raises. Returns early on `cancel`, or when it takes longer than a request would wait.
        """
        if self._manager.status().idle_timeout_s == 0:
            return  # it would be released again before the first word comes
        self.utterance.listen(self._manager.wake)
        with suppress(NotLoaded), self._manager.use(self._load_timeout_s, given_up=lambda: self.utterance.over):
            pass

    def start(self) -> None:
        """Load the model if need be, take a slot and wait for the first audio.

        Every error that can come before the first audio comes here: Unavailable, QueueFull, EngineFailed,
        Cancelled, and InvalidRequest for a text in which nothing can be said.
        """
        if self._audio is None:
            self._asked = True
            self._audio = self._watched()
            try:
                self._first = next(self._audio, None)
            finally:
                self.decided.set()
            if self._first is None:
                self.failure = ErrorCode.NOTHING_TO_SAY
                raise InvalidRequest(
                    f"There is nothing in the text that the {self.engine.label} can say.",
                    param="text",
                    code=ErrorCode.NOTHING_TO_SAY,
                )

    def chunks(self) -> Iterator[AudioChunk]:
        """Audio as it is made, from the beginning, with words whose times are known (captions.py).

        Raises as `start` does, and SpeechError when it breaks midway.
        """
        self.start()
        assert self._audio is not None
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._audio

    # -- figures ------------------------------------------------------------------------------------------------

    @property
    def made_s(self) -> float:
        """Seconds of audio that the engine made so far."""
        return sum(utterance.made_s for utterance in self._utterances)

    @property
    def tokens(self) -> int:
        """How many input tokens the model was given so far."""
        return sum(utterance.tokens for utterance in self._utterances)

    @property
    def begun_at(self) -> float | None:
        """When it got its slot, on time.monotonic; None if it has had none."""
        return self.utterance.begun_at

    @property
    def queue_s(self) -> float | None:
        """Seconds from the opening, loading included, until it had a slot; None if it never had one."""
        begun_at = self.utterance.begun_at
        return None if begun_at is None else begun_at - self.opened_at

    @property
    def pace(self) -> float | None:
        """Seconds of audio for each second since it got its slot; None before it has one."""
        begun_at = self.utterance.begun_at
        return None if begun_at is None else self.seconds / max(1e-6, time.monotonic() - begun_at)

    # -- while one waits ----------------------------------------------------------------------------------------

    @property
    def queue_position(self) -> int | None:
        """1: the next to get a slot. None: it has one, or the engine is not there yet."""
        return None if self._engine is None else self._engine.position(self.utterance)

    def give_way(self, error: QueueFull) -> bool:
        """End with the error, for another, if it waits for a slot; False: it does not. Any thread."""
        return self._asked and self.utterance.give_way(error)

    @property
    def outcome(self) -> str:
        """How it ended: ok, cancelled, or the code of the error. Means something once it is closed."""
        return self.failure or ("ok" if self.complete else "cancelled")

    @property
    def loaded(self) -> bool:
        return self._manager.status().state is State.READY

    @property
    def loading(self) -> LoadProgress | None:
        """How far the model is, while it is not there."""
        status = self._manager.status()
        return None if self.accepted or status.state is State.READY else status.loading or LoadProgress()

    def close(self) -> None:
        """Let go of the slot and the engine. A second call does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self.cancel()
        try:
            self._held.close()
        finally:
            self._engine = None
            self._on_close(self)

    def __enter__(self) -> Speech:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _utterances(self) -> list[Utterance]:
        return [self.utterance] if self._relay is None else self._relay.utterances

    def _wait_for_slot(self, utterance: Utterance) -> None:
        if not utterance.wait_for_slot(self._queue_timeout_s):
            self.cancel()
            raise Unavailable(
                f"No slot became free within {self._queue_timeout_s:g} s.",
                code=ErrorCode.QUEUE_TIMEOUT,
                retry_after_s=self._refusal(self.request).retry_after_s,
            )

    def _enter(self, engine: Engine) -> None:
        """It was let in while the engine loaded, and the engine may have fewer slots than was thought."""
        try:
            engine.start(self.utterance)
        except QueueFull:
            raise self._refusal(self.request) from None

    def _heard(self, engine: Engine) -> Iterator[AudioChunk]:
        if self._relay is None:
            return with_times(self.utterance.chunks())
        return with_times(self._relay.chunks(engine, self.sample_rate, self._wait_for_slot))

    def _paced(self, chunks: Iterator[AudioChunk]) -> Iterator[AudioChunk]:
        return chunks if self.request.speed == 1 else with_tempo(chunks, self.sample_rate, self.request.speed)

    def _watched(self) -> Iterator[AudioChunk]:
        try:
            yield from self._speak()
            self.complete = True
        except SpeechError as error:
            self.failure = error.code
            raise

    def _speak(self) -> Iterator[AudioChunk]:
        self.utterance.listen(self._manager.wake)
        try:
            engine = self._held.enter_context(
                self._manager.use(self._load_timeout_s, given_up=lambda: self.utterance.over)
            )
        except NotLoaded as error:
            if self.utterance.over:
                raise self.utterance.error or Cancelled("The speech was cancelled.") from None
            raise Unavailable(str(error), code=ErrorCode.MODEL_NOT_LOADED, retry_after_s=10) from None
        self._engine = engine
        try:
            self._prepare()
            self._enter(engine)
            self.accepted = True
            self.decided.set()
            self._wait_for_slot(self.utterance)
            for chunk in self._paced(self._heard(engine)):
                if self.first_audio_s is None:
                    self.first_audio_s = time.monotonic() - self.opened_at
                self.counts.samples += len(chunk.samples)
                self.counts.words += len(chunk.words)
                yield chunk
        except EngineBroken as error:
            self._manager.discard(engine, error)
            raise
