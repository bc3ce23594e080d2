"""start.sh and stop.sh with Docker, which is a fake that runs the checkout's app.py (fake_docker.py)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.checkout import REPOSITORY, TIMEOUT_S, Checkout, alive, free_port, stranger
from tests.scripts.test_gpu import NO_DRIVER, nvidia_smi
from tests.waiting import wait_until


@pytest.fixture
def docker(checkout: Checkout, tmp_path: Path) -> Iterator[Path]:
    """The state of the fake engine, whose client is on the checkout's PATH."""
    state = tmp_path / "docker"
    state.mkdir()
    fake = REPOSITORY / "tests/scripts/fake_docker.py"
    checkout.command("docker", f'#!/bin/bash\nexec "{sys.executable}" "{fake}" "$@"\n')
    checkout.environment["FAKE_DOCKER"] = str(state)
    yield state
    (state / "down").unlink(missing_ok=True)
    checkout.run("stop.sh", "--now")


def containers(docker: Path) -> dict[str, dict[str, Any]]:
    """By compose project."""
    return {path.stem: json.loads(path.read_text()) for path in docker.glob("*.json")}


def calls(docker: Path) -> list[str]:
    return (docker / "calls.log").read_text().splitlines()


def port_for_docker() -> str:
    return str(free_port())


def test_a_gpu_an_engine_and_its_toolkit_make_a_container(checkout: Checkout, docker: Path) -> None:
    nvidia_smi(checkout, "20000", "300", "5000")
    started = checkout.run("start.sh", "--port", port := port_for_docker())
    assert started.returncode == 0, started.stdout
    assert f"http://127.0.0.1:{port}  (engine auto, in Docker, GPU 1)" in started.stdout
    assert list(containers(docker)) == [f"tts-{port}"]
    assert containers(docker)[f"tts-{port}"]["gpu"] == "1"
    assert checkout.pids() == {}


@pytest.mark.parametrize(
    ("lacking", "arguments", "environment"),
    [
        ("toolkit", (), {}),
        ("engine", (), {}),
        ("GPU", (), {}),
        ("", ("--local",), {}),
        ("", (), {"ENGINE": "hibari"}),
        ("", (), {"DEVICE": "cpu"}),
        ("", (), {"CUDA_VISIBLE_DEVICES": ""}),
    ],
)
def test_else_it_runs_here(
    checkout: Checkout, docker: Path, lacking: str, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    if lacking == "GPU":
        checkout.command("nvidia-smi", NO_DRIVER)
    else:
        nvidia_smi(checkout, "300")
    if lacking in ("toolkit", "engine"):
        (docker / {"toolkit": "no-toolkit", "engine": "down"}[lacking]).touch()
    started = checkout.run("start.sh", *arguments, **environment)
    assert started.returncode == 0, started.stdout
    assert len(checkout.pids()) == 1
    assert containers(docker) == {}


def test_docker_without_a_gpu_runs_the_embedded_voice(checkout: Checkout, docker: Path) -> None:
    started = checkout.run("start.sh", "--docker", "--port", port := port_for_docker())
    assert started.returncode == 0, started.stdout
    assert containers(docker)[f"tts-{port}"]["labels"]["com.docker.compose.service"] == "cpu"


def test_the_image_is_made_anew_when_that_is_asked_for(checkout: Checkout, docker: Path) -> None:
    nvidia_smi(checkout, "300")
    for arguments in ((), ("--build",)):
        started = checkout.run("start.sh", *arguments, "--port", port_for_docker())
        assert started.returncode == 0, started.stdout
    ups = [call.split() for call in calls(docker) if " up " in call]
    assert ["--build" in call for call in ups] == [False, True]


def test_no_engine_is_explained(checkout: Checkout, docker: Path) -> None:
    (docker / "down").touch()
    started = checkout.run("start.sh", "--docker")
    assert started.returncode == 1
    assert "no Docker Engine answers" in started.stdout
    assert "sudo systemctl start docker" in started.stdout


def test_no_toolkit_is_explained(checkout: Checkout, docker: Path) -> None:
    nvidia_smi(checkout, "300")
    (docker / "no-toolkit").touch()
    started = checkout.run("start.sh", "--docker", "--port", port_for_docker())
    assert started.returncode == 1
    assert "could not select device driver" in started.stdout
    assert "the NVIDIA Container Toolkit is missing" in started.stdout
    assert containers(docker) == {}


def test_one_that_dies_shows_its_log_and_is_removed(checkout: Checkout, docker: Path) -> None:
    (docker / "dies").touch()
    started = checkout.run("start.sh", "--docker", "--port", port_for_docker())
    assert started.returncode == 1
    assert "the last words" in started.stdout
    assert containers(docker) == {}


@pytest.mark.parametrize(("arguments", "instances"), [(("--docker",), 1), (("--gpus", "all"), 2)])
def test_an_interrupted_start_leaves_no_containers(
    checkout: Checkout, docker: Path, arguments: tuple[str, ...], instances: int
) -> None:
    nvidia_smi(checkout, "100", "200")
    start = checkout.begin("start.sh", *arguments, "--port", port_for_docker(), FAKE_MUTE="1")
    wait_until(lambda: len(list(docker.glob("*.json"))) == instances)
    start.terminate()
    said = start.communicate(timeout=TIMEOUT_S)[0]
    assert "Interrupted." in said
    assert start.returncode == 1
    assert containers(docker) == {}


def test_started_twice_it_runs_once(checkout: Checkout, docker: Path) -> None:
    port = port_for_docker()
    checkout.run("start.sh", "--docker", "--port", port)
    before = containers(docker)
    again = checkout.run("start.sh", "--docker", "--port", port)
    assert again.returncode == 0
    assert "already running in a container" in again.stdout
    assert containers(docker) == before


def test_a_busy_port_moves_it_on(checkout: Checkout, docker: Path) -> None:
    with stranger(b"mine") as busy:
        started = checkout.run("start.sh", "--docker", "--port", str(busy))
    assert f"Port {busy} is taken" in started.stdout
    (project,) = containers(docker)
    assert int(project.removeprefix("tts-")) > busy


def test_starts_at_once_take_a_gpu_each_in_containers_and_here(checkout: Checkout, docker: Path) -> None:
    nvidia_smi(checkout, "100", "100", "30000")
    first = checkout.begin("start.sh", "--port", port_for_docker())
    second = checkout.begin("start.sh", "--port", port_for_docker())
    for start in (first, second):
        assert "is running" in start.communicate(timeout=60)[0]
    assert sorted(container["gpu"] for container in containers(docker).values()) == ["0", "1"]
    checkout.run("start.sh", "--local")
    assert checkout.health(checkout.only_port())["environment"]["CUDA_VISIBLE_DEVICES"] == "2"


@pytest.mark.parametrize(
    ("environment", "gpu"),
    [
        ({"NVIDIA_VISIBLE_DEVICES": "2"}, "2"),
        ({"CUDA_VISIBLE_DEVICES": "0"}, "0"),
        ({"DEVICE": "cuda:2"}, "2"),
        ({"NVIDIA_VISIBLE_DEVICES": "9"}, "1"),
    ],
)
def test_the_users_gpu_wins(checkout: Checkout, docker: Path, environment: dict[str, str], gpu: str) -> None:
    nvidia_smi(checkout, "20000", "300", "5000")
    checkout.run("start.sh", "--port", port := port_for_docker(), **environment)
    assert containers(docker)[f"tts-{port}"]["gpu"] == gpu


@pytest.mark.parametrize(
    ("host", "published"), [("localhost", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("::1", "[::1]"), ("::", "[::]")]
)
def test_addresses_as_compose_spells_them(checkout: Checkout, host: str, published: str) -> None:
    assert checkout.source(". scripts/containers.sh; address_to_publish", HOST=host) == published


def test_compose_is_told_the_address_in_its_own_spelling(checkout: Checkout, docker: Path) -> None:
    started = checkout.run("start.sh", "--docker", "--port", port := port_for_docker(), HOST="localhost")
    assert started.returncode == 0, started.stdout
    assert containers(docker)[f"tts-{port}"]["host"] == "127.0.0.1"


def test_an_instance_for_each_gpu_behind_one_balancer(checkout: Checkout, docker: Path) -> None:
    nvidia_smi(checkout, "100", "200", "300")
    port = port_for_docker()
    started = checkout.run("start.sh", "--gpus", "0,2", "--port", port, MAX_SLOTS="5", MAX_QUEUE="7")
    assert started.returncode == 0, started.stdout
    found = containers(docker)
    balancer = found.pop(f"tts-balancer-{port}")
    assert sorted(container["gpu"] for container in found.values()) == ["0", "2"]
    for project in found:
        assert f":{project.removeprefix('tts-')}\n" in balancer["haproxy"]
    assert f"bind 127.0.0.1:{port}\n" in balancer["haproxy"]
    assert " maxconn 5 " in balancer["haproxy"]
    assert "queue(speech) ge 7 " in balancer["haproxy"]


def test_settings_are_no_arithmetic(checkout: Checkout, docker: Path) -> None:
    nvidia_smi(checkout, "100")
    (checkout.folder / ".env").write_text("MAX_SLOTS=a[$(mkdir harm)]\n")
    checkout.run("start.sh", "--gpus", "0", "--port", port := port_for_docker())
    assert " maxconn 32 " in containers(docker)[f"tts-balancer-{port}"]["haproxy"]
    assert not (checkout.folder / "harm").exists()


def test_all_of_it_is_stopped_by_the_balancers_port(checkout: Checkout, docker: Path) -> None:
    nvidia_smi(checkout, "100", "200")
    other = checkout.run("start.sh", "--docker", "--port", alone := port_for_docker())
    assert other.returncode == 0, other.stdout
    checkout.run("start.sh", "--gpus=all", "--port", port := port_for_docker())
    assert len(containers(docker)) == 4
    pids = [container["pid"] for project, container in containers(docker).items() if project != f"tts-{alone}"]
    stopped = checkout.run("stop.sh", "--port", port)
    assert stopped.returncode == 0, stopped.stdout
    assert list(containers(docker)) == [f"tts-{alone}"]
    assert not any(alive(pid) for pid in pids)
    said = calls(docker)
    ends = [call for call in said if call.startswith("stop ")]
    assert "tts-balancer" in ends[-1]  # the last: streams pass through it
    announced = [call for call in said if call.startswith("exec ") and call.endswith(" touch /tmp/drain")]
    assert len(announced) == 2
    assert said.index(announced[-1]) < said.index(ends[0])
    assert "Stopped." in checkout.run("stop.sh").stdout
    assert containers(docker) == {}


def test_containers_of_another_folder_are_left_alone(checkout: Checkout, docker: Path) -> None:
    checkout.run("start.sh", "--docker", "--port", port := port_for_docker())
    file = docker / f"tts-{port}.json"
    ours = file.read_text()
    file.write_text(ours.replace(str(checkout.folder), "/elsewhere"))
    assert "Nothing to stop" in checkout.run("stop.sh").stdout
    assert file.exists()
    file.write_text(ours)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--gpus", "5"), "nvidia-smi lists no such GPU"),
        (("--gpus", "first"), "nvidia-smi lists no such GPU"),
        (("--gpus", "all", "--local"), "--local forbids that"),
        (("--foreground", "--docker"), "do not go together"),
        (("--docker", "--engine", "kyutai"), "runs only outside containers"),
    ],
)
def test_wrong_wishes(checkout: Checkout, docker: Path, arguments: tuple[str, ...], message: str) -> None:
    if "kyutai" not in arguments:
        nvidia_smi(checkout, "100")
    started = checkout.run("start.sh", *arguments)
    assert started.returncode == 1
    assert message in started.stdout
    assert containers(docker) == {}


V1 = """#!/bin/bash
case "$*" in
  'version --short') echo 1.29.2 ;;
  *) printf '%s\\n' "$*" >>"$FAKE_DOCKER/v1.log"; cat >>"$FAKE_DOCKER/v1.yml"; exit 1 ;;
esac
"""


def test_docker_compose_1_gets_the_file_without_the_line_it_refuses(checkout: Checkout, docker: Path) -> None:
    client = checkout.commands / "docker"
    client.write_text(client.read_text().replace("exec", "[[ $1 == compose ]] && exit 1\nexec"))
    checkout.command("docker-compose", V1)
    checkout.run("start.sh", "--docker", "--port", port := port_for_docker())
    assert f"-p tts-{port} --project-directory {checkout.folder} -f - up -d cpu" in (docker / "v1.log").read_text()
    given = (docker / "v1.yml").read_text()
    assert "services:" in given
    assert "\nname:" not in given
