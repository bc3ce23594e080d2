"""Recordings: one speech for all who ask for the same, while others ask for others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from speech.request import SpeechRequest
from speech.service import SpeechService
from web.http.recordings import Recording, Recordings

WAIT_S = 60

Over = Callable[[], None]


def recording_of(service: SpeechService, over: Over) -> Recording:
    return Recording(service.speak(SpeechRequest(text="Hello.", format="pcm")), {}, over, grace_s=10)


def test_who_waits_for_a_voice_keeps_only_those_waiting_who_want_the_same(service: SpeechService) -> None:
    recordings = Recordings(keep_s=300, most_bytes=1_000_000)
    asked, here = threading.Event(), threading.Event()
    made: list[Recording] = []

    def waits(over: Over) -> Recording:
        asked.set()
        assert here.wait(WAIT_S)
        made.append(recording_of(service, over))
        return made[-1]

    with ThreadPoolExecutor() as pool:
        try:
            same = [pool.submit(recordings.get, "slow", waits) for _ in range(2)]
            assert asked.wait(WAIT_S)
            assert pool.submit(recordings.find, "slow").result(WAIT_S) is None
            other = pool.submit(recordings.get, "other", lambda over: recording_of(service, over)).result(WAIT_S)
        finally:
            here.set()
        got = [one.result(WAIT_S) for one in same]
    assert got == made * 2
    for recording in (*got, other):
        with recording.reading() as reader:
            assert b"".join(reader.bytes())
