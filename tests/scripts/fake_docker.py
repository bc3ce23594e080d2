"""A docker client without an engine, for tests of the scripts: its containers are processes of the checkout's app.py.

State lies in the folder FAKE_DOCKER: one JSON file per container, calls.log, and files by which a test decides what
happens: `down` (no engine answers), `no-toolkit` (GPUs are not handed out), `dies` (containers end at once).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

STATE = Path(os.environ["FAKE_DOCKER"])
NO_TOOLKIT = 'Error: could not select device driver "nvidia" with capabilities: [[gpu]]'
NO_ENGINE = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
COMPOSE = "com.docker.compose."


def containers() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(STATE.glob("*.json"))]


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else ""


def compose(arguments: list[str]) -> int:
    if "version" in arguments:
        print("2.26.1")
        return 0
    project, file = option(arguments, "-p"), Path(option(arguments, "-f"))
    service = arguments[-1] if arguments[-1] != "-d" else "haproxy"
    if service == "tts" and (STATE / "no-toolkit").exists():
        print(NO_TOOLKIT, file=sys.stderr)
        return 1
    port = os.environ["PORT"] if service != "haproxy" else os.environ["BALANCER_PORT"]
    dies = (STATE / "dies").exists()
    environment = os.environ | {"PORT": port, "ENGINE": os.environ.get("ENGINE") or "auto"}
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.exit(1)"] if dies else [sys.executable, "app.py"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    container = {
        "id": f"{project}-1",
        "pid": process.pid,
        "status": "exited" if dies else "running",
        "host": os.environ.get("HOST", ""),
        "gpu": os.environ.get("NVIDIA_VISIBLE_DEVICES", "0") if service == "tts" else "",
        "haproxy": Path(os.environ["HAPROXY_CFG"]).read_text() if service == "haproxy" else "",
        "labels": {
            f"{COMPOSE}project": project,
            f"{COMPOSE}service": service,
            f"{COMPOSE}project.working_dir": str(file.parent),
            "kyutai-tts.balancer": os.environ.get("BALANCER_PORT", ""),
        },
    }
    (STATE / f"{project}.json").write_text(json.dumps(container))
    return 0


def chosen(arguments: list[str]) -> list[dict[str, Any]]:
    """The containers that ps --filter ... means."""
    filters = [arguments[i + 1] for i, argument in enumerate(arguments) if argument == "--filter"]
    found = containers()
    for name, _, value in (each.partition("=") for each in filters):
        if name == "label":
            label, _, wanted = value.partition("=")
            found = [c for c in found if c["labels"][label] == wanted]
        else:
            found = [c for c in found if c[name] == value]
    return found


def inspect(arguments: list[str]) -> None:
    template, ids = option(arguments, "--format"), arguments
    for container in (c for c in containers() if c["id"] in ids):
        if "DeviceRequests" in template:
            print(container["gpu"])
        elif "compose.project" in template:
            print(container["labels"][f"{COMPOSE}project"])
        elif "balancer" in template:
            print(container["labels"]["kyutai-tts.balancer"])
        else:
            print("/" + container["id"])


def end(ids: list[str], number: signal.Signals) -> None:
    for container in (c for c in containers() if c["id"] in ids):
        with suppress(ProcessLookupError):
            os.kill(container["pid"], number)


def info() -> None:
    print("{}" if (STATE / "no-toolkit").exists() else '{"nvidia": {}, "runc": {}}')


def remove(ids: list[str]) -> None:
    end(ids, signal.SIGKILL)
    for container in (c for c in containers() if c["id"] in ids):
        (STATE / f"{container['labels'][f'{COMPOSE}project']}.json").unlink()


COMMANDS: dict[str, Callable[[list[str]], object]] = {
    "version": lambda _: print("26.1.5"),
    "info": lambda _: info(),
    "ps": lambda arguments: print("".join(f"{c['id']}\n" for c in chosen(arguments)), end=""),
    "inspect": inspect,
    "logs": lambda _: print("the last words"),
    "stop": lambda ids: end(ids, signal.SIGTERM),
    "kill": lambda ids: end(ids, signal.SIGKILL),
    "rm": remove,
}


def main(arguments: list[str]) -> int:
    with (STATE / "calls.log").open("a") as log:
        print(*arguments, file=log)
    if arguments[0] == "compose":
        return compose(arguments[1:])
    if (STATE / "down").exists():
        print(NO_ENGINE, file=sys.stderr)
        return 1
    if arguments[0] in COMMANDS:
        COMMANDS[arguments[0]](arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
