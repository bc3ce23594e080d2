"""Which GPU start.sh takes, with an nvidia-smi that says what the test wants."""

from __future__ import annotations

import re

import pytest

from tests.scripts.checkout import TIMEOUT_S, Checkout, free_port

NO_DRIVER = (
    "#!/bin/bash\necho 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'\nexit 9\n"
)


def nvidia_smi(checkout: Checkout, *memory_used: str) -> None:
    """A driver with one GPU for each figure (MiB)."""
    lines = "".join(f"GPU {index}: Fake (UUID: GPU-{index})\\n" for index in range(len(memory_used)))
    lines = lines or "No devices found.\\n"
    both = "".join(f"{index}, {used}\\n" for index, used in enumerate(memory_used))
    indexes = "".join(f"{index}\\n" for index in range(len(memory_used)))
    checkout.command(
        "nvidia-smi",
        f"""#!/bin/bash
case "$*" in
  -L) printf '{lines}' ;;
  '--query-gpu=index,memory.used --format=csv,noheader,nounits') printf '{both}' ;;
  '--query-gpu=index --format=csv,noheader') printf '{indexes}' ;;
  *) echo "unknown: $*" >&2; exit 6 ;;
esac
""",
    )


@pytest.mark.parametrize(
    ("memory_used", "index"),
    [
        (["20000", "300", "5000"], "1"),  # the index, not the figure
        (["9000", "10000"], "0"),  # by number, not by spelling
        (["500", "500", "500"], "0"),
        (["700", "500", "500"], "1"),
        (["[N/A]", "500"], "1"),
        (["[N/A]", "[N/A]"], ""),
        (["[Not Supported]", "3", "[Unknown Error]"], "1"),
        (["0"], "0"),
        ([str(1000 - index) for index in range(12)], "11"),
        ([], ""),
    ],
)
def test_the_least_used_by_index(checkout: Checkout, memory_used: list[str], index: str) -> None:
    nvidia_smi(checkout, *memory_used)
    assert checkout.source("least_used_gpu") == (f"{index}\n" if index else "")


@pytest.mark.parametrize("script", [NO_DRIVER, "#!/bin/bash\nexit 127\n", "#!/bin/bash\necho '<html>'\n"])
def test_a_driver_in_trouble_has_no_gpu_and_breaks_nothing(checkout: Checkout, script: str) -> None:
    checkout.command("nvidia-smi", script)
    assert checkout.source("least_used_gpu; have_gpu || echo none") == "none\n"
    assert "engine auto" in checkout.run("start.sh").stdout


def test_the_service_is_given_the_gpu_and_the_order_that_nvidia_smi_counts_in(checkout: Checkout) -> None:
    nvidia_smi(checkout, "20000", "300", "5000")
    started = checkout.run("start.sh")
    given = checkout.health(checkout.only_port())["environment"]
    assert (given["CUDA_VISIBLE_DEVICES"], given["CUDA_DEVICE_ORDER"]) == ("1", "PCI_BUS_ID")
    assert ", GPU 1)" in started.stdout


def test_instances_take_a_gpu_each(checkout: Checkout) -> None:
    nvidia_smi(checkout, "100", "100", "30000")
    ports = [free_port() for _ in range(4)]
    starts = [checkout.begin("start.sh", "--port", str(port)) for port in ports]
    for start in starts:
        assert start.wait(timeout=TIMEOUT_S) == 0
        start.communicate()
    gpus = sorted(checkout.health(port)["environment"]["CUDA_VISIBLE_DEVICES"] for port in ports)
    assert gpus == ["0", "0", "1", "2"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "0"}),
        ({"CUDA_VISIBLE_DEVICES": ""}, {"CUDA_VISIBLE_DEVICES": ""}),
        ({"CUDA_VISIBLE_DEVICES": "0", "NVIDIA_VISIBLE_DEVICES": "2"}, {"CUDA_VISIBLE_DEVICES": "0"}),
        ({"NVIDIA_VISIBLE_DEVICES": "2"}, {"CUDA_VISIBLE_DEVICES": "2", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        ({"NVIDIA_VISIBLE_DEVICES": "GPU-2"}, {"CUDA_VISIBLE_DEVICES": "GPU-2", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        ({"NVIDIA_VISIBLE_DEVICES": "7"}, {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        ({"NVIDIA_VISIBLE_DEVICES": "none"}, {"CUDA_VISIBLE_DEVICES": "", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        ({"DEVICE": "cuda:2"}, {}),
    ],
)
def test_the_users_choice_wins(checkout: Checkout, environment: dict[str, str], expected: dict[str, str]) -> None:
    nvidia_smi(checkout, "20000", "300", "5000")
    seen = checkout.source("choose_gpu; env", **environment)
    assert dict(line.split("=", 1) for line in seen.splitlines() if line.startswith("CUDA")) == expected


@pytest.mark.parametrize("environment", [{"DEVICE": "cpu"}, {"ENGINE": "hibari"}])
def test_no_gpu_is_chosen_for_what_uses_none(checkout: Checkout, environment: dict[str, str]) -> None:
    nvidia_smi(checkout, "20000", "300")
    checkout.run("start.sh", **environment)
    assert "CUDA_VISIBLE_DEVICES" not in checkout.health(checkout.only_port())["environment"]


def requirements(checkout: Checkout, **environment: str) -> str:
    """What was asked of uv: the file and everything after it, without the lock."""
    checkout.run("start.sh", **environment, FAKE_LAST_WORDS="enough")
    (command,) = checkout.installed()
    return re.sub(r" --quiet| -c \S+", "", command.partition(" -r ")[2])


@pytest.mark.parametrize(
    ("driver", "environment", "expected"),
    [
        ("none", {}, "requirements/core.txt"),
        ("broken", {}, "requirements/core.txt"),
        ("no GPU", {}, "requirements/core.txt"),
        ("GPU", {}, "requirements.txt"),
        ("GPU", {"ENGINE": "hibari"}, "requirements/core.txt"),
        ("GPU", {"DEVICE": "cpu"}, "requirements/core.txt"),
        ("GPU", {"ENGINE": "kyutai"}, "requirements.txt"),
        ("GPU", {"CUDA_VISIBLE_DEVICES": ""}, "requirements/core.txt"),
        ("GPU", {"NVIDIA_VISIBLE_DEVICES": "none"}, "requirements/core.txt"),
        (
            "none",
            {"ENGINE": "kyutai", "DEVICE": "cpu", "PIP_FIND_LINKS": "/wheels"},
            "requirements.txt --find-links /wheels --override requirements/cpu-overrides.txt",
        ),
        (
            "none",
            {"ENGINE": "kyutai", "DEVICE": "cpu"},
            "requirements.txt --override requirements/cpu-overrides.txt --torch-backend cpu",
        ),
        ("none", {"PIP_FIND_LINKS": "/a /b"}, "requirements/core.txt --find-links /a --find-links /b"),
    ],
)
def test_torch_only_where_it_is_of_use(
    checkout: Checkout, driver: str, environment: dict[str, str], expected: str
) -> None:
    if driver == "broken":
        checkout.command("nvidia-smi", NO_DRIVER)
    elif driver != "none":
        nvidia_smi(checkout, *(["100"] if driver == "GPU" else []))
    assert requirements(checkout, **environment) == expected
