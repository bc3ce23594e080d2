"""One text that a Wyoming client has spoken: whole (WholeText) or as it comes (ComingText). Knows no socket."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from tempfile import TemporaryFile

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.tts import SynthesizeStopped, SynthesizeVoice

from speech.errors import Cancelled, EngineFailed, ErrorCode, InvalidRequest, SpeechError, VoiceNotFound
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.session import Speech

log = logging.getLogger("kyutai_tts.wyoming")

SILENCE_S = 0.1  # is said for a text without words, as on /v1/audio/speech
SAMPLE_BYTES = 2
MAX_CHARS = 1_000_000  # of one text that comes in pieces, as on a WebSocket

Send = Callable[[Event], None]
Ready = Callable[[], None]


class Job(ABC):
    """`speak` runs on a thread of its own; everything else is called by the loop's thread and does not block."""

    def __init__(self, service: SpeechService, request: SpeechRequest) -> None:
        self._service, self._request = service, request
        self._cancelled = False

    def cancel(self) -> None:
        """Stop at once, or do not begin."""
        self._cancelled = True

    def speak(self, send: Send) -> bool:
        """Say it; the client hears of what goes wrong. False: the connection should end, which clients understand."""
        try:
            for event in self._events():
                send(event)
        except Cancelled:
            return False
        except SpeechError as error:
            return _told(send, error)
        except Exception:
            log.exception("a client's text could not be spoken")
            return _told(send, EngineFailed("Something went wrong on our side.", code=ErrorCode.INTERNAL_ERROR))
        return True

    @abstractmethod
    def _open(self) -> Speech:
        """Raises what is wrong with the text, or Cancelled."""

    def _last(self) -> Iterator[Event]:
        """What is said behind the audio."""
        return iter(())

    def _events(self) -> Iterator[Event]:
        try:
            with self._open() as speech:
                if self._cancelled:
                    raise Cancelled("The client has left.")
                yield from _audio(speech, speech.encoded())
                _log(speech)
        except InvalidRequest as error:
            if error.code != ErrorCode.NOTHING_TO_SAY:
                raise
            yield from self._silence()
        yield from self._last()

    def _silence(self) -> Iterator[Event]:
        with self._service.open(self._request) as speech, TemporaryFile() as file:
            speech.write_silence(file, SILENCE_S)
            file.seek(0)
            yield from _audio(speech, [file.read()])


class WholeText(Job):
    """`synthesize`."""

    def _open(self) -> Speech:
        return self._service.speak(self._request)


class ComingText(Job):
    """`synthesize-start`, `synthesize-chunk` and `synthesize-stop`; opened, and so admitted, with the first."""

    def __init__(self, service: SpeechService, request: SpeechRequest, ready: Ready) -> None:
        """ready: called when there is something to say, or never will be. Raises as SpeechService.open does."""
        super().__init__(service, request)
        self._ready = ready
        self._chars, self._ended = 0, False
        self._speech = service.open(request)
        self._reader = self._speech.reader()

    def feed(self, text: str) -> None:
        """More of it, cut anywhere. Raises InvalidRequest when it is too much."""
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            raise InvalidRequest(f"The text has more than {MAX_CHARS} characters.", code=ErrorCode.TEXT_TOO_LONG)
        if pieces := self._reader.feed(text):
            self._speech.say(*pieces)
            self._ready()

    def rested(self) -> None:
        """No more came for a while: say the words that were held back because more might change how they are read."""
        if not self._ended and (pieces := self._reader.nudge()):
            self._speech.say(*pieces)
            self._ready()

    def end(self) -> None:
        """Take no more text, and say what there is."""
        if not self._ended:
            self._ended = True
            self._speech.say(*self._reader.flush())
            self._speech.end()
            self._ready()

    def cancel(self) -> None:
        super().cancel()
        self._ended = True
        self._speech.cancel()
        self._ready()

    def _open(self) -> Speech:
        return self._speech

    def _last(self) -> Iterator[Event]:
        yield SynthesizeStopped().event()


def request_for(service: SpeechService, text: str, voice: SynthesizeVoice | None, caller: str) -> SpeechRequest:
    """Raises VoiceNotFound if a language is asked for that no voice has."""
    name = voice.name if voice else None
    if voice and not name and voice.language:
        name = _voice_of(service, voice.language.replace("_", "-").split("-")[0].lower())
    return SpeechRequest(text=text, voice=name, format="pcm", caller=caller)


def _voice_of(service: SpeechService, language: str) -> str:
    """The default voice if it speaks the language, else the first that does."""
    voices = [service.voices.default, *service.voices.known().values()]
    for voice in voices:
        if voice.language == language:
            return voice.id
    spoken = ", ".join(sorted({voice.language for voice in voices}))
    raise VoiceNotFound(f"No voice here speaks {language!r}; there are voices for {spoken}.", param="voice")


def _audio(speech: Speech, pieces: Iterator[bytes] | list[bytes]) -> Iterator[Event]:
    """audio-start, a chunk for each piece, audio-stop. An error before the first audio comes before audio-start."""
    rate, samples, begun = speech.encoded_rate, 0, False
    for audio in pieces:
        if not begun:
            begun = True
            yield AudioStart(rate, SAMPLE_BYTES, 1, timestamp=0).event()
        yield AudioChunk(rate, SAMPLE_BYTES, 1, audio, timestamp=samples * 1000 // rate).event()
        samples += len(audio) // SAMPLE_BYTES
    yield AudioStop(timestamp=samples * 1000 // rate).event()


def _log(speech: Speech) -> None:
    log.info(
        "spoke voice=%s words=%d audio_s=%.3f first_audio_s=%.3f",
        speech.voice.id,
        speech.counts.words,
        speech.seconds,
        speech.first_audio_s or 0.0,
    )


def _told(send: Send, error: SpeechError) -> bool:
    log.info("a client's text is not spoken: %s", error.code)
    with suppress(Cancelled):
        send(Error(text=error.message, code=str(error.code)).event())
    return False
