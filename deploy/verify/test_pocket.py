"""The image pocket: Kyutai Pocket TTS on a CPU, with weights that are there and with none that can be had."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.verify.containers import containers
from deploy.verify.service import RATE, ROOT, free_port, healthy, say, shell, until

MB = 1_000_000
IMAGE_AT_MOST_MB = 1_800
NO_HUB = "http://192.0.2.1:9"  # an address for documents, RFC 5737: nothing is there


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights, made by the image's own packages."""
    folder = tmp_path_factory.mktemp("pocket")
    for each in (folder, folder.parent):
        each.chmod(0o755)
    folder.chmod(0o777)
    mounts = f"-v {ROOT}/tests:/srv/tests:ro -v {folder}:{folder}"
    shell(f"docker run --rm {mounts} kyutai-tts:pocket python -m tests.speech.engines.pocket.checkpoint tiny {folder}")
    return folder


def test_it_has_no_cuda_and_no_weights() -> None:
    size_mb = int(shell("docker image inspect --format '{{.Size}}' kyutai-tts:pocket")) / MB
    print(f"\nthe image kyutai-tts:pocket has {size_mb:.0f} MB")
    assert size_mb < IMAGE_AT_MOST_MB
    look = "import importlib.metadata as m, torch; print(torch.version.cuda, [d.name for d in m.distributions()])"
    said = shell(f'docker run --rm kyutai-tts:pocket python -c "{look}"')
    assert said.startswith("None ")
    assert "nvidia-cu" not in said


def test_it_speaks_with_a_model_of_yours(checkpoint: Path) -> None:
    with_model = {"PORT": str(port := free_port()), "MODEL_DIR": str(checkpoint), "HOST": "127.0.0.1"}
    try:
        shell("docker compose up -d pocket", **with_model)
        until(lambda: healthy(port), "/health")
        assert len(say(port, "The boats came home before the storm.", voice="v1")) > RATE  # half a second of noise
    finally:
        print(shell("docker compose --profile pocket logs --no-log-prefix pocket | tail -n 3", **with_model))
        shell("docker compose --profile pocket down", **with_model)
    assert containers(port) == []


@pytest.fixture
def bare() -> Iterator[int]:
    """The service without weights, and without a hub that it could fetch them from."""
    settings = {"PORT": str(port := free_port()), "HF_ENDPOINT": NO_HUB, "HOST": "127.0.0.1", "MODEL_DIR": ""}
    shell("docker compose up -d pocket", **settings)
    yield port
    shell("docker compose --profile pocket down", **settings)


def test_without_weights_it_says_what_could_not_be_had(bare: int) -> None:
    until(lambda: healthy(bare), "/health")
    with pytest.raises(urllib.error.HTTPError) as refused:
        say(bare, "Good evening.")
    with refused.value as answer:
        error = json.load(answer)["error"]
    print(f"\n{answer.code} {error['message']}")
    assert answer.code == 503
    assert error["message"].startswith("Not on this machine, and not to be had from the hub")
    assert "192.0.2.1" in error["message"]
    assert healthy(bare)
