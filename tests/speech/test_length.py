"""How long a text will sound, before anything is spoken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import ErrorCode, InvalidRequest
from speech.length import MOST_PAUSES_S, Length
from speech.request import SpeechRequest
from speech.service import SpeechService
from speech.session import Speech
from speech.text.pipe import read

SILENCE = "Hi " + '<break time="10s"/>' * 1_050


def test_hours_of_silence_are_refused_before_anything_is_spoken(service: SpeechService) -> None:
    with pytest.raises(InvalidRequest) as refused:
        service.speak(SpeechRequest(SILENCE, speed=0.25))
    assert (refused.value.code, refused.value.param) == (ErrorCode.SPEECH_TOO_LONG, "text")
    assert service.streams_open == 0
    assert service.manager.status().loads == 0


def test_the_same_word_by_word(service: SpeechService) -> None:
    def say_all(speech: Speech) -> None:
        for piece in read(SILENCE):
            speech.say(piece)

    with service.open(SpeechRequest("", speed=0.25)) as speech, pytest.raises(InvalidRequest):
        say_all(speech)


def test_the_longest_text_is_taken_at_the_slowest_speed(service: SpeechService) -> None:
    text = ("A word " * 20_000)[: service.settings.max_text_chars]
    service.speak(SpeechRequest(text, speed=0.25)).close()


@pytest.mark.parametrize(
    ("most_s", "speed", "taken"), [(10, 1, True), (10, 0.25, False), (40, 0.25, True), (2, 1, False)]
)
def test_the_bound_is_of_what_is_heard(most_s: float, speed: float, taken: bool) -> None:
    length = Length(most_s, speed)
    pieces = read("This is a sentence of about three seconds and not more.")
    if taken:
        length.add(pieces)
        assert 0 < length.seconds <= most_s
    else:
        with pytest.raises(InvalidRequest, match="MAX_AUDIO_S"):
            length.add(pieces)


@given(st.text(max_size=200), st.integers(0, 200))
def test_in_parts_it_is_as_long_as_whole(text: str, cut: int) -> None:
    pieces = read(text)
    whole, parts = Length(1e9, 1.0), Length(1e9, 1.0)
    whole.add(pieces)
    parts.add(pieces[:cut])
    parts.add(pieces[cut:])
    assert parts.seconds == pytest.approx(whole.seconds)


def test_ten_minutes_of_pauses() -> None:
    length = Length(1e9, 1.0)
    length.add(read('<break time="10s"/> a ' * int(MOST_PAUSES_S / 10)))
    with pytest.raises(InvalidRequest, match="pauses"):
        length.add(read('<break time="1s"/>'))
