"""stop.sh ends what start.sh started, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.checkout import TIMEOUT_S, Checkout, alive, free_port
from tests.waiting import wait_until


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def test_nothing_to_stop_is_no_failure(checkout: Checkout) -> None:
    stopped = checkout.run("stop.sh")
    assert stopped.returncode == 0
    assert "Nothing to stop" in stopped.stdout


def test_it_stops_what_start_started(checkout: Checkout) -> None:
    checkout.run("start.sh")
    (pid,) = checkout.pids().values()
    stopped = checkout.run("stop.sh")
    assert stopped.returncode == 0
    assert f"(process {pid})" in stopped.stdout
    assert stopped.stdout.endswith("Stopped.\n")
    assert not alive(pid)
    assert checkout.pids() == {}


def test_one_of_two_by_its_port_then_the_rest(checkout: Checkout) -> None:
    ports = free_port(), free_port()
    for port in ports:
        checkout.run("start.sh", "--port", str(port))
    pids = checkout.pids()
    checkout.run("stop.sh", "--port", str(ports[0]))
    assert [alive(pids[port]) for port in ports] == [False, True]
    assert list(checkout.pids()) == [ports[1]]
    checkout.run("stop.sh")
    assert not alive(pids[ports[1]])


@pytest.mark.parametrize("record", ["{pid}\n12345 not-this-boot\n\n\n", "{pid}\n", "{pid}", "", "rubbish\n1 2\n"])
def test_a_stranger_with_the_old_number_is_left_alone(
    checkout: Checkout, stranger: subprocess.Popen[bytes], record: str
) -> None:
    file = checkout.folder / ".run/8900.pid"
    file.parent.mkdir()
    file.write_text(record.format(pid=stranger.pid))
    stopped = checkout.run("stop.sh", "--now")
    assert stopped.returncode == 0
    assert "Nothing to stop" in stopped.stdout
    assert alive(stranger.pid)
    assert not file.exists()


def test_running_streams_may_finish(checkout: Checkout, tmp_path: Path) -> None:
    drained = tmp_path / "drained"
    checkout.run("start.sh", FAKE_DRAINED=str(drained))
    port = checkout.only_port()
    pid = checkout.pids()[port]
    stopping = checkout.begin("stop.sh", DRAIN_TIMEOUT="50.5")
    assert stopping.stdout is not None
    assert "up to 50 s to finish" in stopping.stdout.readline()
    log = checkout.folder / f".run/{port}.log"
    wait_until(lambda: "draining" in log.read_text())
    assert alive(pid)
    drained.touch()
    assert stopping.communicate(timeout=TIMEOUT_S)[0] == "Stopped.\n"
    assert not alive(pid)


def test_now_does_not_wait_for_streams(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("start.sh", FAKE_DRAINED=str(tmp_path / "never"))
    (pid,) = checkout.pids().values()
    assert "at once" in checkout.run("stop.sh", "--now").stdout
    assert not alive(pid)


def test_a_process_that_takes_no_signal_of_ours_is_not_waited_for(checkout: Checkout) -> None:
    checkout.run("start.sh")
    refused = {"BASH_FUNC_kill%%": "() { return 1; }"}  # as it is for a process of another user
    stopped = checkout.run("stop.sh", DRAIN_TIMEOUT="1000", **refused)
    assert stopped.returncode == 1
    assert "was it started by another user?" in stopped.stdout
    assert "is killed" not in stopped.stdout
    assert alive(checkout.pids()[checkout.only_port()])


STUBBORN = """
import signal, subprocess
print(subprocess.Popen(["sleep", "1000"]).pid, flush=True)
signal.signal = lambda *_: None
"""


def test_one_that_does_not_end_is_killed_with_its_children(checkout: Checkout) -> None:
    app = checkout.folder / "app.py"
    app.write_text(STUBBORN + app.read_text())  # SIGQUIT is ignored in what a script starts in the background
    checkout.run("start.sh")
    port = checkout.only_port()
    child = int((checkout.folder / f".run/{port}.log").read_text().split()[0])
    pid = checkout.pids()[port]
    assert "Stopped." in checkout.run("stop.sh", "--now").stdout
    assert not alive(pid)
    assert not alive(child)
