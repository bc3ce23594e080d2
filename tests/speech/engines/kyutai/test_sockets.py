"""Kyutai's engine over the socket, the tiny checkpoint, greedy: words that come late are said as if they had not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import msgpack
import numpy as np
import pytest

from app import create_app
from speech.engines import ENGINES
from speech.engines.batch.engine import BatchedEngine
from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.selection import EngineChoice
from speech.settings import Settings
from speech.voices.catalogue import Voice, VoiceCatalogue
from tests.services import make_service
from tests.speech.engines.kyutai.checkpoint import VOICES
from tests.web.inside import URL, Inside, inside
from tests.web.sockets.moshi_client import NO_STATUS, Heard, MoshiClient

TEXT = "Every morning she counts the (gulls): rain."
GAP_S = 0.1


@pytest.fixture(scope="module")
def sockets(load_model: Callable[..., Any], embedding: Embedding) -> Iterator[Inside]:
    settings = Settings(max_slots=2, gpu_idle_timeout=-1)

    def runner() -> KyutaiRunner:
        return KyutaiRunner(load_model(), embedding, slots=2, temperature=0.0)

    voices = VoiceCatalogue([Voice(voice, voice, "en", "CC0-1.0", True) for voice in VOICES])
    choice = EngineChoice(ENGINES["kyutai"], "cpu", "a test")
    service = make_service(lambda _: BatchedEngine(runner, max_queue=2), settings, choice=choice, voices=voices)
    with inside(create_app(settings, service)) as connections:
        yield connections
        service.close()


def sound(heard: Heard) -> np.ndarray:
    return np.array([message["pcm"] for message in heard.of("Audio")], np.float32).ravel()


def at_once(sockets: Inside, *first: bytes, **query: str) -> Heard:
    with MoshiClient(URL, sock=sockets.connect(), **query) as client:
        for message in first:
            client.binary(message)
        client.text(TEXT)
        client.eos()
        return client.hear_all()


def one_by_one(sockets: Inside, gap_s: float, **query: str) -> Heard:
    """A word, a pause, a word; the end once the last has been sent."""
    with MoshiClient(URL, sock=sockets.connect(), **query) as client:
        timer = threading.Event()
        for word in TEXT.split():
            client.text(word)
            timer.wait(gap_s)
        client.eos()
        return client.hear_all()


def test_words_one_by_one_sound_as_the_whole_text_does(sockets: Inside) -> None:
    whole, late = at_once(sockets), one_by_one(sockets, GAP_S)
    assert late.close_code == whole.close_code == NO_STATUS
    assert len(sound(whole)) > 24_000
    assert np.array_equal(sound(late), sound(whole))
    assert late.of("Text") == whole.of("Text")


def test_the_first_audio_leaves_before_the_end_of_the_text(sockets: Inside) -> None:
    with MoshiClient(URL, sock=sockets.connect()) as client:
        for word in TEXT.split():
            client.text(word)
        client.until("Audio")
        client.eos()
        assert client.hear_all().close_code == NO_STATUS


def test_a_row_that_waits_for_words_does_not_hold_the_other(sockets: Inside) -> None:
    with MoshiClient(URL, sock=sockets.connect()) as resting:
        resting.text("One")
        assert np.array_equal(sound(at_once(sockets)), sound(one_by_one(sockets, 0.0)))
        resting.eos()
        assert resting.hear_all().words == ["One"]


def test_word_times(sockets: Inside) -> None:
    heard = at_once(sockets)
    assert heard.words == TEXT.split()
    words = heard.of("Text")
    assert all(before["stop_s"] == after["start_s"] for before, after in pairwise(words))
    assert all(word["start_s"] <= word["stop_s"] for word in words)
    assert words[-1]["stop_s"] <= heard.seconds + 0.5


def test_cfg_coef_in_the_query_is_heard(sockets: Inside) -> None:
    plain = sound(at_once(sockets))
    assert not np.array_equal(sound(at_once(sockets, cfg_coef="4.0")), plain)
    assert np.array_equal(sound(at_once(sockets, cfg_alpha="9.9")), plain)


def test_a_voice_that_the_client_brings(sockets: Inside, embedding: Embedding) -> None:
    """As an embedding it sounds as it does by its name."""
    array = embedding(VOICES[1])
    voice = msgpack.packb({"type": "Voice", "embeddings": array.ravel().tolist(), "shape": list(array.shape)})
    named = sound(at_once(sockets, voice=VOICES[1]))
    assert not np.array_equal(named, sound(at_once(sockets)))
    assert np.array_equal(sound(at_once(sockets, voice)), named)
