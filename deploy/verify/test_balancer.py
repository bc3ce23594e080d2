"""Three instances behind HAProxy: its queue, one that dies, one that is stopped, none that is left."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.verify.conftest import GPUS, SLOTS
from deploy.verify.containers import address_of, inspect, instances, process, servers_up
from deploy.verify.service import Stream, assert_heard, healthy, heard_in, say, shell, until
from tests.ear import word_errors
from tests.test_live import SENTENCES

LONG = " ".join(SENTENCES * 2)  # about a minute


def test_nine_streams_on_six_slots_are_all_spoken(balanced: int) -> None:
    texts = SENTENCES[:9]
    with ThreadPoolExecutor(len(texts)) as pool:
        audio = list(pool.map(lambda text: say(balanced, text), texts))
    assert sum(word_errors(text, heard_in(data)) for text, data in zip(texts, audio, strict=True)) <= 4


def long_streams(balancer: int) -> list[Stream]:
    """As many as there are slots, all speaking."""
    streams = [Stream(balancer, LONG) for _ in range(GPUS * SLOTS)]
    for stream in streams:
        stream.begin()
    return streams


def test_one_dies_and_only_its_own_streams_break(balanced: int) -> None:
    streams = long_streams(balanced)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(say, balanced, text) for text in SENTENCES[:3]]
        victim = instances(balanced)[0]
        os.kill(process(victim), signal.SIGKILL)
        whole = [stream.rest() for stream in streams]
        assert sorted(whole) == [False] * SLOTS + [True] * (len(streams) - SLOTS)
        for text, future in zip(SENTENCES, waiting, strict=False):
            assert_heard(future.result(), text)
    until(lambda: inspect(victim, "{{.RestartCount}}") == "1" and servers_up(balanced) == GPUS, "its return")
    host, port = address_of(victim)
    assert_heard(say(port, SENTENCES[2], host), SENTENCES[2])


def test_one_is_stopped_and_nothing_is_lost(balanced: int) -> None:
    streams = long_streams(balanced)
    _, leaving = address_of(instances(balanced)[-1])
    with ThreadPoolExecutor(8) as pool:
        stopping = pool.submit(shell, f"./stop.sh --port {leaving}")
        meanwhile = [pool.submit(say, balanced, text) for text in SENTENCES[:6]]
        assert [stream.rest() for stream in streams] == [True] * len(streams)
        for text, future in zip(SENTENCES, meanwhile, strict=False):
            assert_heard(future.result(), text)
        stopping.result()
    assert len(instances(balanced)) == GPUS - 1
    assert_heard(say(balanced, SENTENCES[3]), SENTENCES[3])


def test_with_nobody_left_the_error_is_in_our_shape(balanced: int) -> None:
    for container in instances(balanced):
        shell(f"docker pause {container}")
    try:
        until(lambda: servers_up(balanced) == 0, "HAProxy to see it")
        with pytest.raises(urllib.error.HTTPError) as refused:
            say(balanced, "Is anybody there?")
        with refused.value as answer:
            assert (answer.code, answer.headers["Retry-After"]) == (503, "2")
            assert json.load(answer)["error"]["code"] == "no_instance"
    finally:
        for container in instances(balanced):
            shell(f"docker unpause {container}")
    until(lambda: healthy(balanced), "the instances")
