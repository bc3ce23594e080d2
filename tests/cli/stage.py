"""`say` as a process of its own, with a player on its PATH that writes down what it gets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.live_server import ROOT
from tests.waiting import wait_until

PLAYER = f"""\
#!{sys.executable}
import os, pathlib, sys
folder = pathlib.Path({{folder!r}})
(folder / "arguments").write_text(" ".join(sys.argv[1:]))
with (folder / "heard").open("wb", buffering=0) as heard:
    while data := os.read(0, 65536):
        heard.write(data)
(folder / "ended").touch()
"""
MUTE = """\
#!/bin/sh
echo "ALSA lib pcm.c: cannot find card 0" >&2
echo "aplay: main:831: audio open error: No such file or directory" >&2
exit 1
"""


MUTE_FFPLAY = """\
#!/bin/sh
echo "No more combinations to try, audio open failed" >&2
echo "Failed to open file 'pipe:' or configure filtergraph" >&2
while read -r _; do :; done
"""


@dataclass
class FakePlayer:
    """A program called aplay that plays into a file."""

    folder: Path

    @property
    def heard(self) -> bytes:
        file = self.folder / "heard"
        return file.read_bytes() if file.exists() else b""

    @property
    def arguments(self) -> str:
        return (self.folder / "arguments").read_text()

    @property
    def ended(self) -> bool:
        """It was told that no more comes."""
        return (self.folder / "ended").exists()


def fake_player(folder: Path, script: str = PLAYER, name: str = "aplay") -> FakePlayer:
    file = folder / "bin" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(textwrap.dedent(script.replace("{folder!r}", repr(str(folder)))))
    file.chmod(0o755)
    return FakePlayer(folder)


class Say:
    """A run of `say` in a folder. Its PATH is the folder's bin alone; no service is found unless `settings` name it.

    shell: a redirection in the shell's words, such as <&- for no standard input at all.
    """

    def __init__(
        self, folder: Path, *arguments: str, stdin: int = subprocess.DEVNULL, shell: str = "", **settings: str
    ) -> None:
        (folder / "bin").mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("HOME", "PYTHONPYCACHEPREFIX") if name in os.environ}
        environment = {
            **kept,
            "PATH": str(folder / "bin"),
            "PYTHONPATH": str(ROOT),
            "KYUTAI_TTS_HOME": str(folder),
            "ENGINE": "hibari",
            "OMP_NUM_THREADS": "1",
            **settings,
        }
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" "$@" {shell}', sys.executable, "-P", "-m", "cli", *arguments],
            cwd=folder,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def write(self, text: str) -> None:
        """Into its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end(self, timeout_s: float = 120) -> tuple[int, str]:
        """No more text comes: its exit code, and what it said on standard error."""
        try:
            _, errors = self.process.communicate(timeout=timeout_s)
        finally:
            self.process.kill()
        return self.process.returncode, errors.decode()

    def stop_when(self, ready, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:  # type: ignore[no-untyped-def]
        """A signal as soon as that is true; then as `end`, with the pipe still open."""
        try:
            wait_until(ready)
            self.process.send_signal(number)
            code = self.process.wait(60)
        finally:
            self.process.kill()
        assert self.process.stderr is not None
        errors = self.process.stderr.read().decode()
        self.process.communicate()
        return code, errors
