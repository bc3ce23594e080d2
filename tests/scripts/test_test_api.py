"""test_api.sh itself: content with a sound service, and not with others."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.live_server import LiveServer, free_port, live_server

SCRIPT = Path(__file__).parents[2] / "test_api.sh"


def run(url: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "no_proxy": "*", **environ}
    return subprocess.run(["bash", str(SCRIPT), url], capture_output=True, text=True, env=env, check=False)


def test_a_sound_service_passes(server: LiveServer) -> None:
    done = run(server.url + "/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert ", 0 failed" in done.stdout


def test_a_key_is_needed_and_sent(tmp_path: Path) -> None:
    with live_server(tmp_path, ENGINE="hibari", API_KEYS="k") as server:
        assert run(server.url, API_KEY="k").returncode == 0
        without = run(server.url)
    assert without.returncode == 1
    assert "FAILED  status: GET /api/gpu/status answered 401, not 200" in without.stdout
    assert "ok      health" in without.stdout


@pytest.fixture
def stranger() -> Iterator[str]:
    """Some other service, which says yes to everything."""
    app = Flask("stranger")

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
    @app.route("/<path:path>", methods=["GET", "POST"])
    def yes(path: str) -> str:
        return "yes"

    web = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{web.port}"
    web.shutdown()
    thread.join()
    web.server_close()


def test_a_stranger_fails_by_name(stranger: str) -> None:
    done = run(stranger)
    assert done.returncode == 1
    for name in ("health", "speech, wav", "streaming", "OpenAI, speech", "no text", "release"):
        assert f"FAILED  {name}" in done.stdout
    assert "ok " not in done.stdout


def test_nobody_there() -> None:
    done = run(f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 2
    assert "no answer from" in done.stderr


def test_it_finds_the_service_that_start_sh_started(server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "test_api.sh").symlink_to(SCRIPT)
    (tmp_path / ".run").mkdir()
    (tmp_path / f".run/{server.port}.pid").write_text(f"1\n2 3\n{server.url}\n\n")
    done = subprocess.run(["bash", str(tmp_path / "test_api.sh")], capture_output=True, text=True, check=False)
    assert ", 0 failed" in done.stdout, done.stdout + done.stderr


def test_help_and_options_are_no_address() -> None:
    assert run("--help").stdout.startswith("Usage: ./test_api.sh")
    wrong = run("--fast")
    assert wrong.returncode == 2
    assert "Unknown option --fast" in wrong.stderr
