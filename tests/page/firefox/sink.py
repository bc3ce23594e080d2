"""A sound server that plays into nothing: without a device Firefox lets no AudioContext run."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UP_S = 10.0  # a server that has not come up by then will not


@contextmanager
def sink() -> Iterator[dict[str, str]]:
    """What a program's environment needs so that it plays there. Raises RuntimeError if PulseAudio does not come up."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        socket = Path(folder) / "native"
        own = {"HOME": folder, "XDG_RUNTIME_DIR": folder, "PATH": "/usr/bin:/bin"}
        modules = ("module-null-sink", f"module-native-protocol-unix socket={socket} auth-anonymous=1")
        command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", *(f"--load={m}" for m in modules)]
        server = subprocess.Popen(command, env=own, stderr=subprocess.DEVNULL)
        try:
            _wait(server, socket)
            yield {"PULSE_SERVER": f"unix:{socket}"}
        finally:
            server.terminate()
            server.wait()


def _wait(server: subprocess.Popen[bytes], socket: Path) -> None:
    end = time.monotonic() + UP_S
    while not socket.exists():
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError("pulseaudio does not come up")
        time.sleep(0.02)
