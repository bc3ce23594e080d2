"""The cpu service from compose with what people set: TLS, keys as a secret, Wyoming; an update; what the log tells."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.tts import Synthesize

from deploy.verify.containers import containers, inspect
from deploy.verify.service import ROOT, Stream, assert_heard, free_port, healthy, say, shell, until
from tests.test_live import SENTENCES
from tests.web.process.test_tls import Authority

OURS = "-f docker-compose.yml"
ERASE = "\x1b[2K"  # compose writes it before each line, terminal or not


@contextmanager
def service(files: str = OURS, **settings: str) -> Iterator[int]:
    """The cpu service; its port. files: the compose files, as compose takes them."""
    port = free_port()
    environment = settings | {"PORT": str(port), "HOST": "127.0.0.1"}
    try:
        shell(f"docker compose {files} up -d cpu", **environment)
        yield port
    finally:
        shell(f"docker compose {files} --profile cpu down", **environment)


def readable(folder: Path) -> Path:
    """By the user of the images, the folders above it included: pytest makes its own for their owner alone."""
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    return folder


def test_tls(tmp_path: Path) -> None:
    authority = Authority(readable(tmp_path))
    authority.key.chmod(0o644)
    with service(**authority.settings()) as port:
        (container,) = containers(port)
        until(lambda: inspect(container, "{{.State.Health.Status}}") == "healthy", "the health check over https")
        address = f"https://127.0.0.1:{port}/health"
        with urllib.request.urlopen(address, context=authority.context(), timeout=10) as answer:
            assert json.load(answer)["service"] == "kyutai-tts"
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(address, context=ssl.create_default_context(), timeout=10)


def secrets_file(folder: Path) -> Path:
    """The one of the guide, with a file of keys beside it."""
    guide = (ROOT / "docs/README_DOCKER.en.md").read_text()
    (text,) = (block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "secrets:" in block)
    (keys := folder / "keys.txt").write_text("kitchen:a-key-of-the-check\n")
    keys.chmod(0o644)
    (file := folder / "secrets.yml").write_text(text.replace("/etc/kyutai-tts/keys.txt", str(keys)))
    return file


def test_keys_as_a_secret(tmp_path: Path) -> None:
    file = secrets_file(readable(tmp_path))
    with service(f"{OURS} -f {file}") as port:
        until(lambda: healthy(port), "/health")
        with pytest.raises(urllib.error.HTTPError) as refused:
            say(port, SENTENCES[0])
        with refused.value as answer:
            assert (answer.code, json.load(answer)["error"]["code"]) == (401, "missing_api_key")
        assert_heard(say(port, SENTENCES[0], key="a-key-of-the-check"), SENTENCES[0])
        (container,) = containers(port)
        assert "a-key-of-the-check" not in shell(f"docker inspect {container}; docker logs {container} 2>&1")
        (file.parent / "keys.txt").write_text("kitchen:another-key\n")
        until(lambda: taken(port, "another-key"), "the new key")
        assert not taken(port, "a-key-of-the-check")


def taken(port: int, key: str) -> bool:
    try:
        return bool(say(port, SENTENCES[1], key=key))
    except urllib.error.HTTPError as refused:
        refused.close()
        return False


def test_home_assistants_port() -> None:
    with service(f"{OURS} -f deploy/wyoming/docker-compose.yml", WYOMING_PORT=str(wyoming := free_port())) as port:
        until(lambda: healthy(port), "/health")
        assert_heard(asyncio.run(said_over_wyoming(wyoming, SENTENCES[2])), SENTENCES[2])


async def said_over_wyoming(port: int, text: str) -> bytes:
    """Samples of 24 kHz, as the service's own."""
    audio = b""
    async with AsyncTcpClient("127.0.0.1", port, read_timeout=60) as client:
        await client.write_event(Synthesize(text).event())
        while (event := await client.read_event()) is not None and not AudioStop.is_type(event.type):
            if AudioChunk.is_type(event.type):
                audio += AudioChunk.from_event(event).audio
    return audio


def test_an_update_lets_the_old_one_finish(tmp_path: Path) -> None:
    settings = {"CPU_TAG": "of-the-check", "LOG_FORMAT": "json"}
    shell("docker tag kyutai-tts:cpu kyutai-tts:of-the-check")
    with service(**settings) as port:
        until(lambda: healthy(port), "/health")
        old = containers(port)
        (stream := Stream(port, " ".join(SENTENCES))).begin()
        (tmp_path / "Dockerfile").write_text("FROM kyutai-tts:cpu\nLABEL updated=yes\n")
        shell(f"docker build --quiet -t kyutai-tts:of-the-check {tmp_path}")
        with ThreadPoolExecutor(1) as pool:
            again = settings | {"PORT": str(port), "HOST": "127.0.0.1"}
            update = pool.submit(shell, "docker compose up -d cpu", **again)
            assert stream.rest()
            update.result()
        assert containers(port) != old
        until(lambda: healthy(port), "/health of the new one")
        log = log_of(port).splitlines()
        assert any(json.loads(line)["message"].startswith("listening on") for line in log)


def test_a_setting_that_is_wrong_is_the_last_line_of_the_log() -> None:
    with service(MAX_SLOTS="many") as port:
        (container,) = containers(port)
        until(lambda: int(inspect(container, "{{.RestartCount}}")) > 0, "a second try")
        assert "MAX_SLOTS" in log_of(port).splitlines()[-1]


def log_of(port: int) -> str:
    log = shell("docker compose --profile cpu logs --no-log-prefix cpu", PORT=str(port))
    return log.replace(ERASE, "")
