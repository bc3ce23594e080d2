"""SpeechService without HTTP: what is settled before anything is computed, and how speech ends."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from speech.engines import ENGINES
from speech.engines.base import UtteranceStatus
from speech.errors import Cancelled, EngineBroken, EngineFailed, InvalidRequest, QueueFull, Unavailable, VoiceNotFound
from speech.gpus import GPU
from speech.request import SpeechRequest, Token
from speech.service import choose
from speech.settings import Settings
from speech.wishes import settle
from tests.fakes import Gate, fake_service
from tests.whole import whole_file

WAIT_S = 10.0
GPU_24 = GPU(0, "GPU-0", "Fake", 0, 24_000_000_000)
MODEL = replace(ENGINES["hibari"], cfg_coefs=(1.0, 1.5, 2.0), default_cfg_coef=2.0, sampling=True)


def test_a_whole_wav_and_a_stream_hold_the_same_audio() -> None:
    service = fake_service()
    with service.speak(SpeechRequest("one two", format="wav")) as speech:
        whole = whole_file(speech)
    with service.speak(SpeechRequest("one two", format="wav")) as speech:
        streamed = b"".join(speech.encoded())
    assert whole[44:] == streamed[44:]
    assert len(whole) == 44 + 2 * 2 * 1920
    assert speech.seconds == pytest.approx(0.16)
    service.close()


def test_the_engine_is_held_until_the_speech_is_closed() -> None:
    service = fake_service()
    speech = service.speak(SpeechRequest("one two"))
    assert service.manager.status().users == 0
    speech.start()
    assert service.manager.status().users == 1
    speech.close()
    speech.close()
    assert service.manager.status().users == 0
    service.close()


def test_cancelling_while_the_model_loads_ends_the_wait() -> None:
    gate = Gate()
    service = fake_service(gate)
    speech = service.speak(SpeechRequest("one"))
    outcome: list[BaseException] = []

    def start() -> None:
        try:
            speech.start()
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    assert gate.reached.wait(WAIT_S)
    speech.cancel()
    thread.join(WAIT_S)
    assert [type(error) for error in outcome] == [Cancelled]
    speech.close()
    gate.open.set()
    service.close()


def test_words_may_come_while_the_model_loads() -> None:
    gate = Gate()
    service = fake_service(gate)
    with service.open(SpeechRequest()) as speech:
        speech.say(Token("one", "one"))
        gate.open.set()
        audio = speech.chunks()
        assert next(audio).words[0].text == "one"
        speech.say(Token("two", "two"))
        assert next(audio).words[0].text == "two"
        speech.end()
        assert list(audio) == []
    assert speech.utterance.status is UtteranceStatus.FINISHED
    service.close()


def test_loading_that_takes_too_long_is_unavailable() -> None:
    gate = Gate()
    service = fake_service(gate, Settings(engine="hibari", load_timeout=0.01))
    with service.speak(SpeechRequest("one")) as speech, pytest.raises(Unavailable) as raised:
        speech.start()
    assert raised.value.code == "model_not_loaded"
    gate.open.set()
    service.close()


def test_release_under_a_stream_breaks_it_when_forced() -> None:
    service = fake_service()
    with service.open(SpeechRequest()) as speech:
        speech.say(Token("one", "one"))
        audio = speech.chunks()
        next(audio)
        assert service.release(force=True)
        with pytest.raises(EngineFailed, match="released"):
            next(audio)
    service.close()


def test_a_broken_engine_goes_and_the_next_request_gets_a_new_one() -> None:
    service = fake_service()
    with service.open(SpeechRequest()) as speech:
        speech.say(Token("one", "one"))
        audio = speech.chunks()
        next(audio)
        first = service.manager.peek()
        speech.utterance.fail(EngineBroken("CUDA error"))
        with pytest.raises(EngineBroken):
            next(audio)
    assert service.manager.peek() is None
    with service.speak(SpeechRequest("one")) as speech:
        speech.start()
        assert service.manager.peek() is not first
    service.close()


@pytest.mark.parametrize(
    ("request_", "kind", "param"),
    [
        (SpeechRequest(""), InvalidRequest, "text"),
        (SpeechRequest("** 🙂"), InvalidRequest, "text"),
        (SpeechRequest("a" * 20_001), InvalidRequest, "text"),
        (SpeechRequest("a", voice="x"), VoiceNotFound, "voice"),
        (SpeechRequest("a", format="x"), InvalidRequest, "format"),
    ],
)
def test_bad_requests_are_refused_at_the_door(request_: SpeechRequest, kind: type[Exception], param: str) -> None:
    service = fake_service()
    with pytest.raises(kind) as raised:
        service.speak(request_)
    assert raised.value.param == param  # type: ignore[attr-defined]
    assert service.status().streams_open == 0


def test_refused_speech_leaves_the_door_open() -> None:
    service = fake_service(settings=Settings(engine="hibari", max_slots=1, max_queue=0))
    first = service.speak(SpeechRequest("one"))
    with pytest.raises(QueueFull):
        service.speak(SpeechRequest("two"))
    first.close()
    with service.speak(SpeechRequest("three")) as speech:
        speech.start()
    service.close()


def test_cfg_coef_is_checked_where_it_means_something() -> None:
    assert settle(SpeechRequest(), MODEL)[0].cfg_coef == 2.0
    assert settle(SpeechRequest(cfg_coef=1.5), MODEL)[0].cfg_coef == 1.5
    with pytest.raises(InvalidRequest, match=r"1\.0, 1\.5, 2\.0"):
        settle(SpeechRequest(cfg_coef=1.7), MODEL)


def test_what_the_engine_does_not_know_is_named_as_ignored() -> None:
    settled, ignored = settle(SpeechRequest(cfg_coef=9.0, temperature=0.5, top_k=3, seed=1), ENGINES["hibari"])
    assert set(ignored) == {"cfg_coef", "temperature", "top_k"}
    assert (settled.cfg_coef, settled.temperature, settled.top_k, settled.seed) == (None, None, None, 1)


def test_the_embedded_voice_may_be_used_commercially() -> None:
    assert ENGINES["hibari"].catalogue(Settings()).default.commercial


def test_a_default_voice_that_does_not_exist_is_named_at_the_start() -> None:
    with pytest.raises(VoiceNotFound, match=r"DEFAULT_VOICE=hart is not a voice here\. Nearest: heart\."):
        choose(Settings(engine="hibari", default_voice="hart"))
    choose(Settings(engine="hibari", default_voice="heart"))
