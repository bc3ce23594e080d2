"""What a request means (Interpreter): its voice, how its text is read, what it leaves to a default. Speaks nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from speech.encoders import ENCODERS
from speech.engines import by_rank
from speech.errors import ErrorCode, InvalidRequest, NotSupported
from speech.fingerprint import fingerprint
from speech.length import Length
from speech.request import Piece, SpeechRequest
from speech.script import Script, field_of, script_of, spoken_turns
from speech.selection import EngineChoice
from speech.settings import Settings
from speech.text.document import read_turn
from speech.text.lexicon import Folder, entries, merged
from speech.text.manner import Manner
from speech.text.pipe import Reader
from speech.text.remarks import Remarks
from speech.voices.catalogue import Voice, VoiceCatalogue
from speech.voices.names import ALIASES, VoiceNames
from speech.wishes import settle


class Interpreter:
    """See the module's docstring. Loads nothing. Every method may be called from any thread."""

    def __init__(self, settings: Settings, choice: EngineChoice, voices: VoiceCatalogue) -> None:
        """voices: all of them, also those that belong to one key."""
        self.settings, self.choice, self._catalogue = settings, choice, voices
        self._names = VoiceNames(settings.openai_voices, settings.voices_dir / ALIASES)
        self._lexicons = Folder(settings.lexicon_dir)

    # -- whole requests -----------------------------------------------------------------------------------------

    def settled(self, request: SpeechRequest) -> SpeechRequest:
        """The request with its voice and the engine's defaults. Raises InvalidRequest, VoiceNotFound."""
        voice, settled, _ = self._settled(request)
        return replace(settled, voice=voice.id)

    def check(self, request: SpeechRequest) -> str:
        """The media type that the request's speech would have; nothing is admitted. Raises what is wrong with it."""
        self._script(request)
        self._settled(request)
        return ENCODERS[request.format].media_type

    def fingerprint(self, request: SpeechRequest) -> str | None:
        """What the bytes of its speech depend on; None where that is not known now. Raises InvalidRequest,
        VoiceNotFound."""
        settled = self.settled(request)
        voices = [self._speaker(settled, turn.voice or settled.voice).id for turn in spoken_turns(settled)]
        identities = [self._catalogue.identity(voice) for voice in voices]
        if None in identities:
            return None
        known = list(zip(voices, identities, strict=True))
        manners = [self.manner(replace(settled, voice=voice)) for voice in voices]
        return fingerprint(settled, self.choice.spec.name, known, manners)

    def _settled(self, request: SpeechRequest) -> tuple[Voice, SpeechRequest, tuple[str, ...]]:
        voice = self._speaker(request, request.voice)
        self._catalogue.spoken(voice, request.language)
        return voice, *settle(request, self.choice.spec)

    def _script(self, request: SpeechRequest) -> Script:
        self.check_length(request.written, field_of(request))
        script = script_of(request, partial(self._speaker, request), partial(self._reader, request))
        Length(self.settings.max_audio_s, request.speed).add(script.pieces)
        return script

    def _reader(self, request: SpeechRequest, voice: str, told: Remarks) -> Reader:
        return self.manner(replace(request, voice=voice)).reader(told)

    # -- voices and reading ---------------------------------------------------------------------------------------

    def read(self, request: SpeechRequest, told: Remarks) -> list[Piece]:
        """What is read of its text, with places in it. told: of what is not said. Raises VoiceNotFound."""

        def reader_of(voice: str | None) -> Reader:
            return self._reader(request, self._speaker(request, voice or request.voice).id, told)

        return [piece for turn in spoken_turns(request) for piece in read_turn(turn, reader_of)]

    def voice(self, name: str | None, caller: str = "") -> Voice:
        """The voice of that id, alias or OpenAI name; None: the default. Raises VoiceNotFound."""
        voices = self.voices_of(caller)
        return self._names.voice(name, voices) if name else voices.default

    def voices_of(self, caller: str) -> VoiceCatalogue:
        """The voices that a caller may see and use: where keys are needed, of those made from recordings its own.

        caller: the name of a key; anything else has made none.
        """
        return self._catalogue.of(caller if self.settings.asks_for_keys else "")

    @property
    def voices(self) -> VoiceCatalogue:
        """Those that anyone may see and use."""
        return self._catalogue.of("")

    def check_cloning(self) -> None:
        """Raises NotSupported, which says what is missing or which engine does, where recordings make no voices."""
        spec = self.choice.spec
        if not spec.cloning:
            others = " or ".join(f"ENGINE={other.name}" for other in by_rank() if other.cloning)
            raise NotSupported(f"{spec.label} makes no voices from recordings; {others} does.")
        self.voices.check_cloning()

    def _speaker(self, request: SpeechRequest, name: str | None) -> Voice:
        """The voice of that name for this request; None: one that fits its language or text. Raises VoiceNotFound."""
        owner = request.caller if request.owner is None else request.owner
        return self.voice(name, owner) if name else self.voices_of(owner).usual(request.language, request.text)

    def check_length(self, text: str, field: str = "text") -> None:
        """Raises InvalidRequest for a text of more than MAX_TEXT_CHARS. field: what the caller calls it."""
        most = self.settings.max_text_chars
        if len(text) > most:
            raise InvalidRequest(
                f"{field} has {len(text)} characters; at most {most} are allowed.",
                param=field,
                code=ErrorCode.TEXT_TOO_LONG,
            )

    def manner(self, request: SpeechRequest) -> Manner:
        """How the request's text is read: by its own wishes, its voice's language and the operator's lexicon.

        Raises VoiceNotFound.
        """
        voice = self._speaker(request, request.voice)
        language = request.language or voice.language
        return Manner(
            self._catalogue.spoken(voice, request.language),
            request.language,
            request.normalize,
            request.code == "read",
            merged(entries(request.lexicon), self._lexicons.entries(language)),
            self.choice.spec.phonemes,
        )
