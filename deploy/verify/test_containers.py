"""The images and compose files as people use them, on a real Docker Engine; deploy/verify_docker.sh runs this.

It finds the engine by DOCKER_HOST, the images by their usual names, and in HOOK_LOG which GPUs containers were given.
"""

from __future__ import annotations

import json
import os
import signal

from deploy.verify.containers import containers, hook_log, inspect, process
from deploy.verify.service import assert_heard, free_port, healthy, say, shell, until
from tests.test_live import SENTENCES

MB = 1_000_000
CPU_IMAGE_AT_MOST_MB = 650


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


def test_the_check_of_the_machine_finds_what_is_there(cpu: int) -> None:
    said = json.loads(shell("./verify_deployment.sh --docker --json", PORT=str(cpu)))
    states = {check["name"]: check["state"] for check in said["checks"]}
    assert states == dict.fromkeys(states, "ok"), said
    assert {"docker", "compose", "toolkit", "nvidia-smi"} <= set(states)


def test_a_dead_service_is_started_again(cpu: int) -> None:
    (container,) = containers(cpu)
    os.kill(process(container), signal.SIGKILL)
    until(lambda: inspect(container, "{{.RestartCount}}") == "1" and healthy(cpu), "the restart")


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
