"""When the worker is replaced. gunicorn itself is real in tests/test_live.py."""

from __future__ import annotations

import queue
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app import create_app
from speech.engines import ENGINES
from speech.gpus import GPU
from speech.request import SpeechRequest
from speech.selection import EngineChoice
from speech.service import SpeechService
from speech.settings import Settings
from tests.live_server import LiveServer
from tests.services import make_service
from tests.stage import StageEngine
from web.process.server import Server

CARD = GPU(0, "GPU-0", "Fake", 0, 24_000_000_000)


class Worker:
    """What gunicorn's worker is asked."""

    def __init__(self) -> None:
        self.exits = 0

    def handle_exit(self, _signal: int, _frame: None) -> None:
        self.exits += 1


Hooks = dict[str, Callable[[], None]]


def server_with(
    settings: Settings, gpu: GPU | None, hooks: Hooks | None = None, **ending: Any
) -> tuple[Server, Worker, SpeechService]:
    """hooks: filled with what the app is to call, by name."""
    spec = replace(ENGINES["hibari"], needs_cuda=gpu is not None)
    choice = EngineChoice(spec, "cuda:0" if gpu else "cpu", "for the test", gpu)
    service = make_service(None, settings, choice=choice)

    def create(given: Settings, **told: Callable[[], None]) -> Flask:
        if hooks is not None:
            hooks.update(told)
        return create_app(given, service)

    server = Server(settings, create, **{"end": lambda code: None, **ending})
    server.load()
    server._worker = Worker()
    return server, server._worker, service


@pytest.mark.parametrize(
    ("gpu", "retire", "exits"), [(CARD, True, 1), (CARD, False, 0), (None, True, 0)], ids=["CUDA", "turned off", "CPU"]
)
def test_an_idle_worker_that_used_cuda_retires_and_refuses_nobody(gpu: GPU | None, retire: bool, exits: int) -> None:
    server, worker, service = server_with(Settings(engine="hibari", retire_worker=retire), gpu)
    server._retire_if_cuda()
    assert worker.exits == exits
    assert not service.draining


def test_a_worker_goes_when_the_last_stream_has_ended() -> None:
    """The app tells of every release, by the timer and by hand."""
    hooks: Hooks = {}
    _, worker, service = server_with(Settings(engine="hibari"), CARD, hooks)
    with service.open(SpeechRequest()):
        hooks["on_release"]()
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "retire")
        assert worker.exits == 0
    thread.join(20)
    assert worker.exits == 1


def test_a_worker_that_has_loaded_again_stays() -> None:
    server, worker, service = server_with(Settings(engine="hibari"), CARD)
    service.manager.configure(lambda _: StageEngine(), -1)
    service.load()
    server._retire_if_cuda()
    assert worker.exits == 0
    service.manager.close()


def test_a_broken_engine_ends_the_worker_and_takes_nothing_new() -> None:
    hooks: Hooks = {}
    _, worker, service = server_with(Settings(engine="hibari"), CARD, hooks)
    hooks["on_broken"]()
    assert worker.exits == 1
    assert service.draining


def test_a_worker_whose_gpu_hangs_ends_all_the_same() -> None:
    """Its engine's thread never ends, so that the interpreter would wait for it."""
    ended: queue.Queue[int] = queue.Queue()
    server, _, _ = server_with(Settings(engine="hibari"), CARD, last_resort_s=0.01, end=ended.put)
    server._replace_worker()
    assert ended.get(timeout=20) == 1


def test_a_client_cannot_say_under_which_path_it_is_served(server: LiveServer) -> None:
    request = urllib.request.Request(f"{server.url}/openapi.json", headers={"SCRIPT_NAME": "/elsewhere"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert b"elsewhere" not in answer.read()
