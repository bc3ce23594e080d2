"""What the checks ask Docker and HAProxy: which containers there are, where they listen, who is at work."""

from __future__ import annotations

import os
import re
from pathlib import Path

from deploy.verify.service import ROOT, shell


def containers(port: int) -> list[str]:
    """Ids of the containers of the compose project with that port."""
    return shell(f"docker ps -aq --filter label=com.docker.compose.project=tts-{port}").split()


def inspect(container: str, template: str) -> str:
    return shell(f"docker inspect --format '{template}' {container}").strip()


def process(container: str) -> int:
    return int(inspect(container, "{{.State.Pid}}"))


def address_of(container: str) -> tuple[str, int]:
    host, _, port = shell(f"docker port {container} 8900").strip().rpartition(":")
    return host, int(port)


def hook_log() -> list[str]:
    """Which GPUs containers were given, in the order of their start."""
    return Path(os.environ["HOOK_LOG"]).read_text().split()


def bridge_address() -> str:
    """Where containers reach what this machine publishes."""
    return shell("docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}'").strip()


# -- behind a balancer ----------------------------------------------------------------------------------------------


def instances(balancer: int) -> list[str]:
    return shell(
        f"docker ps -q --filter label=kyutai-tts.balancer={balancer} --filter label=com.docker.compose.service=tts"
    ).split()


def servers_up(balancer: int) -> int:
    """How many instances HAProxy counts as up."""
    return len(
        re.findall(r'^haproxy_server_status\{proxy="speech",.*state="UP"\} 1$', _metrics(balancer), re.MULTILINE)
    )


def at_work(balancer: int, container: str) -> int:
    """Requests for speech that an instance has at this moment."""
    (server,) = re.findall(rf"^  server (\S+) \S+:{address_of(container)[1]}$", _config(balancer), re.MULTILINE)
    pattern = rf'^haproxy_server_current_sessions\{{proxy="speech",server="{server}"\}} (\d+)$'
    (sessions,) = re.findall(pattern, _metrics(balancer), re.MULTILINE)
    return int(sessions)


def sent_elsewhere(balancer: int) -> int:
    """Requests for speech without an answer yet whose instance failed them."""
    pattern = r'^haproxy_backend_redispatch_warnings_total\{proxy="speech"\} (\d+)$'
    (requests,) = re.findall(pattern, _metrics(balancer), re.MULTILINE)
    return int(requests)


def _config(balancer: int) -> str:
    return (ROOT / f".run/{balancer}.haproxy.cfg").read_text()


def _metrics(balancer: int) -> str:
    binds = re.findall(r"^  bind (\S+)$", _config(balancer), re.MULTILINE)
    return shell(f"curl -sf http://{binds[1]}/metrics")
