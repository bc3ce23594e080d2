"""Who speaks: the service, the own copy, or neither; and never two."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from assistant.doors import Doors
from speech.errors import Unavailable
from speech.remote.client import ServiceClient
from speech.service import SpeechService
from tests import strangers
from tests.assistant.conftest import never
from tests.live_server import free_port
from tests.stage import StageEngine
from tests.staged import serving, staged_service


def test_a_running_service_speaks(staged_url: str) -> None:
    assert Doors(lambda: ServiceClient(staged_url), never).choose().backend == "service"


def test_without_a_service_this_process_speaks(own_doors: Doors, staged: SpeechService) -> None:
    assert own_doors.choose() == ("this process", staged)


def test_a_stranger_on_the_port_is_no_service(staged: SpeechService) -> None:
    with strangers.listening(strangers.answers(strangers.http(b'{"service": "other"}'))) as url:
        assert Doors(lambda: ServiceClient(url), lambda: staged).choose().backend == "this process"


def test_a_stuck_service_is_an_error_and_never_a_second_copy() -> None:
    with strangers.stuck() as url, pytest.raises(Unavailable, match="does not answer"):
        Doors(lambda: ServiceClient(url, answer_s=0.1), never).choose()


def test_a_service_that_comes_up_takes_over_and_the_own_copy_goes(staged: SpeechService) -> None:
    port = free_port()
    doors = Doors(lambda: ServiceClient(f"http://127.0.0.1:{port}"), lambda: staged)
    assert doors.choose().backend == "this process"
    staged.load()
    running = staged_service(StageEngine())
    with serving(running, port):
        assert doors.choose().backend == "service"
        assert staged.manager.status().releases == 1
        assert doors.choose().backend == "service"
        assert staged.manager.status().releases == 1
    assert doors.choose().backend == "this process"
    running.close()


def test_an_own_copy_that_still_speaks_is_let_go_later(staged: SpeechService) -> None:
    port = free_port()
    doors = Doors(lambda: ServiceClient(f"http://127.0.0.1:{port}"), lambda: staged)
    doors.choose()
    running = staged_service(StageEngine())
    with serving(running, port):
        with staged.manager.use():
            assert doors.choose().backend == "service"
            assert staged.manager.status().releases == 0
        assert doors.choose().backend == "service"
        assert staged.manager.status().releases == 1
    running.close()


@pytest.mark.parametrize("allowed", ["local", "service"])
def test_only_one_of_them_where_the_settings_say_so(
    staged: SpeechService, staged_url: str, no_server: str, allowed: Literal["local", "service"]
) -> None:
    if allowed == "local":
        assert Doors(lambda: ServiceClient(staged_url), lambda: staged, "local").choose().backend == "this process"
    else:
        with pytest.raises(Unavailable, match=r"Start it \(./start.sh\)"):
            Doors(lambda: ServiceClient(no_server), never, "service").choose()


def test_after_closing_no_copy_is_made(no_server: str, staged: SpeechService) -> None:
    doors = Doors(lambda: ServiceClient(no_server), lambda: staged)
    doors.choose()
    staged.load()
    doors.close()
    assert staged.manager.status().releases == 1
    with pytest.raises(Unavailable, match="shutting down"):
        doors.choose()


def test_settings_that_are_wrong_are_told(tmp_path: Path) -> None:
    from assistant.own import own_service

    with pytest.raises(Unavailable, match="MAX_SLOTS"):
        own_service({"MAX_SLOTS": "many"}, tmp_path / ".env")
