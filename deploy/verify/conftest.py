"""Fixtures of the checks: the cpu service, and three instances behind HAProxy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.verify.containers import bridge_address, containers, hook_log, instances
from deploy.verify.service import free_port, healthy, shell, until

SLOTS = 2
GPUS = 3


@pytest.fixture(scope="session", autouse=True)
def _nothing_left() -> Iterator[None]:
    folder = Path(os.environ.get("HOOK_LOG", "")).parent
    assert os.environ.get("DOCKER_HOST") == f"unix://{folder}/docker.sock", "not your own engine: verify_docker.sh"
    yield
    shell("docker ps --all --quiet | xargs -r docker rm --force")  # the engine is this run's alone


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


@pytest.fixture(scope="module")
def balanced() -> Iterator[int]:
    """Three instances of two slots behind HAProxy, by start.sh; the balancer's port, on every address.

    All three say the passages of the jobs that one of them has.
    """
    port = free_port()
    before = len(hook_log())
    settings = {"MAX_SLOTS": str(SLOTS), "HOST": "0.0.0.0", "JOB_WORKERS": f"http://{bridge_address()}:{port}"}
    print(shell(f"./start.sh --gpus all --port {port}", **settings))
    assert hook_log()[before:] == [f"NVIDIA_VISIBLE_DEVICES={gpu}" for gpu in range(GPUS)]
    yield port
    shell(f"./stop.sh --port {port}")
    assert instances(port) == []
