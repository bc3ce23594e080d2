"""Several voices in one piece of speech: by turns, and by marks in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from speech.errors import InvalidRequest, VoiceNotFound
from speech.request import SpeechRequest, Token, Turn, Word
from speech.service import SpeechService
from speech.settings import Settings
from speech.text.remarks import Remarks
from speech.voices.catalogue import Voice, VoiceCatalogue
from tests.fakes import FakeEngine
from tests.services import make_service

MARKED = "Once.\n[voice:bob] Hi, it is me!\n[voice:ann.wav]\nWho?\n[voice:] She left."


class Prepared(VoiceCatalogue):
    """Remembers which voices were brought."""

    def __init__(self) -> None:
        super().__init__(Voice(name, name, "en", "MIT", True) for name in ("teller", "bob", "ann.wav"))
        self.brought: set[str] = set()

    def prepare(self, voice_id: str, language: str | None = None) -> None:
        self.brought.add(voice_id)


@dataclass
class Stage:
    service: SpeechService
    engine: FakeEngine
    voices: Prepared

    def said(self, request: SpeechRequest) -> list[Word]:
        with self.service.speak(request) as speech:
            return [word for chunk in speech.chunks() for word in chunk.words]

    @property
    def spoke(self) -> list[str | None]:
        return [utterance.request.voice for utterance in self.engine.started]


@pytest.fixture
def stage() -> Iterator[Stage]:
    engine, voices = FakeEngine(), Prepared()
    settings = Settings(engine="hibari", gpu_idle_timeout=-1, max_text_chars=200)
    service = make_service(lambda _: engine, settings, voices=voices)
    yield Stage(service, engine, voices)
    service.close()


def test_each_turn_has_its_voice(stage: Stage) -> None:
    turns = (Turn("Hello, bob.", "teller"), Turn("Hello.", "BOB"), Turn("Who is it?"))
    words = stage.said(SpeechRequest(turns=turns, voice="ann.wav", seed=3))
    assert stage.spoke == ["teller", "bob", "ann.wav"]
    assert stage.voices.brought == {"teller", "bob", "ann.wav"}
    assert len({utterance.request.seed for utterance in stage.engine.started}) == 3
    text = "\n\n".join(turn.text for turn in turns)
    assert [text[word.start : word.stop] for word in words] == [word.text for word in words] == text.split()
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)


def test_marks_in_the_text_do_the_same(stage: Stage) -> None:
    words = stage.said(SpeechRequest(MARKED))
    assert stage.spoke == ["teller", "bob", "ann.wav", "teller"]
    assert [word.text for word in words] == ["Once.", "Hi,", "it", "is", "me!", "Who?", "She", "left."]
    assert [MARKED[word.start : word.stop] for word in words] == [word.text for word in words]


@pytest.mark.parametrize("passages", [True, False])
def test_one_voice_named_by_a_mark(stage: Stage, passages: bool) -> None:
    assert stage.said(SpeechRequest("[voice:bob] Hello. Hello.", passages=passages))
    assert stage.spoke == ["bob"]


def test_in_one_piece_means_each_turn_in_one(stage: Stage) -> None:
    turns = (Turn("One. " * 15, "bob"), Turn("Two. " * 15))
    stage.said(SpeechRequest(turns=turns, passages=False))
    assert stage.spoke == ["bob", "teller"]


def test_reading_tells_what_each_says(stage: Stage) -> None:
    pieces = stage.service.read(SpeechRequest("One.\n[voice:bob] It costs 3 €."), Remarks())
    assert " ".join(piece.spoken for piece in pieces if isinstance(piece, Token)) == "One. It costs three euros."


def test_what_is_wrong_is_named(stage: Stage) -> None:
    for request in (SpeechRequest("[voice:bobb] Hi."), SpeechRequest(turns=(Turn("Hi.", "bobb"),))):
        with pytest.raises(VoiceNotFound, match=r"'bobb'.*bob"):
            stage.service.speak(request)
    for text in ("[voice:bob]", "[voice:bob] * #"):
        with pytest.raises(InvalidRequest, match="text has no words"):
            stage.service.speak(SpeechRequest(text))
    with pytest.raises(InvalidRequest, match="turns has no words"):
        stage.service.speak(SpeechRequest(turns=(Turn("*"),)))
    with pytest.raises(InvalidRequest, match="turns has 202 characters") as told:
        stage.service.speak(SpeechRequest(turns=(Turn("a" * 100), Turn("b" * 100))))
    assert told.value.param == "turns"


def test_a_fingerprint_knows_every_voice(stage: Stage) -> None:
    known = {stage.service.fingerprint(SpeechRequest(text)) for text in (MARKED, MARKED.replace("bob", "BOB"), "Once.")}
    assert len(known) == 3
    turns = [(Turn("Hi.", voice),) for voice in ("bob", "ann.wav", None)]
    assert len({stage.service.fingerprint(SpeechRequest(turns=each)) for each in turns}) == 3
