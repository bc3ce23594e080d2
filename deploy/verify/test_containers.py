"""The images and compose files as people use them, on a real Docker Engine; deploy/verify_docker.sh runs this.

It finds the engine by DOCKER_HOST, the images by their usual names, and in HOOK_LOG which GPUs containers were given.
"""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.verify.service import ROOT, Stream, free_port, healthy, heard_in, say, shell, until
from tests.ear import word_errors
from tests.test_live import SENTENCES

MB = 1_000_000
CPU_IMAGE_AT_MOST_MB = 600
SLOTS = 2
GPUS = 3
LONG = " ".join(SENTENCES * 2)  # about a minute


def containers(port: int) -> list[str]:
    return shell(f"docker ps -aq --filter label=com.docker.compose.project=tts-{port}").split()


def inspect(container: str, template: str) -> str:
    return shell(f"docker inspect --format '{template}' {container}").strip()


def assert_heard(data: bytes, text: str) -> None:
    errors = word_errors(text, heard_in(data))
    assert errors <= 1, f"{errors} errors in: {heard_in(data)!r}"


@pytest.fixture(scope="module", autouse=True)
def _nothing_left() -> Iterator[None]:
    folder = Path(os.environ.get("HOOK_LOG", "")).parent
    assert os.environ.get("DOCKER_HOST") == f"unix://{folder}/docker.sock", "not your own engine: verify_docker.sh"
    yield
    shell("docker ps --all --quiet | xargs -r docker rm --force")  # the engine is this run's alone


# -- the image without torch ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cpu() -> Iterator[int]:
    """The cpu service from compose; its port."""
    port = free_port()
    shell("docker compose up -d cpu", PORT=str(port))
    seconds = until(lambda: healthy(port), "/health")
    print(f"\n/health answered {seconds:.1f} s after `up` came back")
    yield port
    shell("docker compose --profile cpu down", PORT=str(port))
    assert containers(port) == []


def test_the_cpu_image_is_small() -> None:
    size_mb = int(shell("docker image inspect --format '{{.Size}}' kyutai-tts:cpu")) / MB
    print(f"\nthe image kyutai-tts:cpu has {size_mb:.0f} MB")
    assert size_mb < CPU_IMAGE_AT_MOST_MB


def test_it_speaks(cpu: int) -> None:
    assert_heard(say(cpu, SENTENCES[0]), SENTENCES[0])


def test_it_is_not_root_and_its_root_is_read_only(cpu: int) -> None:
    (container,) = containers(cpu)
    assert shell(f"docker exec {container} id -u").strip() == "10001"
    assert inspect(container, "{{.HostConfig.ReadonlyRootfs}}") == "true"
    refused = shell(f"docker exec {container} touch /srv/x 2>&1 || true")
    assert "Read-only file system" in refused
    for folder in ("/models", "/voices", "/outputs", "/tmp"):
        shell(f"docker exec {container} sh -c 'touch {folder}/x && rm {folder}/x'")


def test_docker_finds_it_healthy(cpu: int) -> None:
    (container,) = containers(cpu)
    until(lambda: inspect(container, "{{.State.Health.Status}}") == "healthy", "the health check")


def test_the_api_test_passes_against_it(cpu: int) -> None:
    shell(f"./test_api.sh http://127.0.0.1:{cpu}")


def test_a_dead_service_is_started_again(cpu: int) -> None:
    (container,) = containers(cpu)
    os.kill(int(inspect(container, "{{.State.Pid}}")), signal.SIGKILL)
    until(lambda: inspect(container, "{{.RestartCount}}") == "1" and healthy(cpu), "the restart")


# -- one instance for each GPU --------------------------------------------------------------------------------------


def hook_log() -> list[str]:
    return Path(os.environ["HOOK_LOG"]).read_text().split()


def test_the_full_image_has_the_model_code_and_no_weights() -> None:
    shell("docker run --rm kyutai-tts:latest python -c 'import torch, moshi, hibari'")
    found = shell(
        "docker run --rm --user 0 --entrypoint find kyutai-tts:latest / -xdev -name '*.safetensors' -size +1M"
    )
    assert found == ""


def test_the_same_command_for_each_gpu_leaves_all_running() -> None:
    ports = [free_port() for _ in range(4)]
    before = len(hook_log())
    try:
        for gpu, port in enumerate(ports):
            shell(f"NVIDIA_VISIBLE_DEVICES={gpu} PORT={port} docker-compose up -d")
        for port in ports:
            until(lambda port=port: healthy(port), f"port {port}")  # type: ignore[misc]
        assert [len(containers(port)) for port in ports] == [1, 1, 1, 1]
        assert hook_log()[before:] == [f"NVIDIA_VISIBLE_DEVICES={gpu}" for gpu in range(4)]
        volumes = {inspect(containers(port)[0], "{{json .Mounts}}") for port in ports}
        assert {mount["Name"] for mounts in volumes for mount in json.loads(mounts) if mount["Type"] == "volume"} == {
            "tts-models",
            "tts-voices",
            "tts-outputs",
        }
        assert_heard(say(ports[3], SENTENCES[1]), SENTENCES[1])
    finally:
        for port in ports:
            shell(f"PORT={port} docker-compose down")


# -- one address for all of them ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def balanced() -> Iterator[int]:
    """Three instances of two slots behind HAProxy, by start.sh; the balancer's port."""
    port = free_port()
    before = len(hook_log())
    print(shell(f"./start.sh --gpus all --port {port}", MAX_SLOTS=str(SLOTS), HOST="127.0.0.1"))
    assert hook_log()[before:] == [f"NVIDIA_VISIBLE_DEVICES={gpu}" for gpu in range(GPUS)]
    yield port
    shell(f"./stop.sh --port {port}")
    assert instances(port) == []


def instances(balancer: int) -> list[str]:
    return shell(
        f"docker ps -q --filter label=kyutai-tts.balancer={balancer} --filter label=com.docker.compose.service=tts"
    ).split()


def address_of(container: str) -> tuple[str, int]:
    host, _, port = shell(f"docker port {container} 8900").strip().rpartition(":")
    return host, int(port)


def servers_up(balancer: int) -> int:
    """How many instances HAProxy counts as up, of its own metrics."""
    binds = re.findall(r"^  bind (\S+)$", (ROOT / f".run/{balancer}.haproxy.cfg").read_text(), re.MULTILINE)
    metrics = shell(f"curl -sf http://{binds[1]}/metrics")
    return len(re.findall(r'^haproxy_server_status\{proxy="speech",.*state="UP"\} 1$', metrics, re.MULTILINE))


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
        os.kill(int(inspect(victim, "{{.State.Pid}}")), signal.SIGKILL)
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
