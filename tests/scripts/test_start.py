"""start.sh on a machine of fakes: a small app.py, a uv that only takes notes, and no tools beyond a bare Debian's."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.scripts.checkout import TIMEOUT_S, Checkout, alive, free_port, stranger
from tests.waiting import wait_until


def test_it_prints_where_the_service_is_and_how_to_hear_it(checkout: Checkout) -> None:
    started = checkout.run("start.sh")
    port = checkout.only_port()
    assert started.returncode == 0, started.stdout
    assert f"The service is running: http://127.0.0.1:{port}  (engine auto)" in started.stdout
    assert re.search(rf"curl .*http://127.0.0.1:{port}/api/tts .* -o fox.wav", started.stdout)
    assert checkout.health(port)["pid"] == checkout.pids()[port]
    assert (checkout.folder / f".run/{port}.log").read_text() == "listening\n"


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("192.0.2.1", "192.0.2.1"), ("box", "box")],
)
def test_the_address_is_one_that_this_machine_can_ask(checkout: Checkout, host: str, address: str) -> None:
    assert checkout.source("address_of 8900", HOST=host) == f"http://{address}:8900"


def test_other_machines_are_told_where_it_is(checkout: Checkout) -> None:
    port = str(free_port())
    told = checkout.run("start.sh", HOST="0.0.0.0", PORT=port).stdout
    assert re.search(rf"other machines of this network: http://[\d.]+:{port}\n", told)
    checkout.run("stop.sh", "--now")
    assert "other machines" not in checkout.run("start.sh", PORT=port).stdout


def test_with_a_certificate_the_address_is_https(checkout: Checkout) -> None:
    assert checkout.source("address_of 8900", HOST="0.0.0.0", TLS_CERT="cert.pem") == "https://127.0.0.1:8900"
    behind = checkout.run("start.sh", "--gpus", "all", TLS_CERT="cert.pem")
    assert behind.returncode == 1
    assert "with TLS_CERT they would speak https to it" in behind.stdout


def test_the_service_leaves_the_terminal(checkout: Checkout) -> None:
    checkout.run("start.sh")
    pid = checkout.pids()[checkout.only_port()]
    assert os.getsid(pid) == pid  # a session of its own: no hangup reaches it


def test_started_twice_it_runs_once(checkout: Checkout) -> None:
    checkout.run("start.sh", PORT=str(port := free_port()))
    pids = checkout.pids()
    again = checkout.run("start.sh", PORT=str(port))
    assert again.returncode == 0
    assert f"already running: http://127.0.0.1:{port}" in again.stdout
    assert checkout.pids() == pids
    assert alive(pids[port])


def test_two_starts_at_once_start_one(checkout: Checkout) -> None:
    port = str(free_port())
    starts = [checkout.begin("start.sh", PORT=port) for _ in range(2)]
    outputs = [start.communicate(timeout=TIMEOUT_S)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], outputs
    assert sorted("already running" in output for output in outputs) == [False, True]
    assert list(checkout.pids()) == [int(port)]


def test_a_busy_port_moves_it_to_the_next_and_there_it_is_found_again(checkout: Checkout) -> None:
    with stranger(b"nothing of yours") as busy:
        started = checkout.run("start.sh", PORT=str(busy))
        port = checkout.only_port()
        assert port > busy
        assert f"Port {busy} is taken by another program; using {port}." in started.stdout
        assert checkout.health(port)["environment"]["PORT"] == str(port)
        assert "already running" in checkout.run("start.sh", PORT=str(busy)).stdout
        assert checkout.only_port() == port


def test_a_service_of_another_folder_is_found_and_left_alone(checkout: Checkout, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other")
    other.make_venv()
    try:
        other.run("start.sh", PORT=str(port := free_port()))
        here = checkout.run("start.sh", PORT=str(port))
        assert here.returncode == 0
        assert "not started from this folder is already running" in here.stdout
        assert checkout.pids() == {}
        assert "Nothing to stop" in checkout.run("stop.sh").stdout
        assert alive(other.pids()[port])
    finally:
        other.run("stop.sh", "--now")


def test_somebody_elses_http_server_is_not_taken_for_ours(checkout: Checkout) -> None:
    with stranger(b'{"service": "another", "engine": "auto"}') as busy:
        started = checkout.run("start.sh", PORT=str(busy))
    assert f"Port {busy} is taken by another program" in started.stdout
    assert alive(checkout.pids()[checkout.only_port()])


def test_an_app_that_dies_shows_the_end_of_its_log(checkout: Checkout) -> None:
    started = checkout.run("start.sh", FAKE_LAST_WORDS="DEVICE='gpu' is not allowed")
    assert started.returncode == 1
    assert "The service did not start" in started.stdout
    assert "DEVICE='gpu' is not allowed" in started.stdout
    assert checkout.pids() == {}


def test_an_app_that_never_answers_is_ended(checkout: Checkout) -> None:
    started = checkout.run("start.sh", FAKE_MUTE="1", START_TIMEOUT_S="1")
    assert started.returncode == 1
    assert "within 1 s" in started.stdout
    (pid,) = re.findall(r"process (\d+)", started.stdout)
    assert not alive(int(pid))
    assert checkout.pids() == {}


def test_an_interrupted_start_leaves_nothing_running(checkout: Checkout) -> None:
    start = checkout.begin("start.sh", FAKE_MUTE="1")
    wait_until(lambda: bool(checkout.pids()))
    (pid,) = checkout.pids().values()
    start.terminate()
    assert "Interrupted." in start.communicate(timeout=TIMEOUT_S)[0]
    assert start.returncode == 1
    assert not alive(pid)
    assert checkout.pids() == {}


def test_in_the_foreground_it_is_the_service_itself(checkout: Checkout) -> None:
    service = checkout.begin("start.sh", "--foreground", PORT=str(port := free_port()))
    try:
        assert service.stdout is not None
        assert service.stdout.readline().startswith("No NVIDIA GPU")
        while service.stdout.readline() != "listening\n":
            assert service.poll() is None
        assert checkout.health(port)["pid"] == service.pid
        assert "already running" in checkout.run("start.sh", PORT=str(port)).stdout
        assert "Stopped." in checkout.run("stop.sh").stdout
        assert service.wait(timeout=TIMEOUT_S) == 0
    finally:
        service.kill()
        service.communicate()


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (("--port", "http"), {}, "PORT=http is not a port number"),
        (("--port=70000",), {}, "PORT=70000 is not a port number"),
        (("--engine", "espeak"), {}, "ENGINE=espeak is none of auto, kyutai, pocket, hibari"),
        (("--prot", "1"), {}, "Unknown option --prot"),
        ((), {"HOST": "192.0.2.1"}, "Cannot listen on HOST=192.0.2.1"),
        ((), {"HOST": "x86_64-conda-linux-gnu"}, "Cannot listen on HOST=x86_64-conda-linux-gnu"),
    ],
)
def test_a_wrong_wish_is_named(
    checkout: Checkout, arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    started = checkout.run("start.sh", *arguments, **environment)
    assert started.returncode == 1
    assert message in started.stdout
    assert checkout.pids() == {}


def test_an_engine_for_gpus_is_refused_before_anything_is_installed(bare: Checkout) -> None:
    started = bare.run("start.sh", "--engine", "kyutai")
    assert started.returncode == 1
    assert "ENGINE=kyutai needs an NVIDIA GPU" in started.stdout
    assert "DEVICE=cpu ./start.sh --engine kyutai" in started.stdout
    assert not (bare.folder / ".venv").exists()
    assert bare.installed() == []


def test_on_a_cpu_it_is_installed_when_that_is_asked_for(checkout: Checkout) -> None:
    started = checkout.run("start.sh", "--engine", "kyutai", DEVICE="cpu")
    assert started.returncode == 0, started.stdout
    assert "-r requirements.txt" in checkout.installed()[0]
    assert "--override requirements/cpu-overrides.txt" in checkout.installed()[0]


def test_a_python_that_uv_has_brought_is_found(bare: Checkout) -> None:
    (bare.commands / "python3.11").unlink()
    real = sys._base_executable  # type: ignore[attr-defined]
    bare.command("uv", f"#!/bin/bash\n[[ $1 != python ]] || echo {real}\n")
    assert bare.source("find_python").strip() == real


def test_a_folder_that_cannot_be_written_is_explained(checkout: Checkout) -> None:
    (checkout.folder / ".run").touch()  # a file: not even root can put a lock into it
    started = checkout.run("start.sh")
    assert started.returncode == 1
    assert started.stdout.startswith(f"Nothing can be written to {checkout.folder}/.run: ")
    assert started.stdout.count("\n") == 1


def test_env_file_counts_and_is_not_executed(checkout: Checkout) -> None:
    del checkout.environment["PORT"]
    port = free_port()
    (checkout.folder / ".env").write_text(
        f"mkdir harm\nPORT={port}  # here\nENGINE='hibari'\nDEFAULT_VOICE=$(mkdir harm)\n"
    )
    started = checkout.run("start.sh")
    assert started.returncode == 0, started.stdout
    assert checkout.health(port)["engine"] == "hibari"
    assert not (checkout.folder / "harm").exists()


def test_the_command_line_beats_the_environment_which_beats_the_file(checkout: Checkout) -> None:
    (checkout.folder / ".env").write_text("PORT=1\nENGINE=kyutai\n")
    ports = [free_port(), free_port()]
    checkout.run("start.sh", PORT=str(ports[0]), ENGINE="auto")
    checkout.run("start.sh", "--port", str(ports[1]), "--engine", "hibari", ENGINE="auto")
    assert [checkout.health(port)["engine"] for port in ports] == ["auto", "hibari"]


def test_no_python_is_explained(bare: Checkout) -> None:
    bare.command("python3.11", "#!/bin/bash\necho 'shim: not found' >&2\nexit 127\n")
    bare.command("python3", '#!/bin/bash\n[[ $2 == *"sys.exit(1)"* ]] && exit 1\n')  # too old
    started = bare.run("start.sh")
    assert started.returncode == 1
    assert "Python 3.11, 3.12, 3.13 or 3.14 is needed" in started.stdout
    assert "apt install python3" in started.stdout
    assert "PYTHON=/none is not one." in bare.run("start.sh", PYTHON="/none").stdout


def test_a_python_without_venv_is_explained(bare: Checkout) -> None:
    (bare.commands / "uv").unlink()
    real = sys._base_executable  # type: ignore[attr-defined]
    bare.command("python3.11", f'#!/bin/bash\n[[ $2 == *ensurepip* ]] && exit 1\nexec "{real}" "$@"\n')
    started = bare.run("start.sh")
    assert started.returncode == 1
    assert re.search(r"apt install python3\.1[123]-venv", started.stdout)


def test_the_environment_is_made_with_python_alone(bare: Checkout) -> None:
    assert "VENV OK" in bare.source("make_venv; venv_works && echo VENV OK")
    assert (bare.folder / ".venv/pyvenv.cfg").exists()


def test_a_folder_that_is_no_environment_is_not_overwritten(bare: Checkout) -> None:
    (bare.folder / ".venv").mkdir()
    (bare.folder / ".venv/diary.txt").write_text("dear")
    assert "is not a virtual environment" in bare.run("start.sh").stdout
    assert (bare.folder / ".venv/diary.txt").exists()


@pytest.mark.parametrize(("host", "address"), [("", "0.0.0.0"), ("[::]", "::"), ("[::1]", "::1"), ("::", "::")])
def test_an_address_in_brackets_is_the_same_address(checkout: Checkout, host: str, address: str) -> None:
    assert checkout.source("listen_address", HOST=host) == address
